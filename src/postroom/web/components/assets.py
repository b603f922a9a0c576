"""Where the built browser files are: reads the build's manifest. It does not build (see `frontend/`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

BUILD = Path(__file__).resolve().parent.parent / "static" / "postroom" / "build"
UNDER = "postroom/build/"


@dataclass(frozen=True)
class Asset:
    """One built file and the chunks it imports at once, as file names in the build folder."""

    file: str
    imports: tuple[str, ...] = ()


def find_asset(name: str) -> Asset:
    """The built file of a plain name such as `app.js`. Raises ImproperlyConfigured if there is no build or no such file."""
    files = _manifest()
    if name not in files:
        raise ImproperlyConfigured(f"The build has no {name!r}. It has: {', '.join(sorted(files))}.")
    return files[name]


def address(name: str) -> str:
    """The URL of a built file by its plain name; it changes with the content, so it may be cached for ever."""
    return file_address(find_asset(name).file)


def file_address(file: str) -> str:
    """The URL of a file in the build folder."""
    return static(UNDER + file)


def _manifest() -> dict[str, Asset]:
    path = BUILD / "manifest.json"
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        raise ImproperlyConfigured(
            "The browser files are not built. Run `node frontend/build.mjs` or install the wheel."
        ) from None
    return _read(path, changed)


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> dict[str, Asset]:
    # `changed` is only part of the key: a new build is seen without a restart.
    files = json.loads(path.read_text(encoding="utf-8"))["files"]
    return {
        name: Asset(file=entry["file"], imports=tuple(entry.get("imports", ())))
        for name, entry in files.items()
    }
