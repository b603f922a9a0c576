"""HTML to readable text; it does not say which text a letter shows (quotes.py does). The way back is linkify.py.

Linear, bounded, and never raises on content.
"""

import re
from dataclasses import dataclass, field

from postroom.mail.hidden import is_hidden
from postroom.mail.linkify import text_to_html
from postroom.mail.markup import Piece, attributes, balanced, decode, names, pieces

__all__ = ["html_to_text", "text_to_html"]

MOST_CHARACTERS = 2_000_000  # of HTML read and of text written
_DEEPEST_QUOTE = 20
_LONGEST_LINK = 300
_RULE = "_" * 32

_SKIPPED = names("head template svg math select datalist audio video canvas object applet map")
_PARAGRAPHS = names("p h1 h2 h3 h4 h5 h6 ul ol dl pre blockquote table figure fieldset")
_LINES = names(
    "address article aside body caption center dd details dir div dt figcaption footer form header html "
    "legend li main menu nav section summary tr tbody thead tfoot"
)
_CELLS = frozenset(("td", "th"))
_SPACES = re.compile(r"  +")
# Zero width and soft hyphens carry no text; the joiners U+200C and U+200D do, in Persian and in emoji.
_NOTHING = re.compile("[\u200b\u2060\ufeff\u00ad\u034f\x00]")
_ZERO_MARGIN = re.compile(r"margin(?:-top|-bottom)?\s*:\s*0", re.IGNORECASE)


