"""The settings every mail server connection shares, and the TLS step on them. Not a protocol."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postroom.conf.setting import setting
from postroom.connectors.base import ConnectorError, Kind
from postroom.connectors.tls import Trust, plain_pin
from postroom.connectors.wire import Wire

TLS, STARTTLS, NONE = "tls", "starttls", "none"
SECURITY = ((TLS, "TLS"), (STARTTLS, "STARTTLS"), (NONE, "None"))
PASSWORD = "password"
SIGN_INS = ((PASSWORD, "Password"), (NONE, "None"))
ENCRYPTED = ("security", (TLS, STARTTLS))


@dataclass(frozen=True)
class ServerSettings:
    """How to reach a server and sign in there. The password itself is given apart, as a Secret."""

    host: str = setting(
        "Server", "", help="Name of the mail server, for example imap.example.com", required=True
    )
    port: int = setting("Port", 993, min=1, max=65535)
    security: str = setting(
        "Security", TLS, choices=SECURITY, help="TLS from the start, STARTTLS after a first word, or none"
    )
    sign_in: str = setting("Sign-in", PASSWORD, choices=SIGN_INS)
    login: str = setting(
        "Login", "", help="Often the whole email address", visible_if=("sign_in", (PASSWORD,))
    )
    accept_any_certificate: bool = setting(
        "Accept any certificate",
        False,
        help="Dangerous: anybody on the way can read the password. Pin the certificate instead.",
        visible_if=ENCRYPTED,
    )
    pin: str = setting(
        "Pinned certificate",
        "",
        help="SHA-256 fingerprint of the only certificate to accept. Validate shows it.",
        visible_if=ENCRYPTED,
    )
    ca: str = setting(
        "Own CA certificate",
        "",
        help="PEM of the private authority that signed the server's certificate.",
        visible_if=ENCRYPTED,
        multiline=True,
    )
    connect_timeout: int = setting("Connection timeout", 10, min=1, max=120, help="Seconds")
    sign_in_timeout: int = setting("Sign-in timeout", 5, min=1, max=120, help="Seconds")
    answer_timeout: int = setting("Answer timeout", 60, min=1, max=600, help="Seconds of silence during work")

    @property
    def peer(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def trust(self) -> Trust:
        return Trust(self.accept_any_certificate, self.pin, self.ca)


def secure(wire: Wire, settings: ServerSettings) -> None:
    """Do the TLS handshake within the connection timeout; closes the wire when it fails."""
    check_pin(settings.pin)
    try:
        with wire.within(settings.connect_timeout):
            wire.encrypt(settings.trust, settings.host)
    except ConnectorError:
        wire.close()
        raise


def check_pin(pin: str) -> None:
    """A pin must be a SHA-256 fingerprint; an empty one pins nothing."""
    if pin and not re.fullmatch(r"[0-9a-f]{64}", plain_pin(pin)):
        raise ConnectorError(
            "The pinned certificate is not a SHA-256 fingerprint.",
            kind=Kind.CONFIGURATION,
            advice="It has 64 hexadecimal digits; Validate shows the right one.",
            field="pin",
        )


def no_starttls(peer: str, line: bytes = b"") -> ConnectorError:
    """STARTTLS was asked for and is not there: fail closed, the password is not sent."""
    return ConnectorError(
        f"{peer} does not offer STARTTLS; nothing was sent in the clear.",
        kind=Kind.CONFIGURATION,
        advice="Choose TLS with the port for it, or another port.",
        server_line=line[:500].decode("utf-8", "replace"),
        field="security",
    )
