"""Recognises the wrong protocol on a port from its first words, and says which setting was probably meant. Reads, never signs in."""

from __future__ import annotations

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
LOOK = 2.0
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
    """No greeting came in the clear: look whether the port waits for TLS."""
    if settings.security != TLS and isinstance(wrong, Silence | Closed) and _takes_tls(settings):
        return _speaks_tls(wanted, settings, wrong.server_line)
    if isinstance(wrong, Silence):
        return ConnectorError(
            f"{settings.peer} accepts connections but says nothing.",
            kind=wrong.kind,
            advice=f"Check the port: {wanted} is usually at {_usual(wanted, settings.security)}. If it is right, it is tried again.",
            server_line=wrong.server_line,
            field="port",
        )
    return wrong


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
    return dial(resolve(settings.host, settings.port, within=LOOK), settings.peer, within=LOOK, idle=LOOK)


def _first_words(settings: ServerSettings) -> bytes:
    """What the port says by itself within two seconds, in the clear."""
    with suppress(ConnectorError):
        wire = _knock(settings)
        try:
            return wire.line(1000)
        finally:
            wire.close()
    return b""


def _takes_tls(settings: ServerSettings) -> bool:
    return shown_certificate(settings) is not None


def shown_certificate(settings: ServerSettings) -> Certificate | None:
    """The certificate that a TLS port shows, unverified, so that it can be named and pinned; None when there is none."""
    with suppress(ConnectorError):
        wire = _knock(settings)
        try:
            wire.encrypt(Trust(accept_any=True), settings.host)
            return wire.certificate()
        finally:
            wire.close()
    return None
