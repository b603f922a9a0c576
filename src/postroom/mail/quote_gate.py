"""Tells quickly that nothing of a text can be folded, as of most letters. Never True wrongly; when in doubt False, and quotes.py reads on.

Looks at the whole text at once and at the first and last letters of its lines; only lines that may matter are tried with
the patterns of quote_lines.py and signatures.py. So every condition here is one those cannot do without.
"""

import re

from postroom.mail.caseless import fold_case
from postroom.mail.quote_lines import (
    FENCE_STARTS,
    REPLY_PLACES,
    WROTE_WORDS,
    Line,
    is_fence,
    is_mark,
    is_reply_mark,
    label_of,
    without_invisible,
)
from postroom.mail.signatures import LONGEST_DISCLAIMER, is_delimiter, is_mobile, weigh_disclaimer

_DASHES = frozenset("-–—_*~")
_MARK_STARTS = FENCE_STARTS | {">"}
_COLONS = frozenset(":：")
_ENDS = _COLONS | _DASHES | frozenset(">")  # how a line that introduces a quote ends
_DIGIT = re.compile(r"\d")


def is_all_said(text: str) -> bool:
    """Whether the writer said all of it: no quote, forwarded letter, signature or disclaimer can be found."""
    plain = text if text.isascii() else without_invisible(text)
    if "\r" in plain:
        plain = plain.replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.strip() for line in plain.split("\n")]
    firsts, lasts = {line[:1] for line in lines}, {line[-1:] for line in lines}
    if ">" in firsts or "=" in lasts:
        return False
    folded = fold_case(plain)
    return not (
        _may_introduce(plain, folded, firsts, lasts)
        or _has_marks(folded, lines, firsts, lasts)
        or _has_labels(plain, lines)
        or _has_mobile(lines)
        or _has_disclaimer(lines)
    )


def _may_introduce(plain: str, folded: str, firsts: set[str], lasts: set[str]) -> bool:
    """Whether a line may say who wrote the next ones: see quote_lines.is_attribution."""
    if "GMT" in plain or "UTC" in plain:
        return True
    ended = not lasts.isdisjoint(_ENDS)
    if plain.isascii():
        shaped = ended or not firsts.isdisjoint("-_*~0123456789") or "--" in plain
        if not shaped or not ("@" in plain or _DIGIT.search(plain)):
            return False
    if ended and "@" in plain and _DIGIT.search(plain):
        return True
    return WROTE_WORDS.are_in(folded)


def _has_marks(folded: str, lines: list[str], firsts: set[str], lasts: set[str]) -> bool:
    """Whether a line stands between the said and the old, or above a signature."""
    if not firsts.isdisjoint(_MARK_STARTS) or not lasts.isdisjoint(_COLONS):
        for text in lines:
            if text[:1] in _MARK_STARTS or text[-1:] in _COLONS:
                line = Line(0, 0, 0, text)
                if is_fence(line) or is_delimiter(text) or is_mark(line):
                    return True
    if "line" not in folded or not REPLY_PLACES.are_in(folded):
        return False
    return any(is_reply_mark(Line(0, 0, 0, text)) for text in lines if "line" in fold_case(text))


def _has_labels(plain: str, lines: list[str]) -> bool:
    """Whether two lines may be header lines of an older letter."""
    if ":" not in plain and "：" not in plain:
        return False
    return sum(1 for text in lines if label_of(text)) >= 2


def _has_mobile(lines: list[str]) -> bool:
    """Whether a phone signed at the end, or on a line of its own."""
    last = next((text for text in reversed(lines) if text), "")
    if is_mobile(last):
        return True
    alone = zip(lines, lines[1:], lines[2:], strict=False)
    return any(
        text and not above and not below and len(text) < 80 and text.isascii() and is_mobile(text)
        for above, text, below in alone
    )


def _has_disclaimer(lines: list[str]) -> bool:
    """Whether the last paragraph may be one."""
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    first = end
    while first and lines[first - 1] and end - first < LONGEST_DISCLAIMER:
        first -= 1
    return weigh_disclaimer(lines[first:end]) >= 2
