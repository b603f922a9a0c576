"""Reading what a POP3 server says (RFC 1939): one-line and multi-line answers, byte for byte. No commands.

`poplib` refuses lines above 2,048 bytes and is then out of step with the server; letters do have such lines.
"""

from __future__ import annotations

from postroom.connectors.base import ConnectorError
from postroom.connectors.wire import Wire

ANSWER_CAP = 1024
"""RFC 2449 allows 512 bytes for an answer line; some greetings are longer."""
LISTING_CAP = 64 * 1024 * 1024
LETTER_CAP = 256 * 1024 * 1024
END = b"\r\n.\r\n"


def read_status(wire: Wire) -> tuple[bool, bytes]:
    """One answer line: whether it is +OK, and the whole line. Raises when it is neither +OK nor -ERR."""
    line = wire.line(ANSWER_CAP)
    if line.startswith(b"+OK"):
        return True, line
    if line.startswith(b"-ERR"):
        return False, line
    raise ConnectorError(
        f"{wire.peer} sent something that is no POP3 answer; the connection was dropped.",
        advice="It is tried again.",
        server_line=line[:500].decode("utf-8", "replace"),
    )


def read_lines(wire: Wire) -> list[bytes]:
    """A multi-line answer after its +OK, as lines."""
    return _block(wire, LISTING_CAP).split(b"\r\n")[:-1]


def read_letter(wire: Wire) -> bytes:
    """A letter after its +OK: exactly its bytes, the dots that were doubled on the way made single again.

    Always ends in CRLF, because POP3 cannot say that a last line had none.
    """
    return _block(wire, LETTER_CAP)


def _block(wire: Wire, cap: int) -> bytes:
    """Everything up to the line with a single dot. A connection that ends before it raises: the block is not complete."""
    # the end is CRLF.CRLF, and the CRLF in front belongs to the letter; an empty block is the dot line alone
    wire.unread(b"\r\n")
    block = wire.until(END, cap)
    if b"\r\n.." in block:
        block = block.replace(b"\r\n..", b"\r\n.")
    return block[2 : -len(END) + 2]
