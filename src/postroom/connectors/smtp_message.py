"""A message on its way into an SMTP talk: line ends made safe, dots doubled, addresses fit for the envelope. No network."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postroom.connectors.base import ConnectorError, Kind
from postroom.connectors.guard import clean

LINE_LIMIT = 998
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def normalised(raw: bytes) -> bytes:
    """All line ends as CRLF, one at the end.

    A lone CR or LF beside a dot is an end of message to some servers and text to others: that is how a second message
    is smuggled in (CVE-2023-51764 and its kin).
    """
    if BARE.search(raw):
        raw = BARE.sub(b"\r\n", raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def stuffed(raw: bytes) -> bytes:
    """A dot at the start of a line doubled (RFC 5321 section 4.5.2). `raw` is normalised."""
    if raw.startswith(b"."):
        raw = b"." + raw
    return raw.replace(b"\r\n.", b"\r\n..") if b"\r\n." in raw else raw


def check_lines(raw: bytes) -> None:
    """Lines above 998 bytes may be cut or broken on the way (RFC 5321 section 4.5.3.1.6): refuse to send such a message."""
    if len(raw) > LINE_LIMIT and any(len(line) > LINE_LIMIT for line in raw.split(b"\r\n")):
        raise ConnectorError(
            f"The message has a line of more than {LINE_LIMIT} bytes, which servers may cut.",
            kind=Kind.MESSAGE,
            advice="It has to be composed with an encoding that keeps lines short.",
        )


@dataclass(frozen=True)
class Path:
    """An address for the envelope. `needs_utf8` when its local part is not ASCII (RFC 6531)."""

    text: str
    needs_utf8: bool = False


def path_of(address: str) -> Path:
    """The address as it goes on the wire: a domain outside ASCII becomes its A-label, a local part needs SMTPUTF8.

    Raises ConnectorError (kind message) for what cannot be an address.
    """
    clean(address, "address", field="address")
    if re.search(r"[<>]", address) or (" " in address.strip('"') and not address.startswith('"')):
        raise _no_address(address)
    local, at, domain = address.rpartition("@")
    if address and (not at or not local or not domain):
        raise _no_address(address)
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            raise _no_address(address) from None
    return Path(f"{local}{at}{domain}", not local.isascii())


def _no_address(address: str) -> ConnectorError:
    return ConnectorError(
        f"{address!r} is not an email address.",
        kind=Kind.MESSAGE,
        advice="Correct the address.",
        field="address",
    )