@dataclass(slots=True)
class _Page:
    """The text written so far, line by line, with what stands before each line."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    size: int = 0
    blank_wanted: bool = False
    space_wanted: bool = False
    quote: int = 0
    lists: list[int] = field(default_factory=list)  # -1 for bullets, else the last number
    marker: str = ""
    pre: int = 0
    tight: list[bool] = field(default_factory=list)  # open paragraphs, and whether each has no margins
    cell_wanted: bool = False

    def write(self, text: str) -> None:
        if not text.isascii() or "\x00" in text:
            text = _NOTHING.sub("", text)
        if self.pre:
            self._write_preformatted(text)
            return
        words = _squeeze(text)
        if words.startswith(" "):
            self.space_wanted = bool(self.line)
            words = words[1:]
        if not words:
            return
        trailing = words.endswith(" ")
        self._put(words.rstrip(" "))
        self.space_wanted = trailing

    def _put(self, words: str) -> None:
        if self.blank_wanted:
            self._end_paragraph()
        if self.cell_wanted and self.line:
            self.line.append(" " if self._is_label() else "\t")
        elif self.space_wanted and self.line:
            self.line.append(" ")
        if self.marker:
            self.line.append(self.marker)
            self.marker = ""
        self.cell_wanted = self.space_wanted = False
        self.line.append(words.replace("\u00a0", " "))
        self.size += len(words) + 1

    def _is_label(self) -> bool:
        return self.line[-1].endswith((":", "："))

    def _write_preformatted(self, text: str) -> None:
        parts = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for number, part in enumerate(parts):
            if number:
                self.new_line()
            if part:
                self._put(part)

    def end_line(self) -> None:
        """What follows starts on a line of its own."""
        if self.line:
            self.new_line()
        self.space_wanted = self.cell_wanted = False

    def new_line(self) -> None:
        if self.blank_wanted and not self.line:
            self._end_paragraph()
        text = "".join(self.line)
        indent = "  " * min(len(self.lists) - 1, 8) if self.lists else ""
        text = (text if self.pre else text.strip()) and indent + (text if self.pre else text.strip())
        self._add(text)
        self.line = []
        self.space_wanted = self.cell_wanted = False

    def end_paragraph(self) -> None:
        """What follows is set apart by a blank line."""
        self.end_line()
        self.blank_wanted = True

    def _end_paragraph(self) -> None:
        self.blank_wanted = False
        if self.lines and self.lines[-1].strip("> "):
            self._add("")

    def _add(self, text: str) -> None:
        depth = min(self.quote, _DEEPEST_QUOTE)
        quoted = f"{'>' * depth} {text}" if depth else text
        self.lines.append(quoted.rstrip())
        self.size += len(quoted) + 1

    def text(self) -> str:
        self.end_line()
        return _MANY_BLANK.sub("\n\n\n", "\n".join(self.lines)).strip("\n")


def _squeeze(text: str) -> str:
    """Runs of blanks as one space each."""
    if "\n" in text or "\t" in text or "\r" in text or "\f" in text:
        text = (
            text.replace("\r\n", " ")
            .replace("\n", " ")
            .replace("\t", " ")
            .replace("\r", " ")
            .replace("\f", " ")
        )
    return _SPACES.sub(" ", text) if "  " in text else text


_MANY_BLANK = re.compile(r"\n{4,}")


def html_to_text(html: str) -> str:
    """The HTML as text: paragraphs, lists, cells, links with their address, quotes behind "> ".

    Styles, scripts and hidden parts are left out. At most MOST_CHARACTERS are read and written.
    """
    page = _Page()
    skipping: list[str] = []  # open elements since, and with, the one whose content is left out
    links: list[tuple[str, int]] = []
    for piece in balanced(pieces(html[:MOST_CHARACTERS])):
        if page.size > MOST_CHARACTERS:
            break
        kind, name, body = piece
        if skipping:
            _skip(skipping, piece)
        elif kind == "text":
            page.write(decode(body))
        elif kind == "open" and (name in _SKIPPED or (body and is_hidden(body))):
            skipping.append(name)
        else:
            _write_piece(page, piece, links)
    return page.text()


def _skip(skipping: list[str], piece: Piece) -> None:
    if piece.kind == "open":
        skipping.append(piece.name)
    elif piece.kind == "close":
        skipping.pop()


def _write_piece(page: _Page, piece: Piece, links: list[tuple[str, int]]) -> None:
    if piece.kind == "void":
        _write_void(page, piece)
    elif piece.kind == "open":
        _open(page, piece, links)
    elif piece.kind == "close":
        _close(page, piece.name, links)
    elif piece.name in ("textarea", "plaintext", "xmp"):
        page.write(decode(piece.body))


def _write_void(page: _Page, piece: Piece) -> None:
    if piece.name == "br":
        page.new_line()
    elif piece.name == "hr":
        page.end_line()
        page.write(_RULE)
        page.end_line()
    elif piece.name == "img" and "alt" in piece.body.lower():
        alt = attributes(piece.body).get("alt", "").strip()
        if alt and len(alt) < _LONGEST_LINK:
            page.write(f"[{alt}]")


def _open(page: _Page, piece: Piece, links: list[tuple[str, int]]) -> None:
    name = piece.name
    if name == "p":
        page.tight.append(_is_tight(piece.body))
    if name == "p" and page.tight[-1]:
        page.end_line()
    elif name in _PARAGRAPHS and not (page.lists and name in ("ul", "ol")):
        page.end_paragraph()
    elif name in _PARAGRAPHS or name in _LINES:
        page.end_line()
    if name == "blockquote":
        _flush_blank(page)
        page.quote += 1
    elif name == "pre":
        page.pre += 1
    elif name in ("ul", "ol", "menu", "dir"):
        page.lists.append(0 if name == "ol" else -1)
    elif name == "li":
        _start_item(page)
    elif name == "a":
        href = attributes(piece.body).get("href", "") if "href" in piece.body.lower() else ""
        links.append((href.strip(), len(page.line) if page.line else 0))
    elif name == "tr":
        page.end_line()


def _flush_blank(page: _Page) -> None:
    """The blank line before a quote stands outside of it."""
    if page.blank_wanted:
        page._end_paragraph()


def _start_item(page: _Page) -> None:
    if page.lists and page.lists[-1] >= 0:
        page.lists[-1] += 1
        page.marker = f"{page.lists[-1]}. "
    else:
        page.marker = "- "


def _close(page: _Page, name: str, links: list[tuple[str, int]]) -> None:
    if name in _CELLS:
        page.cell_wanted = bool(page.line)
    elif name == "a" and links:
        _write_address(page, *links.pop())
    elif name in ("ul", "ol", "menu", "dir"):
        page.end_line()
        if page.lists:
            page.lists.pop()
        if not page.lists:
            page.end_paragraph()
    elif name == "p" and page.tight and page.tight.pop():
        page.end_line()
    elif name in _PARAGRAPHS:
        page.end_paragraph()
    elif name in _LINES:
        page.end_line()
    if name == "blockquote":
        page.quote = max(page.quote - 1, 0)
    elif name == "pre":
        page.pre = max(page.pre - 1, 0)
    elif name == "li":
        page.marker = ""


def _is_tight(body: str) -> bool:
    """Outlook writes every line as a paragraph without margins."""
    return "mso" in body.lower() or bool(_ZERO_MARGIN.search(body))


def _write_address(page: _Page, href: str, start: int) -> None:
    label = "".join(page.line[start:]).strip()
    if not label or not href.lower().startswith(("http://", "https://")) or len(href) > _LONGEST_LINK:
        return
    if (
        _bare(href) != _bare(label)
        and _bare(label) not in _bare(href)[: len(label) + 1]
        and "://" not in label
    ):
        page.write(f" <{href}>")


def _bare(address: str) -> str:
    short = re.sub(r"^https?://(?:www\.)?|^mailto:|^www\.", "", address.lower(), count=1)
    return short.rstrip("/")
