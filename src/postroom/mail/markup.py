"""Cuts HTML into a flat, balanced run of tags and texts, in linear time; it builds no tree and decides nothing.

The parsers we use need quadratic time for deep nesting (100 000 nested <div>: 18 s) and for tags with very many
attributes, so every HTML body passes here first. The grammar of a tag is that of the HTML standard, 13.2.5; raw
text elements (<script>, <style>, ...) come out as one piece, comments and declarations do not come out at all.
Regular expressions here use possessive quantifiers only: they cannot backtrack.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Literal, NamedTuple

Kind = Literal["text", "open", "close", "void", "raw"]


class Piece(NamedTuple):
    """One piece of markup. `body` is the text, the raw text, or the attributes as written."""

    kind: Kind
    name: str
    body: str


def names(words: str) -> frozenset[str]:
    """The words as a set: element and attribute names are easier to check in a row."""
    return frozenset(words.split())


VOID = names(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
)
RAW = names("script style xmp iframe noembed noframes textarea title")

_VALUE = r"""\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|(?!["'])[^\s>]*+)"""
_ATTRIBUTE = rf"""[\s/]*+[^\s/>][^\s/>=]*+(?:{_VALUE})?+"""
_TAG = re.compile(rf"""</?+([a-zA-Z][^\s/>]*+)((?:{_ATTRIBUTE})*+)[\s/]*+>""")
_TEXT = re.compile(r"(?:[^<]++|<(?![a-zA-Z/!?]))++")
_COMMENT_END = re.compile(r"--!?>")
_ONE_ATTRIBUTE = re.compile(
    r"""[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)(?:"|\Z)|'([^']*+)(?:'|\Z)|(?!["'])([^\s>]*+)))?+"""
)
_LONG_NUMBER = re.compile(r"&#(\d{7})\d++")
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW}

# How far up the open elements an implied end tag looks; a mail that needs more is not written by a mail program.
_REACH = 64
_BLOCKS = names(
    "address article aside blockquote center dir div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr main menu nav ol p pre section table ul"
)
_CELLS = frozenset(("td", "th"))
_SECTIONS = frozenset(("thead", "tbody", "tfoot"))
_STOP = names("table td th caption button object")
_STRUCTURE = names("table thead tbody tfoot tr td th caption html body")
_SCOPE = 300
# opening this -> (closes an open one of these, unless one of those stands between)
_IMPLIED: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset(("li",)), names("ul ol menu dir") | _STOP),
    "dt": (frozenset(("dt", "dd")), frozenset(("dl",)) | _STOP),
    "dd": (frozenset(("dt", "dd")), frozenset(("dl",)) | _STOP),
    "td": (_CELLS, frozenset(("tr", "table"))),
    "th": (_CELLS, frozenset(("tr", "table"))),
    "tr": (frozenset(("tr",)), frozenset(("table",))),
    "thead": (_SECTIONS, frozenset(("table",))),
    "tbody": (_SECTIONS, frozenset(("table",))),
    "tfoot": (_SECTIONS, frozenset(("table",))),
    "option": (frozenset(("option",)), frozenset(("select",))),
    "a": (frozenset(("a",)), _STOP),
    **{name: (frozenset(("p",)), _STOP) for name in _BLOCKS},
}


def decode(text: str) -> str:
    """Character references become characters. A number of a million digits is not read."""
    return unescape(_LONG_NUMBER.sub(r"&#\1", text)) if "&" in text else text


def attributes(body: str, *, limit: int = 64) -> dict[str, str]:
    """The first `limit` attributes of a tag, names in lower case, values decoded. The first of two equals wins."""
    found: dict[str, str] = {}
    for count, match in enumerate(_ONE_ATTRIBUTE.finditer(body)):
        if count >= limit:
            break
        name, double, single, bare = match.groups()
        found.setdefault(name.lower(), decode(double or single or bare or ""))
    return found


def count_attributes(body: str, *, limit: int) -> int:
    """How many attributes are written, counting no further than one past `limit`."""
    count = 0
    for _ in _ONE_ATTRIBUTE.finditer(body):
        count += 1
        if count > limit:
            break
    return count


