"""Prints the requirement catalogue against the tests: id, number of tests, and what has none. `make requirements`."""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent


def catalogue() -> dict[str, str]:
    """Ids and words of the catalogue beside the checkout, if it is there."""
    path = (
        Path(os.environ.get("POSTROOM_DESIGN", HERE.parent.parent / "shared" / "design")) / "requirements.md"
    )
    rows = re.findall(r"^\| ([A-Z]{2}-\d\d) \| (.+?) \|", path.read_text(), re.M) if path.exists() else []
    return dict(rows)


def proofs() -> dict[str, list[str]]:
    """Tests by the requirement ids they are marked with."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(HERE.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for marker in getattr(node, "decorator_list", []):
                if isinstance(marker, ast.Call) and ast.unparse(marker.func) == "pytest.mark.requirement":
                    for argument in marker.args:
                        found[ast.literal_eval(argument)].append(f"{path.relative_to(HERE)}::{node.name}")  # type: ignore[attr-defined]
    return found


def main() -> None:
    """The table, then the gaps."""
    words, tests = catalogue(), proofs()
    for name in sorted(words.keys() | tests.keys()):
        print(f"{name}  {len(tests.get(name, [])):3d}  {words.get(name, '(not in the catalogue)')[:100]}")
    gaps = sorted(words.keys() - tests.keys())
    print(
        f"\n{len(words) - len(gaps)} of {len(words)} requirements have a test. Without: {', '.join(gaps) or 'none'}"
    )


if __name__ == "__main__":
    main()
