"""Finds the delimiter lines of one multipart in the raw bytes (RFC 2046 section 5.1.1). Not the parts themselves.

Only `bytes.find` walks over the bytes; lines that begin like the boundary and are not it are counted and bounded.
"""

from dataclasses import dataclass

from . import limits

SPACE = b" \t\r\n"
_SPACES = (b" ", b"\t", b"\r")


@dataclass(frozen=True, slots=True)
class Cuts:
    """(begin, end) of every part; `closed` when the closing delimiter was found, `flooded` when we gave up looking."""

    places: tuple[tuple[int, int], ...]
    closed: bool
    flooded: bool = False


def find_cuts(raw: bytes, start: int, end: int, boundary: bytes) -> Cuts:
    """Where the parts of the multipart with this body stand. The last one runs to the end when it is not closed."""
    needle = b"\n--" + boundary
    size = len(needle)
    at = start - 1 if raw.startswith(needle[1:], start, end) else raw.find(needle, start, end)
    places: list[tuple[int, int]] = []
    opened, wrong = -1, 0
    while at >= 0:
        begin, closing = _line_after(raw, at + size, end)
        if begin < 0:
            wrong += 1
            if wrong > limits.FALSE_BOUNDARIES:
                break
            at = raw.find(needle, at + size, end)
            continue
        if opened >= 0:
            places.append((opened, _before(raw, at, opened)))
        opened = begin
        if closing:
            return Cuts(tuple(places), closed=True)
        if len(places) > limits.PARTS:
            return Cuts((*places, (opened, end)), closed=True)
        at = raw.find(needle, begin - 1, end)
    if opened >= 0 and (opened < end or not places):
        places.append((opened, end))
    return Cuts(tuple(places), closed=False, flooded=wrong > limits.FALSE_BOUNDARIES)


def _line_after(raw: bytes, position: int, end: int) -> tuple[int, bool]:
    """After '--boundary': (begin of the next line, is it the closing delimiter), or (-1, _) if the line goes on.

    Blanks and what follows them are ignored, as RFC 2046 advises; other characters make it another boundary.
    """
    closing = raw.startswith(b"--", position, end)
    if closing:
        position += 2
    if raw.startswith(b"\n", position, end):
        return position + 1, closing
    if raw.startswith(b"\r\n", position, end):
        return position + 2, closing
    line_end = raw.find(b"\n", position, end)
    rest = raw[position : line_end if line_end >= 0 else end]
    if rest and rest[:1] not in _SPACES and not (closing and not rest[:1].isalnum() and len(rest) < 200):
        return -1, False
    return (line_end + 1 if line_end >= 0 else end), closing


def _before(raw: bytes, at: int, start: int) -> int:
    """The end of a part whose delimiter's line break stands at `at`."""
    if at > start and raw[at - 1] == 13:
        at -= 1
    return max(at, start)


def hides_text(raw: bytes, start: int, end: int, cuts: Cuts) -> bool:
    """Whether there are words before the first or after the last delimiter, where no reader shows them."""
    after = (
        raw[cuts.places[-1][1] : end].strip(SPACE).partition(b"\n")[2].strip(SPACE) if cuts.closed else b""
    )
    before = raw[start : cuts.places[0][0]].rpartition(b"--")[0].strip(SPACE)
    return len(after) > 3 or (len(before) > 3 and not _is_usual(before))


def _is_usual(before: bytes) -> bool:
    """'This is a multi-part message in MIME format.'"""
    low = before[:400].lower()
    return b"mime" in low or b"multi-part" in low or b"multipart" in low
