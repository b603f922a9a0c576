"""What a subject is about once reply and forward marks are taken off (RFC 5256 section 2.1); not a decoder.

The RFC knows `re`, `fw`, `fwd`, `[blob]` and `(fwd)`. Real mail also has the marks of localized clients
(`AW:`, `SV:`, `Antw:`, `答复：` ...); they are taken off too, otherwise a German reply never meets its original.
"""

import re

SUBJECT_LIMIT = 1000
"""Characters looked at. Nobody tells two subjects apart after that, and taking marks off stays cheap."""

REPLY_WORDS = (
    "re", "aw", "antw", "antwort", "sv", "vs", "odp", "rif", "res", "rv", "ref", "ynt", "atb", "hs", "bls",
    "ha", "vá", "na", "vl", "回复", "答复", "回覆", "отв", "ответ", "απ", "σχετ", "תגובה", "رد", "전달", "회신",
)  # fmt: skip
FORWARD_WORDS = (
    "fw", "fwd", "wg", "tr", "rv", "enc", "vb", "doorst", "vs", "pd", "i", "ilt", "fs", "转发", "轉寄", "пересл",
    "пред", "πρθ", "השב", "إعادة توجيه",
)  # fmt: skip

_WORDS = "|".join(sorted({re.escape(word) for word in REPLY_WORDS + FORWARD_WORDS}, key=len, reverse=True))
_MARK = re.compile(
    rf"(?:{_WORDS})\s?(?:\[[^\[\]]{{0,100}}\]|\(\d{{1,3}}\)|\d{{1,3}})?\s?[:：]\s?", re.IGNORECASE
)
_BLOB = re.compile(r"\[[^\[\]]{0,200}\]\s?")
_TRAILER = re.compile(r"\s?\(fwd\)$", re.IGNORECASE)
_FORWARDED = re.compile(r"\[fwd:\s?(.*)\]$", re.IGNORECASE | re.DOTALL)


def base_subject(subject: str) -> tuple[str, bool]:
    """The subject without marks, lower-cased for comparison, and whether a mark said "reply" or "forward"."""
    text = " ".join(subject[:SUBJECT_LIMIT].split())
    marked = False
    while True:
        text, trailed = _strip_trailers(text)
        text, led = _strip_leaders(text)
        forwarded = _FORWARDED.match(text)
        marked = marked or trailed or led or forwarded is not None
        if forwarded is None:
            return text.casefold(), marked
        text = forwarded.group(1).strip()


def _strip_trailers(text: str) -> tuple[str, bool]:
    marked = False
    while trailer := _TRAILER.search(text, max(0, len(text) - 6)):
        text, marked = text[: trailer.start()].rstrip(), True
    return text, marked


def _strip_leaders(text: str) -> tuple[str, bool]:
    """Takes marks off the front, and `[blob]`s as long as something is left after them (step 5)."""
    position, marked = 0, False
    while True:
        blobs_end = _blobs_end(text, position)
        if mark := _MARK.match(text, blobs_end):
            position, marked = mark.end(), True
        elif (blob := _BLOB.match(text, position)) and text[blob.end() :].strip():
            position = blob.end()
        else:
            return text[position:], marked


def _blobs_end(text: str, position: int) -> int:
    while blob := _BLOB.match(text, position):
        position = blob.end()
    return position
