"""Who may know whom: every import between rooms is checked against the picture in docs/architecture.md."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import postroom

ROOT = Path(postroom.__file__).parent
MAY_IMPORT = {
    "mail": set(),
    "conf": set(),
    "connectors": {"conf"},
    "models": {"mail", "conf"},
    "reports": {"models", "mail", "conf"},
    "actions": {"models", "mail", "conf", "connectors"},
    "flow": {"actions", "models", "mail", "conf", "connectors"},
    "engine": {"flow", "actions", "models", "mail", "conf", "connectors"},
    "web": {"reports", "actions", "models", "mail", "conf"},
    "api": {"reports", "actions", "models", "mail", "conf"},
    "management": {"engine", "web", "demo", "reports", "actions", "models", "mail", "conf", "connectors"},
    "demo": {"conf"},
    "migrations": {"models"},
}
"""A room and the rooms below it. `demo` is a mail world of its own: it knows nothing of the product."""
FILES = sorted(p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).parts[0] in MAY_IMPORT)


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def imported(tree: ast.AST, path: Path) -> set[str]:
    """Names of postroom modules that a file imports, relative imports resolved."""
    package = ["postroom", *path.relative_to(ROOT).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "postroom"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_down(path):
    allowed = MAY_IMPORT[room(path)] | {room(path)}
    rooms = {
        parts[1] for name in imported(ast.parse(path.read_text()), path) if len(parts := name.split(".")) > 1
    }
    wrong = {r for r in rooms & MAY_IMPORT.keys() if r not in allowed}
    assert not wrong, f"{path.relative_to(ROOT)} may not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("name", ["mail", "connectors"])
def test_no_django_below_the_border(name):
    for path in (ROOT / name).rglob("*.py"):
        names = {
            n.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for n in node.names
        }
        names |= {
            node.module or ""
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
        }
        assert not any(n.split(".")[0] == "django" for n in names), f"{path.name} imports Django"


def test_no_import_hides_in_a_function():
    hidden = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = [
                    n
                    for n in ast.walk(node)
                    if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("postroom")
                ]
                hidden += [f"{path.relative_to(ROOT)}:{n.lineno}" for n in inner]
    assert not hidden, hidden


def test_every_module_says_what_it_is():
    silent = [
        str(p.relative_to(ROOT))
        for p in ROOT.rglob("*.py")
        if "migrations/0" not in str(p) and not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert not silent, silent


def test_no_file_swells_past_500_lines():
    swollen = [
        f"{p.relative_to(ROOT)}: {n}"
        for p in FILES
        if room(p) != "migrations" and (n := len(p.read_text().splitlines())) > 500
    ]
    assert not swollen, swollen


def test_only_actions_flow_and_engine_write():
    """Pages, reports and commands go through actions: no save, create, update or delete of rows in them."""
    writing = {"bulk_create", "bulk_update", "get_or_create", "update_or_create"}
    found = []
    for path in FILES:
        if room(path) in ("reports", "web", "api"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and node.attr in writing:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.attr}")
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in ("create", "update", "delete", "save")
                ):
                    target = ast.unparse(node.func.value)
                    if ".objects" in target:
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.func.attr}")
    assert not found, found
