"""Cuts the quoted part out of an HTML letter at the containers mail programs put it in; text cues belong to quotes.py.

Works on the flat run of pieces (markup.py), in which an element is a stretch from its opening to its closing tag, so
time is linear whatever the structure. Neither part is safe to show before html.sanitise.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from postroom.mail.markup import Piece, attributes, balanced, names, pieces
from postroom.mail.quote_lines import (
    attribution_at,
    clean,
    header_block_at,
    is_forward_mark,
    is_original_mark,
    is_reply_mark,
    read_lines,
)
from postroom.mail.text import html_to_text

MOST_CHARACTERS = 2_000_000
_MOST_LOOKS = 200  # places where the words around are read
_LOOK = 4000  # characters of markup read at such a place
_LINE_BREAKS = names("br hr p div li tr table blockquote ul ol pre h1 h2 h3 h4 h5 h6")

# The container is quoted; an answer may stand below it.
_CONTAINER = re.compile(
    r"(?<![\w-])(?:gmail_quote\w*|x_gmail_quote|moz-cite-prefix|moz-email-headers-table|\w*yahoo_quoted\w*|ymail_quote|protonmail_quote|"
    r"tutanota_quote|zmail_extra\w*|zmail_quote|blockquote_zmail|skiff_quote|front-blockquote|sh-quoted-content|quotedMessage|"
    r"freebirdQuote|nylas-quote|messageReplySection|mail-editor-reference-message-container|"
    r"ms-outlook-mobile-reference-message|qt|xm_compose_quote|"
    r"netease_mail_quote|isReplyContent)(?![\w-])"
)
# From here on everything is old.
_REST = re.compile(
    r"(?<![\w-])(?:x_)*(?:divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION|reply-intro|stopSpelling|zwchr|__DIVIDER__|"
    r"OutlookMessageHeader|ms-outlook-mobile-body-separator-line)(?![\w-])",
    re.IGNORECASE,
)
_BORDER = re.compile(
    r"border-top:\s*solid|border-top:\s*\w+\s+solid|border-top-style:\s*solid|border:\s*none;\s*border-top",
    re.IGNORECASE,
)
_GAP = "<div></div>"  # the words around a quote stay on lines of their own
_NAMING = ("class", "id", "name", "data-marker")


@dataclass(frozen=True)
class _Stretch:
    """Pieces first..last-1."""

    first: int
    last: int


class _Run:
    """The pieces of a letter, with the end of each element and the number of texts before each piece."""

    def __init__(self, html: str) -> None:
        self.pieces = [piece for piece in balanced(pieces(html[:MOST_CHARACTERS])) if piece.kind != "raw"]
        self.ends = _match_tags(self.pieces)
        self.filled = [0]
        for piece in self.pieces:
            self.filled.append(self.filled[-1] + (piece.kind == "text" and _has_words(piece.body)))

    def element(self, first: int) -> _Stretch:
        return _Stretch(first, self.ends.get(first, first) + 1)

    def has_words(self, first: int, last: int) -> bool:
        return last > first and self.filled[last] > self.filled[first]

    def html(self, first: int, last: int, *, most: int | None = None) -> str:
        """The markup of a stretch, cut after `most` characters."""
        parts, size = [], 0
        for piece in self.pieces[first:last]:
            part = _written(piece)
            parts.append(part)
            size += len(part)
            if most is not None and size > most:
                break
        return "".join(parts)

    def words(self, first: int, last: int) -> str:
        return html_to_text(self.html(first, last, most=_LOOK))

    def without(self, stretches: list[_Stretch]) -> str:
        """The markup without the stretches; tags that reach over a border stay, so that the rest is still balanced."""
        kept: list[str] = []
        at = 0
        for stretch in stretches:
            kept.extend(_written(piece) for piece in self.pieces[at : stretch.first])
            kept.extend(self._crossing(stretch))
            kept.append(_GAP)
            at = stretch.last
        kept.extend(_written(piece) for piece in self.pieces[at:])
        return "".join(kept)

    def excerpt(self, stretch: _Stretch) -> str:
        """The markup of the stretch, with elements opened that only end in it."""
        ends = [tag for tag in self._crossing(stretch) if tag.startswith("</")]
        return "".join(tag.replace("/", "", 1) for tag in reversed(ends)) + self.html(
            stretch.first, stretch.last
        )

    def _crossing(self, stretch: _Stretch) -> list[str]:
        crossing: list[str] = []
        open_inside = 0
        for at in range(stretch.first, stretch.last):
            piece = self.pieces[at]
            if piece.kind == "open":
                if self.ends.get(at, stretch.last) >= stretch.last:
                    crossing.append(_written(piece))
                else:
                    open_inside += 1
            elif piece.kind == "close":
                if open_inside:
                    open_inside -= 1
                else:
                    crossing.append(_written(piece))
        return crossing


def _match_tags(run: list[Piece]) -> dict[int, int]:
    ends: dict[int, int] = {}
    stack: list[int] = []
    for at, piece in enumerate(run):
        if piece.kind == "open":
            stack.append(at)
        elif piece.kind == "close" and stack:
            ends[stack.pop()] = at
    return ends


def _has_words(text: str) -> bool:
    return bool(text.replace("&nbsp;", " ").replace("&#160;", " ").replace("\u200b", "").strip())


def _written(piece: Piece) -> str:
    if piece.kind == "text":
        return piece.body
    if piece.kind == "close":
        return f"</{piece.name}>"
    return f"<{piece.name} {piece.body} >" if piece.body else f"<{piece.name}>"


def fold_html(html: str) -> tuple[str, str]:
    """(what the writer wrote, what was quoted), both HTML and both unsafe; (html, "") when nothing is recognised.

    Quotes between which the writer answers stay where they are, and so does a letter that is passed on.
    """
    run = _Run(html)
    for find in (_find_containers, _find_rest, _find_headers, _find_blockquotes):
        cut = find(run)
        if cut:
            return run.without(cut), "".join(run.excerpt(stretch) for stretch in cut)
    return html, ""


def _find_rest(run: _Run) -> list[_Stretch]:
    """The first mark after which everything is old: Outlook on the web, Zimbra, Hotmail."""
    for at, piece in enumerate(run.pieces):
        if piece.kind in ("open", "void") and piece.body and _REST.search(_naming(piece)):
            return _cut_from(run, at)
    return []


def _find_headers(run: _Run) -> list[_Stretch]:
    """A line or a border above From:, Sent:, To:, Subject: (Outlook)."""
    looks = 0
    for at, piece in enumerate(run.pieces):
        if looks > _MOST_LOOKS:
            break
        if piece.name == "hr" or (
            piece.kind == "open" and "border" in piece.body.lower() and _is_bordered(piece)
        ):
            looks += 1
            if _begins_original(run.words(at + (piece.name == "hr"), len(run.pieces))):
                return _cut_from(run, at)
    return []


def _is_bordered(piece: Piece) -> bool:
    return bool(_BORDER.search(attributes(piece.body).get("style", "")))


def _begins_original(words: str) -> bool:
    lines = [line for line in read_lines(words[:_LOOK]) if line.text][:12]
    if not lines:
        return False
    return (
        header_block_at(lines, 0, announced=True) > 0 or is_original_mark(lines[0]) or is_reply_mark(lines[0])
    )


def _cut_from(run: _Run, at: int) -> list[_Stretch]:
    if not run.has_words(0, at) or _is_forwarded(run.words(at, len(run.pieces))):
        return []
    return [_Stretch(at, len(run.pieces))]


def _is_forwarded(words: str) -> bool:
    lines = [line for line in read_lines(words[:_LOOK]) if line.text]
    return any(is_forward_mark(line) for line in lines[:2])


def _find_containers(run: _Run) -> list[_Stretch]:
    return _cut_quotes(run, _outermost(run, _is_container))


def _find_blockquotes(run: _Run) -> list[_Stretch]:
    return _cut_quotes(run, _outermost(run, lambda piece: piece.name == "blockquote"))


def _is_container(piece: Piece) -> bool:
    if not piece.body:
        return False
    if piece.name == "blockquote" and ("cite" in piece.body.lower()):
        return True
    return bool(_CONTAINER.search(_naming(piece)))


def _naming(piece: Piece) -> str:
    lowered = piece.body.lower()
    if not any(name in lowered for name in _NAMING):
        return ""
    found = attributes(piece.body)
    return " ".join(found[name] for name in _NAMING if name in found)


def _outermost(
    run: _Run, wanted: Callable[[Piece], bool], first: int = 0, last: int | None = None
) -> list[_Stretch]:
    found: list[_Stretch] = []
    at, end = first, len(run.pieces) if last is None else last
    while at < end:
        if run.pieces[at].kind == "open" and wanted(run.pieces[at]):
            found.append(run.element(at))
            at = found[-1].last
        else:
            at += 1
    return found


def _cut_quotes(run: _Run, found: list[_Stretch]) -> list[_Stretch]:
    """What of the containers to take out, each with the line above that says who wrote it."""
    if not found or len(found) > _MOST_LOOKS:
        return []
    quotes = [inner for stretch in found for inner in _without_answers(run, stretch)]
    quotes = [
        quote
        for quote in quotes
        if run.has_words(quote.first, quote.last) and not _is_forwarded_in(run, quote)
    ]
    if not quotes:
        return []
    cut = [_with_attribution(run, quote, quotes[at - 1].last if at else 0) for at, quote in enumerate(quotes)]
    said_between = any(run.has_words(one.last, other.first) for one, other in pairwise(cut))
    outside = _words_outside(run, cut)
    return [] if said_between or not outside else cut


def _is_forwarded_in(run: _Run, quote: _Stretch) -> bool:
    return _is_forwarded(run.words(quote.first, quote.last))


def _words_outside(run: _Run, cut: list[_Stretch]) -> bool:
    inside = sum(run.filled[stretch.last] - run.filled[stretch.first] for stretch in cut)
    return run.filled[-1] > inside


def _without_answers(run: _Run, stretch: _Stretch) -> list[_Stretch]:
    """Gmail puts answers between quoted lines inside of its container: then only the blockquotes in it are quotes."""
    if run.pieces[stretch.first].name == "blockquote":
        return [stretch]
    inner = _outermost(run, lambda piece: piece.name == "blockquote", stretch.first + 1, stretch.last - 1)
    if not inner or len(inner) > _MOST_LOOKS:
        return [stretch]
    head = _with_attribution(run, inner[0], stretch.first + 1)
    answers = any(run.has_words(one.last, other.first) for one, other in pairwise(inner))
    below = run.has_words(inner[-1].last, stretch.last)
    if head.first == inner[0].first and not answers:
        return [stretch]  # no line of attribution right above: the words in the container may all be old
    return inner if answers or below else [stretch]


def _with_attribution(run: _Run, quote: _Stretch, floor: int) -> _Stretch:
    """The quote together with "On <date> X wrote:" right above it."""
    lines_seen, at = 0, quote.first
    while at > floor and lines_seen < 6 and quote.first - at < 120:
        at -= 1
        piece = run.pieces[at]
        starts = at == floor or (piece.kind != "text" and piece.name in _LINE_BREAKS)
        if not starts or not run.has_words(at, quote.first):
            continue
        lines_seen += 1
        words = " ".join(clean(run.words(at, quote.first)).split())
        if len(words) > 600:
            break
        lines = read_lines(words)
        if len(lines) == 1 and attribution_at(lines, 0) == 1:
            return _Stretch(at, quote.last)
    return quote
