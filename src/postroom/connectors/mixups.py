"""Recognises the wrong protocol on a port from its first words, and says which setting was probably meant. Reads, never signs in."""

from __future__ import annotations

import time
from contextlib import suppress

from postroom.connectors.base import ConnectorError, Kind
from postroom.connectors.guard import resolve
from postroom.connectors.server import NONE, STARTTLS, TLS, ServerSettings
from postroom.connectors.tls import Certificate, Trust
from postroom.connectors.wire import Closed, NotTls, Silence, Wire, dial

STARTS = (
    (b"* OK", "IMAP"),
    (b"* PREAUTH", "IMAP"),
    (b"* BYE", "IMAP"),
    (b"+OK", "POP3"),
    (b"-ERR", "POP3"),
    (b"220", "SMTP"),
    (b"421", "SMTP"),
    (b"554", "SMTP"),
    (b"HTTP/", "HTTP"),
    (b"<", "HTTP"),
    (b"SSH-", "SSH"),
    (b"\x15\x03", "TLS"),
)
PORTS = {
    ("IMAP", TLS): 993,
    ("IMAP", STARTTLS): 143,
    ("POP3", TLS): 995,
    ("POP3", STARTTLS): 110,
    ("SMTP", TLS): 465,
    ("SMTP", STARTTLS): 587,
}
LOOK = 1.5
"""Seconds that the look at a port may take."""


def protocol_of(first: bytes) -> str:
    """The protocol whose servers begin like this, or ''."""
    for start, name in STARTS:
        if first.startswith(start):
            return name
    return ""


def wrong_greeting(line: bytes, wanted: str, settings: ServerSettings) -> ConnectorError:
    """The first line is not what this protocol says."""
    text = line[:200].decode("utf-8", "replace")
    other = protocol_of(line)
    if other == "TLS":
        return _speaks_tls(wanted, settings, text)
    if other and other != wanted:
        return ConnectorError(
            f"{settings.peer} speaks {other}, not {wanted}.",
            kind=Kind.CONFIGURATION,
            advice=f"Use the {wanted} port: {_usual(wanted, settings.security)}.",
            server_line=text,
            field="port",
        )
    return ConnectorError(
        f"{settings.peer} does not answer like an {wanted} server.",
        kind=Kind.CONFIGURATION,
        advice=f"Check server and port: {wanted} is usually at {_usual(wanted, settings.security)}.",
        server_line=text,
        field="port",
    )


def explain_tls(wrong: NotTls, wanted: str, settings: ServerSettings) -> ConnectorError:
    """TLS from the start failed: look whether the port speaks in the clear."""
    first = _first_words(settings)
    speaks = protocol_of(first)
    text = first[:200].decode("utf-8", "replace").strip()
    if speaks == wanted:
        return ConnectorError(
            f"{settings.peer} does not speak TLS from the start.",
            kind=Kind.CONFIGURATION,
            advice=f"Choose STARTTLS, or port {PORTS[wanted, TLS]} for TLS.",
            server_line=text,
            field="security",
        )
    if speaks:
        return wrong_greeting(first, wanted, settings)
    return wrong


def explain_silence(wrong: ConnectorError, wanted: str, settings: ServerSettings) -> ConnectorError:
    """No greeting came: look whether the port waits for TLS, or for us to speak first."""
    if not isinstance(wrong, Silence | Closed):
        return wrong
    if settings.security != TLS:
        try:
            _handshake(settings)
        except NotTls:
            first = _first_words(settings)
            if protocol_of(first) not in ("", wanted):
                return wrong_greeting(first, wanted, settings)
        except ConnectorError:
            pass  # silent here too: the first error tells more
        else:
            return _speaks_tls(wanted, settings, wrong.server_line)
    return _says_nothing(wrong, wanted, settings) if isinstance(wrong, Silence) else wrong


def _says_nothing(wrong: ConnectorError, wanted: str, settings: ServerSettings) -> ConnectorError:
    usual = _usual(wanted, settings.security)
    return ConnectorError(
        f"{settings.peer} accepts connections but says nothing.",
        kind=wrong.kind,
        advice=f"Check the port: {wanted} is usually at {usual}. If it is right, it is tried again.",
        server_line=wrong.server_line,
        field="port",
    )


def _speaks_tls(wanted: str, settings: ServerSettings, text: str) -> ConnectorError:
    return ConnectorError(
        f"{settings.peer} expects TLS from the start.",
        kind=Kind.CONFIGURATION,
        advice=f"Choose TLS for this port, or port {PORTS[wanted, STARTTLS]} for STARTTLS.",
        server_line=text,
        field="security",
    )


def _usual(wanted: str, security: str) -> str:
    ports = f"{PORTS[wanted, TLS]} with TLS or {PORTS[wanted, STARTTLS]} with STARTTLS"
    return ports if security != NONE else f"{ports}; without encryption {PORTS[wanted, STARTTLS]}"


def _knock(settings: ServerSettings) -> Wire:
    """A second, short connection. Nothing secret is ever sent over it."""
    addresses = resolve(settings.host, settings.port, within=LOOK)
    end = time.monotonic() + 2 * LOOK
    return dial(addresses, settings.peer, within=LOOK, idle=LOOK, deadline=end)


def _first_words(settings: ServerSettings) -> bytes:
    """What the port says by itself, or else to an empty line (as web servers do), in the clear."""
    with suppress(ConnectorError):
        wire = _knock(settings)
        try:
            return wire.line(1000)
        except Silence:
            wire.send(b"\r\n\r\n")
            return wire.line(1000)
        finally:
            wire.close()
    return b""


def shown_certificate(settings: ServerSettings) -> Certificate | None:
    """The certificate that a TLS port shows, unverified, so that it can be named and pinned; None when there is none."""
    with suppress(ConnectorError):
        return _handshake(settings)
    return None


def _handshake(settings: ServerSettings) -> Certificate | None:
    """A TLS handshake that judges no certificate. Raises NotTls when the port speaks something else."""
    wire = _knock(settings)
    try:
        wire.encrypt(Trust(accept_any=True), settings.host)
        return wire.certificate()
    finally:
        wire.close()
