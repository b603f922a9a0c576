"""The tables of docs/reference/setup-file.md, made from the sections. A test compares; the prose is the page's own."""

from __future__ import annotations

from typing import Any

from postroom.actions.setup.sections import Key, Section, sections

START, END = "<!-- keys of {} -->", "<!-- end -->"


def reference() -> str:
    """Every section with its keys, as Markdown."""
    return "\n".join(_section(section) for section in sections().values())


def rewritten(page: str) -> str:
    """The page with everything between its marks made anew."""
    for section in sections().values():
        start = START.format(section.name)
        before, _, rest = page.partition(start)
        _, _, after = rest.partition(END)
        page = f"{before}{start}\n{_table(section)}{END}{after}"
    return page


def _section(section: Section) -> str:
    return f"## `[[{section.name}]]`\n\n{section.about}\n\n{START.format(section.name)}\n{_table(section)}{END}\n"


def _table(section: Section) -> str:
    rows = ["| key | value | default | meaning |", "|---|---|---|---|", *(_row(key) for key in section.keys)]
    return "\n".join(rows) + "\n"


def _row(key: Key) -> str:
    also = f" (also {', '.join(f'`{one}`' for one in key.aliases)})" if key.aliases else ""
    default = _default(key.default) or ("required" if key.required else "")
    return f"| `{key.name}`{also} | {key.says} | {default} | {key.help} |"


def _default(value: Any) -> str:
    if value in (None, "", ()):
        return ""
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"
