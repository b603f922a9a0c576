"""Counts rows of the catalogue of bad input: which a module shows by the names of its tests, and which belong to later work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType


def shown(module: ModuleType) -> set[str]:
    """The rows whose ids stand in the names of a module's tests: test_DB_03_it_ends, test_CRASH_18_20_it_is_unknown."""
    names = [
        *vars(module),
        *(name for one in vars(module).values() if isinstance(one, type) for name in vars(one)),
    ]
    found = (re.match(r"test_([A-Z]+)((?:_\d\d)+)(?:_|$)", name) for name in names)
    return {f"{one[1]}-{number}" for one in found if one for number in one[2].split("_")[1:]}


def count(area: str, module: ModuleType, numbers: str, later: Mapping[str, str]) -> None:
    """Print `n of n` and fail if a row is neither shown nor named as later, or is both."""
    rows = {f"{area}-{number}" for number in numbers.split()}
    there, open_rows = shown(module), set(later)
    print(
        f"{area}: {len(there)} of {len(rows)} rows; later: {', '.join(f'{k} ({v})' for k, v in sorted(later.items())) or 'none'}"
    )
    assert there | open_rows == rows
    assert not there & open_rows