def pieces(html: str) -> Iterator[Piece]:
    """The HTML in order, as written. What the standard drops at the end of input is dropped."""
    position, end_of_html = 0, len(html)
    read_text, read_tag = _TEXT.match, _TAG.match
    while position < end_of_html:
        if text := read_text(html, position):
            yield Piece("text", "", text.group())
            position = text.end()
            continue
        if tag := read_tag(html, position):
            name, body = tag.groups()
            name = name.lower()
            closing = html[position + 1] == "/"
            position = tag.end()
            if closing:
                yield Piece("close", name, "")
            else:
                yield Piece("void" if name in VOID else "open", name, body)
                if name == "plaintext":
                    yield Piece("raw", name, html[position:])
                    return
                if name in RAW:
                    end = _raw_end(html, name, position, self_closed=html[tag.end() - 2] == "/")
                    yield Piece("raw", name, html[position:end])
                    position = end
            continue
        position = _after_declaration(html, position)


def _raw_end(html: str, name: str, position: int, *, self_closed: bool) -> int:
    end = _RAW_END[name].search(html, position)
    if end:
        return end.start()
    # A browser would show nothing after <title/>; a letter is worth more than that rule.
    return position if self_closed else len(html)


def _after_declaration(html: str, position: int) -> int:
    """Where the comment, declaration or broken tag at `position` ends."""
    if html.startswith("<!--", position):
        if html.startswith((">", "->"), position + 4):
            return html.index(">", position + 4) + 1
        end = _COMMENT_END.search(html, position + 4)
        return end.end() if end else len(html)
    following = html[position + 1 : position + 2]
    if following.isascii() and following.isalpha():
        return len(html)  # a tag without end: the standard drops it
    if (
        following == "/"
        and html[position + 2 : position + 3].isascii()
        and html[position + 2 : position + 3].isalpha()
    ):
        return len(html)
    end_at = html.find(">", position)
    return end_at + 1 if end_at >= 0 else len(html)


def balanced(run: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces with every open tag closed and no stray closing tag, so depth can be counted."""
    stack: list[str] = []
    held: Counter[str] = Counter()
    for piece in run:
        kind, opened, _ = piece
        if kind == "text":
            yield piece
        elif kind == "open":
            if opened in _IMPLIED:
                for name in _implied_ends(stack, held, opened):
                    yield Piece("close", name, "")
            stack.append(opened)
            held[opened] += 1
            yield piece
        elif kind == "close":
            if stack and stack[-1] == opened:
                held[stack.pop()] -= 1
                yield piece
            elif held[opened] and _in_scope(stack, piece.name):
                for name in _pop_through(stack, held, piece.name):
                    yield Piece("close", name, "")
        elif kind == "raw":
            stack_name = stack.pop() if stack else ""
            if stack_name:
                held[stack_name] -= 1
            yield piece
            yield Piece("close", piece.name, "")
        else:
            if piece.name == "hr":
                for name in _implied_ends(stack, held, "hr"):
                    yield Piece("close", name, "")
            yield piece
    for name in reversed(stack):
        yield Piece("close", name, "")


def _implied_ends(stack: list[str], held: Counter[str], opening: str) -> list[str]:
    ends, stops = _IMPLIED.get(opening, (frozenset(), frozenset()))
    for name in ends:
        if held[name]:
            break
    else:
        return []
    for name in stack[: -_REACH - 1 : -1]:
        if name in stops:
            return []
        if name in ends:
            return _pop_through(stack, held, name)
    return []


def _in_scope(stack: list[str], closing: str) -> bool:
    """Whether a closing tag may reach its opening one: </b> inside a cell does not close a <b> around the table."""
    if closing in _STRUCTURE:
        return True
    for name in stack[: -_SCOPE - 1 : -1]:
        if name == closing:
            return True
        if name in _STOP:
            return False
    return True


def _pop_through(stack: list[str], held: Counter[str], wanted: str) -> list[str]:
    closed = []
    while stack:
        name = stack.pop()
        held[name] -= 1
        closed.append(name)
        if name == wanted:
            break
    return closed
