"""Where a header block begins and ends in the bytes of a letter or part (RFC 5322 section 2.1). Not what its fields say.

Tolerant: any line ending, mbox and BOM marks before the first field, a forgotten blank line before the text.
"""

import re

from . import limits
from .headers import Headers

_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_PARAMETER = re.compile(rb"[A-Za-z][\w*-]{0,40}=")
_FROM_LINE = re.compile(rb">?From (?![ \t]*:)[^\r\n]*\r?\n")
_BLANKS = re.compile(rb"\s*")


def split(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The header block of raw[start:end] and where its body begins."""
    stop, body = _find_end(raw, start, end)
    headers = Headers(raw[start:stop], (raw, body, end))
    if "header-defect" in headers.flags:
        early = _body_without_blank_line(raw, start, stop)
        if early is not None:
            flags = headers.flags
            headers = Headers(raw[start:early], (raw, early, end))
            headers.flags |= flags
            body = early
    return headers, body


def _find_end(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """(end of the block, begin of the body); the block runs to the end when there is no blank line."""
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return start, start + (1 if raw[start] == 10 else 2)
    first = raw.find(b"\n", start, end)
    if first > start and raw[first - 1] == 13:
        # The likely form first: the other may be nowhere in 20 MB.
        full = raw.find(b"\n\r\n", start, end)
        bare = raw.find(b"\n\n", start, end if full < 0 else full)
    else:
        bare = raw.find(b"\n\n", start, end)
        full = raw.find(b"\n\r\n", start, end if bare < 0 else bare)
    if bare >= 0 and (full < 0 or bare < full):
        return bare, bare + 2
    if full >= 0:
        return (full - 1 if raw[full - 1] == 13 else full), full + 3
    return end, end


def _body_without_blank_line(raw: bytes, start: int, stop: int) -> int | None:
    """Where the text begins if the blank line was forgotten: a line that is no field, with no field in the lines after it."""
    position = start
    for _ in range(limits.HEADER_LINES):
        if position >= stop:
            return None
        line_end = raw.find(b"\n", position, stop)
        line_end = stop if line_end < 0 else line_end
        if not _is_header_line(raw, position, line_end) and _text_begins(
            raw[position : min(stop, position + 2_000)]
        ):
            return position
        position = line_end + 1
    return position


def _text_begins(rest: bytes) -> bool:
    """Whether a line that is no field begins the body rather than being junk between two fields."""
    following = rest.split(b"\n", 4)[1:4]
    if rest.startswith(b"--") or (following and following[0].startswith(b"--")):
        return True  # the first delimiter of a multipart
    return not any(_FIELD.match(line) for line in following)


def _is_header_line(raw: bytes, position: int, line_end: int) -> bool:
    if raw[position : position + 1] in (b" ", b"\t"):
        return True
    if raw.startswith(b";", position - 2) or raw.startswith(b";\r", position - 3):
        return bool(_PARAMETER.match(raw, position, line_end) or _FIELD.match(raw, position, line_end))
    return bool(_FIELD.match(raw, position, line_end)) or raw.startswith((b"From ", b">From "), position)


def skip_marks(raw: bytes) -> tuple[int, bool]:
    """Where the first field begins: after a BOM, blank lines and an mbox 'From ' line; and whether anything was skipped."""
    if raw[:1].isalpha() and not raw.startswith(b"From "):
        return 0, False
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    while raw.startswith((b"\n", b"\r\n"), start) and _field_follows(raw, start):
        start += 1 if raw[start] == 10 else 2
    if match := _FROM_LINE.match(raw, start):
        start = match.end()
    return start, start > 0


def _field_follows(raw: bytes, start: int) -> bool:
    match = _BLANKS.match(raw, start, start + 100)
    position = match.end() if match else start
    return bool(_FIELD.match(raw, position) or _FROM_LINE.match(raw, position))
