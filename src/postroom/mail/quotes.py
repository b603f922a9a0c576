"""Tells what the writer of a letter said from what was there before: quotes, signatures, disclaimers. Deletes nothing.

The text is cut into blocks whose texts, joined, are the text again; the page shows some and folds the others. Rules go
by structure first (">" marks, a date with an address and a colon, runs of header lines) and by words second
(quote_labels.py). Answers written between quoted lines stay visible together with the lines they answer, and a
forwarded letter stays visible, since it is what the writer wanted to show. Time is linear in the length of the text.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from postroom.mail.quote_gate import is_all_said
from postroom.mail.quote_html import fold_html
from postroom.mail.quote_lines import (
    Line,
    attribution_at,
    header_block_at,
    introduces,
    is_fence,
    is_forward_mark,
    is_original_mark,
    is_reply_mark,
    may_attribute,
    read_lines,
)
from postroom.mail.signatures import disclaimer_start, mobile_break, signature_start
from postroom.mail.text import html_to_text

__all__ = ["Block", "Folded", "Kind", "Shown", "fold", "fold_html", "show"]

Kind = Literal["said", "quote", "signature", "forward", "disclaimer"]
MOST_CHARACTERS = 400_000  # that are looked at; what follows in a longer text is as its last lines are
_ANSWERED = 3  # lines said before and
_ANSWER = 5  # after a quote that make it part of the answer
_WRAPPED = 50  # a quoted line this long may have lost its mark where it was broken
_OTHER_MARK = re.compile(r"[A-Z]{1,3}>|\|")


@dataclass(frozen=True)
class Block:
    """A stretch of the text. `open`: shown although quoted, because an answer or a forwarded letter needs it."""

    kind: Kind
    text: str
    open: bool = False

    @property
    def shown(self) -> bool:
        return self.open or self.kind in ("said", "forward")


@dataclass(frozen=True)
class Folded:
    """A text in blocks; nothing is missing."""

    blocks: tuple[Block, ...]

    @property
    def visible(self) -> str:
        """What the writer said, in order."""
        return "".join(block.text for block in self.blocks if block.shown).strip("\r\n")

    @property
    def folded(self) -> str:
        """The rest, in order."""
        return "".join(block.text for block in self.blocks if not block.shown).strip("\r\n")


@dataclass(frozen=True)
class _Span:
    kind: Kind
    first: int
    last: int  # one past the last line
    open: bool = False
    marked: bool = False  # by ">"
    head: int = 0  # lines of the attribution


def fold(text: str, *, forwarded: bool = False) -> Folded:
    """The text in blocks: said, quote, signature, forward, disclaimer. Joined they are the text.

    `forwarded`: the subject says the letter passes on another one, so an original at its end is not folded.
    """
    if len(text) <= MOST_CHARACTERS and is_all_said(text):
        return Folded((Block("said", text),) if text else ())
    end = (
        text.rfind("\n", 0, MOST_CHARACTERS) + 1 or MOST_CHARACTERS
        if len(text) > MOST_CHARACTERS
        else len(text)
    )
    lines = read_lines(text[:end])
    spans = [part for span in _divide(lines) for part in _divide_said(lines, span)]
    spans = _open_answered(lines, spans)
    if forwarded:
        spans = [
            replace(span, kind="forward") if _is_tail(span) and span is spans[-1] else span for span in spans
        ]
    blocks = [
        Block(span.kind, text[lines[span.first].start : lines[span.last - 1].end], span.open)
        for span in spans
    ]
    if end < len(text) and blocks:
        # What was not looked at is as the last lines are; nothing is ever dropped.
        blocks[-1] = replace(blocks[-1], text=blocks[-1].text + text[end:])
    return Folded(tuple(blocks))


def _is_tail(span: _Span) -> bool:
    return span.kind in ("quote", "forward") and not span.marked


def _divide(lines: list[Line]) -> list[_Span]:
    """First cut: said, and what was quoted or forwarded."""
    spans: list[_Span] = []
    following, attributable = _next_filled(lines), may_attribute(lines)
    said_from, at, said = 0, 0, False
    while at < len(lines):
        if not lines[at].text and not lines[at].depth:
            at += 1
            continue
        found = _quoted_at(lines, following, at, said, attributable[at])
        if found is None:
            said = said or bool(lines[at].text)
            at += 1
            continue
        if found.first > said_from:
            spans.append(_Span("said", said_from, found.first))
        spans.append(found)
        said_from = at = found.last
    if said_from < len(lines):
        spans.append(_Span("said", said_from, len(lines)))
    return spans


def _next_filled(lines: list[Line]) -> list[int]:
    """For each line, the next one at or after it that is not blank."""
    found = [len(lines)] * (len(lines) + 1)
    for at in range(len(lines) - 1, -1, -1):
        found[at] = found[at + 1] if lines[at].blank else at
    return found


def _quoted_at(
    lines: list[Line], following: list[int], at: int, said: bool, attributable: bool
) -> _Span | None:
    """The quote that begins at this line, or None. A quote without marks reaches to the end."""
    line, end = lines[at], len(lines)
    if line.depth:
        return _marked_at(lines, following, at, head=0)
    if is_forward_mark(line):
        return _Span("forward", at, end)
    if is_original_mark(line) or is_reply_mark(line) or header_block_at(lines, at):
        return _Span("quote" if said else "forward", _above(lines, at), end)
    count = (attributable and attribution_at(lines, at)) or introduces(
        lines, at, _first_marked(lines, following, at)
    )
    if not count:
        return None
    after = following[at + count]
    if after < end and lines[after].depth:
        return _marked_at(lines, following, after, head=after - at)
    if after < end and _OTHER_MARK.match(lines[after].text):
        return _Span("quote", at, _other_marked(lines, following, after), marked=True, head=after - at)
    if said or (after < end and header_block_at(lines, after)):
        return _Span("quote", _above(lines, at), end)
    return _Span("quote", at, at + count)  # the marks below got lost: what follows may be the answer


def _other_marked(lines: list[Line], following: list[int], at: int) -> int:
    """Where lines marked "|" or, with the initials of their writer, "AL>" end."""
    while at < len(lines) and _OTHER_MARK.match(lines[at].text):
        at = following[at + 1]
    return at


def _first_marked(lines: list[Line], following: list[int], at: int) -> int:
    """The quoted line right below the paragraph of one or two lines at `at`, or `at`."""
    below = at + 1
    if below < len(lines) and lines[below].text and not lines[below].depth:
        below += 1
    after = following[below] if below < len(following) else below
    return below if after < len(lines) and lines[after].depth and after - below <= 2 else at


def _above(lines: list[Line], at: int) -> int:
    """A line of dashes above belongs to the quote."""
    above = at - 1
    while above >= 0 and lines[above].blank and at - above <= 2:
        above -= 1
    return above if above >= 0 and not lines[above].depth and is_fence(lines[above]) else at


def _marked_at(lines: list[Line], following: list[int], start: int, *, head: int) -> _Span | None:
    """The run of ">" lines at `start`, `head` lines of attribution above included."""
    at, shallow = start, lines[start].depth
    while at < len(lines):
        if lines[at].depth:
            shallow = min(shallow, lines[at].depth)
            at += 1
        elif lines[at].blank and following[at] < len(lines) and lines[following[at]].depth:
            at = following[at]
        elif _is_wrapped(lines, at):
            at += 1
        else:
            break
    if not head and shallow >= 3:
        return None  # somebody likes arrows, or shows a Python session
    kind: Kind = "forward" if is_forward_mark(lines[start]) and not head else "quote"
    return _Span(kind, start - head, at, marked=True, head=head)


def _is_wrapped(lines: list[Line], at: int) -> bool:
    """A single line without mark right between two quoted ones is the rest of the longer one above."""
    if at + 1 >= len(lines) or not lines[at].text or not lines[at - 1].depth or not lines[at + 1].depth:
        return False
    above, here = lines[at - 1], lines[at]
    return len(above.text) + 2 * above.depth >= _WRAPPED and len(here.text) <= len(above.text)


def _divide_said(lines: list[Line], span: _Span) -> list[_Span]:
    """Second cut: signatures and disclaimers at the end of what was said."""
    if span.kind != "said":
        return [span]
    disclaimer = disclaimer_start(lines, span.first, span.last)
    older = mobile_break(lines, span.first, disclaimer)
    signature = older if older < disclaimer else signature_start(lines, span.first, disclaimer)
    parts: list[tuple[Kind, int, int]] = [
        ("said", span.first, signature),
        ("signature", signature, disclaimer),
        ("disclaimer", disclaimer, span.last),
    ]
    return [_Span(kind, first, last) for kind, first, last in parts if first < last]


def _open_answered(lines: list[Line], spans: list[_Span]) -> list[_Span]:
    """Quotes that are answered point by point are opened, but for the line that says who wrote them."""
    weights = [_weight(lines, span) if span.kind == "said" else 0 for span in spans]
    before, after = 0, sum(weights)
    last_marked = max((at for at, span in enumerate(spans) if span.marked), default=-1)
    said_before_last = sum(weights[: last_marked + 1])
    opened: list[_Span] = []
    for at, span in enumerate(spans):
        before, after = before + weights[at], after - weights[at]
        interleaved = at < last_marked and before < said_before_last
        if (
            span.kind == "quote"
            and span.marked
            and (interleaved or (before >= _ANSWERED and after >= _ANSWER))
        ):
            if span.head:
                opened.append(_Span("quote", span.first, span.first + span.head))
            opened.append(replace(span, first=span.first + span.head, open=True))
        else:
            opened.append(span)
    return opened


def _weight(lines: list[Line], span: _Span) -> int:
    return sum(bool(line.text) for line in lines[span.first : span.last])


@dataclass(frozen=True)
class Shown:
    """The text of a letter as it is shown: what was said, and what is folded under it."""

    text: str
    folded: str
    from_html: bool


class _Readable(Protocol):
    """What show() needs of a letter."""

    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def subject(self) -> str: ...


_FORWARDED = re.compile(
    r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:fwd?|wg|tr|rv|enc|doorst|vb|vs|vl|fs|pd|i|ilt|tov|továbbítás|пересл|转发|轉寄|転送|fyi)\s*[:：]",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(
    r"(?:this|your|to view|please|die|diese|ce|este)\b.{0,120}\b(?:html)\b.{0,200}", re.IGNORECASE | re.DOTALL
)


def show(letter: _Readable) -> Shown:
    """The letter's plain text if it has one worth reading, else its HTML as text; quotes folded either way."""
    forwarded = bool(_FORWARDED.match(letter.subject))
    if _is_usable(letter.text) or not letter.html.strip():
        folded = fold(letter.text, forwarded=forwarded)
        return Shown(folded.visible, folded.folded, from_html=False)
    visible, quoted = ("", letter.html) if forwarded else fold_html(letter.html)
    if forwarded:
        visible, quoted = letter.html, ""
    folded = fold(html_to_text(visible), forwarded=forwarded)
    rest = html_to_text(quoted) if quoted else ""
    return Shown(folded.visible, "\n\n".join(part for part in (folded.folded, rest) if part), from_html=True)


def _is_usable(text: str) -> bool:
    """Not blank, and not only the sentence that one needs an HTML reader."""
    words = text.strip()
    return bool(words) and not (len(words) < 300 and _NO_TEXT.fullmatch(words))
