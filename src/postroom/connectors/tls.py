"""TLS contexts and what to say when a certificate is wrong. Verifies by default; never weaker unless the setting says so.

The standard library's mail clients do not verify (`ssl._create_stdlib_context`), so every connection here gets its
context from `context`. Contexts are shared between connections: one holds the system's CA store, about 0.5 MB.
"""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509

from postroom.connectors.base import ConnectorError, Kind


@dataclass(frozen=True)
class Trust:
    """Whom to trust: the system's CAs, or `ca` (PEM) instead, or exactly the certificate with the SHA-256 `pin`, or anybody."""

    accept_any: bool = False
    pin: str = ""
    ca: str = ""


@dataclass(frozen=True)
class Certificate:
    """What a server showed. `sha256` is lower-case hex of the whole certificate (DER)."""

    sha256: str
    subject: str
    names: tuple[str, ...]
    until: datetime


def context(trust: Trust) -> ssl.SSLContext:
    """A client context for this trust. Raises ConnectorError when the given CA is not PEM."""
    return _unverified() if trust.accept_any or trust.pin else _verified(trust.ca)


@lru_cache(maxsize=64)
def _verified(ca: str) -> ssl.SSLContext:
    try:
        made = ssl.create_default_context(cadata=ca or None)
    except (ssl.SSLError, ValueError) as wrong:
        raise ConnectorError(
            "The CA certificate cannot be read.",
            kind=Kind.CONFIGURATION,
            advice="Paste the certificate as PEM, from BEGIN CERTIFICATE to END CERTIFICATE.",
            server_line=str(wrong),
            field="ca",
        ) from wrong
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


@lru_cache(maxsize=1)
def _unverified() -> ssl.SSLContext:
    """For a pinned certificate, which `verify_pin` compares, and for the setting that accepts any."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def verify_pin(sock: ssl.SSLSocket, trust: Trust) -> None:
    """Compare the shown certificate with the pinned one. Call before a single byte is sent."""
    if not trust.pin:
        return
    shown = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").hexdigest()
    if shown != plain_pin(trust.pin):
        raise ConnectorError(
            "The server shows another certificate than the pinned one.",
            kind=Kind.CONFIGURATION,
            advice=f"If the server was given a new certificate, pin this one instead: {shown}",
            field="pin",
        )


def plain_pin(pin: str) -> str:
    """A fingerprint as people write it (colons, spaces, capitals, 'sha256:') as plain hex."""
    text = pin.strip().lower().removeprefix("sha256").lstrip(":= ")
    return text.replace(":", "").replace(" ", "")


def certificate(sock: ssl.SSLSocket) -> Certificate | None:
    """The certificate that the other side showed, verified or not."""
    der = sock.getpeercert(binary_form=True)
    return read_certificate(der) if der else None


def read_certificate(der: bytes) -> Certificate | None:
    """Facts of a certificate for people; None when it cannot be read."""
    try:
        cert = x509.load_der_x509_certificate(der)
        until = cert.not_valid_after_utc
        subject = cert.subject.rfc4514_string()
    except (ValueError, x509.UnsupportedGeneralNameType):
        return None
    return Certificate(hashlib.sha256(der).hexdigest(), subject, _names(cert), until.astimezone(UTC))


def _names(cert: x509.Certificate) -> tuple[str, ...]:
    try:
        found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(str(name.value) for name in found if isinstance(name, x509.DNSName | x509.IPAddress))


# OpenSSL's X509_V_ERR_ numbers: what happened, and what to do besides pinning
REASONS = {
    9: ("The certificate is not valid yet.", "Check the clock of this machine, or pin the certificate."),
    10: ("The certificate has expired.", "Have it renewed, or pin the certificate until then."),
    18: ("The certificate is self-signed.", "Pin the certificate, or install one from a certificate authority."),
    19: ("The certificate comes from a private authority.", "Paste that authority's CA certificate, or pin the certificate."),
    20: ("The certificate comes from an unknown authority.", "Paste that authority's CA certificate, or pin the certificate."),
    21: ("The server does not send the whole chain of certificates.", "Have the chain installed there, or pin the certificate."),
    23: ("The certificate has been revoked.", "Have it replaced; do not accept it."),
    62: ("The certificate is for another server name.", "Type the server name that the certificate is for, or pin the certificate."),
    64: ("The certificate is not for this address.", "Type the server name instead of its address, or pin the certificate."),
}  # fmt: skip


def refused(wrong: ssl.SSLCertVerificationError, host: str) -> ConnectorError:
    """The error for a certificate that did not verify; a changed setting or a new certificate is needed."""
    text, fix = REASONS.get(wrong.verify_code, ("The certificate cannot be trusted.", "Pin the certificate."))
    return ConnectorError(
        f"{host}: {text}",
        kind=Kind.CONFIGURATION,
        advice=fix,
        server_line=wrong.verify_message,
        field="host" if wrong.verify_code in (62, 64) else "pin",
    )
