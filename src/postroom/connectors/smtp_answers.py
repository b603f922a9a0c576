"""Reading what an SMTP server says (RFC 5321 section 4.2): replies with their enhanced status (RFC 3463). No commands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postroom.connectors.base import ConnectorError
from postroom.connectors.wire import Wire

LINE_CAP = 8 * 1024
LINES_CAP = 500
STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True)
class Reply:
    """One reply: code, enhanced status or '', the text of its lines, and what the server wrote on its last line."""

    code: int
    status: str
    lines: tuple[str, ...]

    @property
    def good(self) -> bool:
        return 200 <= self.code < 400

    @property
    def passing(self) -> bool:
        return 400 <= self.code < 500

    @property
    def text(self) -> str:
        return " ".join(self.lines)

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


def read_reply(wire: Wire) -> Reply:
    """One reply of one or many lines. Raises when it is no SMTP reply or has no end."""
    lines: list[str] = []
    while len(lines) < LINES_CAP:
        line = wire.line(LINE_CAP)
        code = line[:3]
        if not (code.isdigit() and len(code) == 3 and line[3:4] in (b"", b" ", b"-")):
            raise _nonsense(wire, line)
        lines.append(line[4:].decode("utf-8", "replace"))
        if line[3:4] != b"-":
            return _reply(int(code), lines)
    raise _nonsense(wire, b"a reply of more than 500 lines")


def _reply(code: int, lines: list[str]) -> Reply:
    found = STATUS.match(lines[-1]) or STATUS.match(lines[0])
    return Reply(code, found[1] if found else "", tuple(lines))


def _nonsense(wire: Wire, line: bytes) -> ConnectorError:
    return ConnectorError(
        f"{wire.peer} sent something that is no SMTP reply; the connection was dropped.",
        advice="It is tried again.",
        server_line=line[:500].decode("utf-8", "replace"),
    )
