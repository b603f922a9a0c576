"""The way to a server step by step: name, connection, TLS. The same for every protocol, for working and for checking."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from postroom.connectors.base import ConnectorError
from postroom.connectors.guard import Address, resolve
from postroom.connectors.mixups import explain_tls, shown_certificate
from postroom.connectors.server import TLS, ServerSettings, secure
from postroom.connectors.steps import Outcome, Planned
from postroom.connectors.tls import Certificate
from postroom.connectors.wire import NotTls, Wire, dial

SOON = timedelta(days=14)
"""A certificate that ends within this time is worth a warning."""


class Approach:
    """Finds, connects and encrypts. `end` (of time.monotonic) bounds the whole, `wire` is there after `connect`."""

    wire: Wire

    def __init__(self, settings: ServerSettings, wanted: str, *, end: float | None = None) -> None:
        self.settings, self.wanted, self.end = settings, wanted, end
        self.addresses: list[Address] = []

    def go(self) -> Wire:
        """All the way, for work."""
        self.find()
        self.connect()
        if self.settings.security == TLS:
            self.encrypt()
        return self.wire

    def plan(self) -> list[Planned]:
        """The same as steps of a check. STARTTLS comes later: it is the protocol's."""
        steps: list[Planned] = [("name", "Find the server", self.find), ("tcp", "Connect", self.connect)]
        if self.settings.security == TLS:
            steps.append(("tls", "Encrypt (TLS)", self.encrypt))
        return steps

    def find(self) -> Outcome:
        self.addresses = resolve(self.settings.host, self.settings.port, within=self._limit())
        return Outcome(f"{self.settings.host} is {', '.join(map(str, self.addresses))}")

    def connect(self) -> Outcome:
        self.wire = dial(
            self.addresses,
            self.settings.peer,
            within=self._limit(),
            idle=self.settings.answer_timeout,
            deadline=self.end,
        )
        return Outcome(f"{self.settings.peer} accepts connections")

    def encrypt(self) -> Outcome:
        """TLS now. A wrong certificate is named with its fingerprint; a port that is no TLS port is recognised."""
        try:
            secure(self.wire, self.settings)
        except NotTls as wrong:
            raise explain_tls(wrong, self.wanted, self.settings) from wrong
        except ConnectorError as wrong:
            if wrong.field in ("pin", "host") and self.settings.security == TLS:
                raise with_fingerprint(wrong, shown_certificate(self.settings)) from wrong
            raise
        return self._outcome(self.wire.certificate())

    def upgrade(self, agree: Callable[[], None], shown: Callable[[], Certificate | None]) -> Outcome:
        """STARTTLS: `agree` asks the server for it, `shown` fetches an unverifiable certificate over a second connection."""
        agree()
        try:
            secure(self.wire, self.settings)
        except ConnectorError as wrong:
            if wrong.field in ("pin", "host"):
                raise with_fingerprint(wrong, shown()) from wrong
            raise
        return self._outcome(self.wire.certificate())

    def _limit(self) -> float:
        if self.end is None:
            return self.settings.connect_timeout
        return max(0.05, min(self.settings.connect_timeout, self.end - time.monotonic()))

    def _outcome(self, cert: Certificate | None) -> Outcome:
        if cert is None:
            return Outcome(self.wire.tls_version())
        detail = (
            f"{self.wire.tls_version()}, certificate valid until {cert.until:%Y-%m-%d}, SHA-256 {cert.sha256}"
        )
        if self.settings.accept_any_certificate and not self.settings.pin:
            return Outcome(
                f"Any certificate is accepted. {detail}",
                state="warn",
                fix=f"Pin this certificate instead: {cert.sha256}",
                field="pin",
            )
        if cert.until - datetime.now(UTC) < SOON and not self.settings.pin:
            return Outcome(detail, state="warn", fix="The server's certificate ends soon; have it renewed.")
        return Outcome(detail)


def with_fingerprint(wrong: ConnectorError, cert: Certificate | None) -> ConnectorError:
    """The same error with what the server showed, so that a person can compare and pin it."""
    if cert is None or cert.sha256 in wrong.advice:
        return wrong
    names = ", ".join(cert.names[:5]) or cert.subject
    return ConnectorError(
        f"{wrong.text} It shows a certificate for {names}, valid until {cert.until:%Y-%m-%d}, SHA-256 {cert.sha256}.",
        kind=wrong.kind,
        advice=f"{wrong.advice} To trust exactly this one, pin this certificate: {cert.sha256}",
        server_line=wrong.server_line,
        field=wrong.field,
    )
