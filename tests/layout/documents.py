"""What the documents say, read from them, and the tables that are made from the code. Not the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from postroom.conf.options import Options
from postroom.conf.setting import Declared, declared
from postroom.connectors.presets import PRESETS
from postroom.connectors.registry import inboxes, labels, outboxes

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Every document of the project."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def links(page: Path) -> Iterator[str]:
    """Where a page points to within the project."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            yield target


def first_cells(page: str, mark: str) -> list[str]:
    """The names in the first column of the table between `<!-- mark -->` and `<!-- end -->`."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    inside = text.split(f"<!-- {mark} -->", 1)[1].split("<!-- end -->", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", inside, re.M)


def sections(page: str) -> dict[str, str]:
    """The text below each `## ` heading."""
    pieces = re.split(r"^## ", (REFERENCE / page).read_text(encoding="utf-8"), flags=re.M)[1:]
    return {piece.partition("\n")[0]: piece.partition("\n")[2] for piece in pieces}


def filled(page: str, text: str) -> str:
    """The page with the tables that come from the code."""
    for mark, table in TABLES[page].items():
        before, opened, rest = text.partition(f"<!-- {mark} -->\n")
        _, closed, after = rest.partition("<!-- end -->")
        if not opened or not closed:
            raise ValueError(f"{page}: no place for {mark}")
        text = f"{before}{opened}{table()}{closed}{after}"
    return text


def options_table() -> str:
    """The options of an installation."""
    rows = [
        f"| `{one.name}` | `POSTROOM_{one.name.upper()}` | {_value(one)} | {_default(one)} | {one.help} |"
        for one in declared(Options)
    ]
    return _table("option | environment | value | default | meaning", rows)


def connector_tables() -> str:
    """The settings of each protocol."""
    found = {name: one.Settings for name, one in {**inboxes(), **outboxes()}.items()}
    pieces = []
    for name, settings in sorted(found.items()):
        rows = [
            f"| `{one.name}` | {_value(one)} | {_default(one)} | {one.help or one.label} |"
            for one in declared(settings)
        ]
        pieces.append(
            f"## {labels()[name]} (`{name}`)\n\n" + _table("setting | value | default | meaning", rows)
        )
    return "\n" + "\n".join(pieces) + "\n"


def presets_table() -> str:
    """What is known of providers."""
    rows = []
    for one in PRESETS:
        for connector, fixed in one.fills.items():
            rows.append(
                f"| `{one.name}` | {one.label} | `{connector}` | {fixed['host']} | {fixed['port']} | `{fixed['security']}` |"
            )
    return _table("preset | name | protocol | server | port | security", rows)


TABLES = {
    "options.md": {"options": options_table},
    "connectors.md": {"connectors": connector_tables, "presets": presets_table},
}


def _table(head: str, rows: list[str]) -> str:
    columns = head.count("|") + 1
    return "\n".join([f"| {head} |", "|" + "---|" * columns, *rows]) + "\n"


def _value(one: Declared) -> str:
    if one.choices:
        return ", ".join(f"`{value}`" for value, _ in one.choices)
    if one.kind is bool:
        return "true or false"
    if one.kind is int:
        return f"{one.min} to {one.max}" if one.min is not None and one.max is not None else "whole number"
    return "text, several lines" if one.multiline else "text"


def _default(one: Declared) -> str:
    if one.required:
        return "required"
    if one.kind is bool:
        return f"`{str(one.default).lower()}`"
    return f"`{one.default}`" if one.default not in ("", None) else ""
