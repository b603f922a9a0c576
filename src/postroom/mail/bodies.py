"""Which parts of a letter are its text and which it carries (after RFC 8621 section 4.1.4), and the text itself.

Not quotes, not HTML cleaning. Nothing is lost: a part is shown or carried, except the same text in a third format.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from . import flowed, limits
from .parts import Part

SAME_AGAIN = frozenset(
    {"text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html", "text/x-watch-html"}
)
"""Formats that only repeat the plain or HTML text beside them; agents would take them for files."""

TEXTUAL = frozenset(
    {"text/enriched", "text/richtext", "text/markdown", "text/x-markdown", "text/unknown", "text/us-ascii"}
)
"""Shown as text when they are the whole letter."""


@dataclass(slots=True)
class Bodies:
    """The parts shown as text, those shown as HTML, and those carried, each in the order written."""

    plain: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    carried: list[Part] = field(default_factory=list)


def find_bodies(root: Part) -> Bodies:
    """Sort every leaf below the part; attached messages are leaves."""
    found = Bodies()
    _sort(root, found, first=True, related=False)
    return found


def _sort(part: Part, found: Bodies, *, first: bool, related: bool) -> None:
    if part.is_multipart:
        _sort_children(part, found)
    elif _is_body(part, first=first, related=related):
        (found.html if part.type == "text/html" else found.plain).append(part)
    else:
        found.carried.append(part)


def _sort_children(part: Part, found: Bodies) -> None:
    if not part.children:
        _keep_unsplit(part, found)
    elif part.type == "multipart/alternative":
        _sort_alternatives(part.children, found)
    else:
        related = part.type == "multipart/related"
        for index, child in enumerate(part.children):
            _sort(child, found, first=index == 0, related=related)


def _keep_unsplit(part: Part, found: Bodies) -> None:
    """A multipart whose parts could not be told apart: all of it is text; one that is too deep is carried."""
    if part.depth >= limits.DEPTH:
        found.carried.append(part)
    elif not part.hollow:
        found.plain.append(part)


def _sort_alternatives(children: tuple[Part, ...], found: Bodies) -> None:
    """Plain and HTML are both kept, the page offers the switch."""
    own = Bodies(found.plain, found.html)
    for child in children:
        _sort(child, own, first=True, related=False)
    shown = bool(own.plain or own.html)
    found.carried.extend(
        part for part in own.carried if part.type not in SAME_AGAIN or part.filename or not shown
    )


def _is_body(part: Part, *, first: bool, related: bool) -> bool:
    if part.rest or part.disposition == "attachment":
        return False
    if part.type in ("text/plain", "text/html"):
        return first or not (related or part.filename)
    return part.parent is None and part.type in TEXTUAL


def plain_text(part: Part) -> str:
    """The text of a part as people read it: paragraphs of format=flowed unwrapped."""
    text = part.text()
    if part.params.get("format", "").lower() == "flowed" and part.type == "text/plain":
        return flowed.unwrap(text, delsp=part.params.get("delsp", "").lower() == "yes")
    return text


def join(texts: Iterable[str]) -> str:
    """Texts one below the other."""
    pieces = [text for text in texts if text]
    if len(pieces) < 2:
        return pieces[0] if pieces else ""
    return "".join(piece if piece.endswith("\n") else piece + "\n" for piece in pieces[:-1]) + pieces[-1]
