"""The built browser files: what they weigh, that two builds are alike, and that the build hook knows a fresh build."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured

from postroom.web.components import assets, tags

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"
KB = 1000


def load_hook() -> ModuleType:
    """The build hook as a module."""
    spec = importlib.util.spec_from_file_location("hatch_build", FRONTEND / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files_of(*names: str) -> set[str]:
    """The files a browser fetches for these entries, chunks included."""
    found = [assets.find_asset(name) for name in names]
    return {file for one in found for file in (one.file, *one.imports)}


def weigh(files: set[str]) -> int:
    """Their size gzipped, in bytes."""
    return sum(len(gzip.compress((assets.BUILD / file).read_bytes(), 9)) for file in files)


def test_the_workspace_loads_at_most_40_kb_of_script() -> None:
    assert weigh(files_of("app.js", "workspace.js")) <= 40 * KB


def test_the_first_reply_adds_at_most_30_kb() -> None:
    assert weigh(files_of("composer.js") - files_of("app.js", "workspace.js")) <= 30 * KB


def test_the_style_sheet_is_at_most_14_kb() -> None:
    assert weigh(files_of("app.css")) <= 14 * KB


def test_every_file_a_page_names_is_in_the_build() -> None:
    names = json.loads((assets.BUILD / "manifest.json").read_text())["files"]
    for name in names:
        for file in files_of(name):
            assert (assets.BUILD / file).is_file(), file


def test_every_icon_a_template_or_script_names_is_in_the_sprite() -> None:
    sprite = (assets.BUILD / assets.find_asset("icons.svg").file).read_text()
    there = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    package = Path(assets.__file__).resolve().parents[1]
    templates = "\n".join(path.read_text() for path in (package / "templates").rglob("*.html"))
    scripts = "\n".join(path.read_text() for path in (FRONTEND / "src").rglob("*.ts"))
    named = set(re.findall(r"""\{% icon ["']([\w-]+)["']""", templates)) | set(
        re.findall(r'\bicon\("([\w-]+)"', scripts)
    )
    assert named - there == set()
    assert len(named) > 15


def test_an_asset_that_was_not_built_is_named_in_the_error() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"no 'missing\.js'.*app\.js"):
        assets.find_asset("missing.js")


def test_scripts_ask_for_shared_chunks_once_and_first() -> None:
    html = tags.scripts("app.js", "workspace.js")
    preloads, sources = re.findall(r'modulepreload" href="([^"]+)', html), re.findall(r'src="([^"]+)', html)
    assert len(preloads) == len(set(preloads))
    assert [re.sub(r".*/(\w+)-\w{8}\.js", r"\1", one) for one in sources] == ["app", "workspace"]
    assert html.index("modulepreload") < html.index("src=")


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert all("integrity" in entry for name, entry in packages.items() if name)


def test_the_build_is_made_from_the_sources_as_they_are() -> None:
    hook = load_hook()
    assert hook.is_fresh(), "The browser files are older than their sources: run `node frontend/build.mjs`."


def test_two_builds_of_the_same_sources_are_alike(tmp_path: Path) -> None:
    hook = load_hook()
    hook.build_assets(*hook.find_node(), out=tmp_path)
    made, kept = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in (tmp_path, assets.BUILD))
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_the_hook_builds_nothing_when_told_to_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = load_hook()
    monkeypatch.setenv("POSTROOM_SKIP_ASSETS", "1")
    monkeypatch.setattr(hook, "is_fresh", lambda: False)
    monkeypatch.setattr(hook, "machine_node", lambda: None)
    build = hook.AssetBuildHook(str(FRONTEND.parent), {}, None, None, "", "wheel")
    build.initialize("standard", {})
    assert build.dependencies() == []


def test_a_machine_without_node_gets_it_from_a_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = load_hook()
    monkeypatch.delenv("POSTROOM_SKIP_ASSETS", raising=False)
    monkeypatch.setattr(hook, "is_fresh", lambda: False)
    monkeypatch.setenv("PATH", "")
    build = hook.AssetBuildHook(str(FRONTEND.parent), {}, None, None, "", "wheel")
    assert build.dependencies() == [hook.NODE_WHEEL]
