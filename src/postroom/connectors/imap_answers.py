"""Reading what an IMAP server says (RFC 3501 section 7): answers as lines with their literals, and the few shapes we use.

Not IMAPClient's reader: that builds every answer from a tree of tokens, which costs four times the reading itself on
small letters and forty times on large ones. Its parser is used where the grammar is rich (LIST).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from imapclient import response_parser
from imapclient.exceptions import ProtocolError

from postroom.connectors.base import ConnectorError
from postroom.connectors.wire import Wire

LITERAL = re.compile(rb"\{(\d+)\+?\}$")
LITERAL_CAP = 256 * 1024 * 1024
CODE = re.compile(rb"\[([A-Za-z0-9\-]+)(?: ([^\]]*))?\]")
UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
ARRIVED = re.compile(rb'\bINTERNALDATE "([^"]*)"', re.IGNORECASE)
DATE = re.compile(rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
MONTHS = {m: n for n, m in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}

Parts = list[bytes]
"""One answer: the line, then literal and rest of line in turn."""


@dataclass
class Reply:
    """The tagged answer to a command and the untagged ones before it. `status` is OK, NO or BAD, `code` like UIDVALIDITY."""

    status: str
    code: str
    text: str
    line: bytes
    untagged: list[Parts] = field(default_factory=list)


def read_answer(wire: Wire) -> Parts:
    """One whole answer, its literals included."""
    line = wire.line()
    if not line.endswith(b"}"):
        return [line]
    parts = [line]
    while (found := LITERAL.search(line)) is not None:
        size = int(found[1])
        if size > LITERAL_CAP:
            raise ConnectorError(
                f"{wire.peer} announced a letter of {size} bytes; the connection was dropped.",
                advice="It is tried again. Such a letter can only be looked at in the mailbox itself.",
            )
        parts.append(wire.exactly(size))
        line = wire.line()
        parts.append(line)
    return parts


def status_code(text: bytes) -> tuple[str, bytes]:
    """The response code in brackets at the start, in capitals, and what stands behind its name."""
    found = CODE.match(text)
    return (found[1].decode().upper(), found[2] or b"") if found else ("", b"")


def numbers(parts: Parts) -> list[int]:
    """The numbers of a SEARCH answer, or of ESEARCH's ALL set."""
    words = b" ".join(parts).split()
    if len(words) > 1 and words[1].upper() == b"ESEARCH":
        return list(expand(words[-1])) if b"ALL" in (w.upper() for w in words) else []
    return [int(w) for w in words[2:] if w.isdigit()]


def expand(text: bytes) -> Iterator[int]:
    """The numbers of a set like 1,4:6. Only for sets that a server made: they are ranges of what exists."""
    for piece in text.split(b","):
        low, _, high = piece.partition(b":")
        if low.isdigit() and (high.isdigit() or not high):
            a, b = int(low), int(high or low)
            yield from range(min(a, b), min(max(a, b), min(a, b) + 10_000_000) + 1)


def compress(uids: list[int]) -> str:
    """An explicit set, consecutive numbers as ranges. Never `n:*`, which always includes the last letter."""
    pieces: list[str] = []
    start = end = -1
    for uid in sorted(set(uids)):
        if uid == end + 1:
            end = uid
            continue
        if end >= 0:
            pieces.append(f"{start}:{end}" if end > start else str(start))
        start = end = uid
    if end >= 0:
        pieces.append(f"{start}:{end}" if end > start else str(start))
    return ",".join(pieces)


def body_of(parts: Parts) -> bytes | None:
    """The bytes after BODY[...] in a FETCH answer: a literal, or rarely a quoted string; None for NIL or nothing."""
    for number in range(1, len(parts), 2):
        before = parts[number - 1].upper()
        if BODY_LITERAL.search(before):
            return parts[number]
    found = BODY_QUOTED.search(parts[0])
    return re.sub(rb"\\(.)", rb"\1", found[1]) if found else None


BODY_LITERAL = re.compile(rb"(?:BODY\[[^\]]*\](?:<\d+>)?|RFC822(?:\.HEADER|\.TEXT)?) \{\d+\+?\}$")
BODY_QUOTED = re.compile(rb'BODY\[[^\]]*\](?:<\d+>)? "((?:[^"\\]|\\.)*)"', re.IGNORECASE)


def date_of(text: bytes) -> datetime | None:
    """INTERNALDATE as an aware moment in UTC, None when the server wrote nonsense."""
    found = DATE.match(text)
    if found is None:
        return None
    day, month, year, hour, minute, second, sign, off_hour, off_minute = found.groups()
    shift = timedelta(hours=int(off_hour), minutes=int(off_minute))
    try:
        zone = timezone(-shift if sign == b"-" else shift)
        there = datetime(
            int(year),
            MONTHS[month.lower()],
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),
            tzinfo=zone,
        )
        return there.astimezone(UTC)
    except (ValueError, KeyError, OverflowError):
        return None


@dataclass(frozen=True)
class Listed:
    """One line of LIST: attributes, delimiter ('' for NIL) and the name's bytes."""

    attributes: tuple[str, ...]
    delimiter: str
    name: bytes


def listed(parts: Parts) -> Listed | None:
    """Parse a LIST answer; None for one that makes no sense."""
    line = parts[0].partition(b" ")[2].partition(b" ")[2]
    try:
        data = response_parser.parse_response([(line, parts[1]), *parts[2:]] if len(parts) > 1 else [line])
    except (ProtocolError, ValueError, IndexError, AssertionError):
        return None
    if len(data) < 3 or not isinstance(data[0], tuple):
        return None
    attributes = tuple(a.decode("ascii", "replace") for a in data[0] if isinstance(a, bytes))
    delimiter = data[1].decode("ascii", "replace") if isinstance(data[1], bytes) else ""
    name = data[2] if isinstance(data[2], bytes) else str(data[2]).encode()
    return Listed(attributes, delimiter, name)
