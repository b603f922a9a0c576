"""One conversation with a POP3 server (RFC 1939, 2449, 2595): greeting, STLS, sign-in, commands. No letters.

APOP is not used: it is MD5 with a banner chosen by the server, and TLS protects better.
"""

from __future__ import annotations

from postroom.connectors.approach import Approach
from postroom.connectors.base import ConnectorError, Kind, Secret
from postroom.connectors.guard import clean
from postroom.connectors.mixups import explain_silence, protocol_of, wrong_greeting
from postroom.connectors.pop3_errors import recognised, refused, refused_sign_in, said
from postroom.connectors.pop3_lines import read_lines, read_status
from postroom.connectors.presets import sign_in_hint
from postroom.connectors.server import NONE, ServerSettings, no_starttls
from postroom.connectors.steps import Outcome
from postroom.connectors.tls import Certificate, Trust
from postroom.connectors.wire import Wire

GREETING_CAP = 1024


class Talk:
    """A connection from greeting to QUIT. `capabilities` are the words of CAPA, empty when the server has none."""

    def __init__(self, approach: Approach, settings: ServerSettings) -> None:
        self.approach, self.settings = approach, settings
        self.capabilities: dict[str, str] = {}
        self.signed_in = False

    @property
    def wire(self) -> Wire:
        return self.approach.wire

    def greet(self) -> Outcome:
        """Read the greeting within the connection timeout; recognises what is no POP3 server."""
        try:
            with self.wire.within(self.settings.connect_timeout):
                line = self.wire.line(GREETING_CAP)
        except ConnectorError as wrong:
            self.wire.close()
            raise explain_silence(wrong, "POP3", self.settings) from wrong
        if protocol_of(line) != "POP3":
            self.wire.close()
            raise wrong_greeting(line, "POP3", self.settings)
        if not line.startswith(b"+OK"):
            self.wire.close()
            raise recognised(line) or refused(line, "talk")
        self._learn()
        return Outcome(server_line=said(line))

    def _learn(self) -> None:
        good, _ = self.ask("CAPA")
        lines = self._lines() if good else []
        words = [line.decode("ascii", "replace").split(" ", 1) for line in lines if line]
        self.capabilities = {w[0].upper(): w[1] if len(w) > 1 else "" for w in words}

    def encrypt(self) -> Outcome:
        """STLS, or nothing at all: never on in the clear."""
        got = self.approach.upgrade(self._agree, self._shown)
        self._learn()  # what was said in the clear counts for nothing
        return got

    def _agree(self) -> None:
        # a server without CAPA may still know STLS: ask, and believe only +OK
        good, line = (
            self.ask("STLS") if "STLS" in self.capabilities or not self.capabilities else (False, b"")
        )
        if not good:
            self.wire.close()
            raise no_starttls(self.settings.peer, line)

    def _shown(self) -> Certificate | None:
        """A second connection up to the handshake, only to see the certificate; nothing else is sent."""
        again = Talk(Approach(self.settings, "POP3", end=self.approach.end), self.settings)
        try:
            again.approach.find()
            again.approach.connect()
            again.greet()
            again._agree()
            again.wire.encrypt(Trust(accept_any=True), self.settings.host)
            return again.wire.certificate()
        except ConnectorError:
            return None
        finally:
            if hasattr(again.approach, "wire"):
                again.wire.close()

    def sign_in(self, secret: Secret | None) -> Outcome:
        """USER and PASS within the sign-in timeout."""
        if self.settings.sign_in == NONE:
            raise ConnectorError(
                "A POP3 server always wants a sign-in, but sign-in is off.",
                kind=Kind.CONFIGURATION,
                advice="Choose Password as sign-in.",
                field="sign_in",
            )
        with self.wire.within(self.settings.sign_in_timeout):
            good, line = self.ask("USER " + clean(self.settings.login, "login", field="login"))
            if good:
                good, line = self.ask(
                    "PASS " + clean(secret.value if secret else "", "password", field="password")
                )
        if not good:
            raise self._explained(refused_sign_in(line))
        self.signed_in = True
        return Outcome(f"Signed in as {self.settings.login}", server_line=said(line))

    def _explained(self, wrong: ConnectorError) -> ConnectorError:
        hint = sign_in_hint(self.settings.host)
        if hint and wrong.kind is Kind.SIGN_IN:
            wrong.advice = f"{wrong.advice} {hint}"
        return wrong

    def ask(self, command: str) -> tuple[bool, bytes]:
        """Send a command, read its first line. Raises when the connection fails; it is closed then."""
        try:
            with self.wire.within(self.settings.answer_timeout):
                self.wire.send(command.encode("utf-8") + b"\r\n")
                return read_status(self.wire)
        except ConnectorError:
            self.wire.close()
            raise

    def listing(self, command: str, what: str) -> list[bytes]:
        """A command with a multi-line answer. -ERR raises."""
        good, line = self.ask(command)
        if not good:
            raise recognised(line) or refused(line, what)
        return self._lines()

    def leave(self) -> tuple[bool, bytes]:
        """QUIT, which carries out the deletions; waits 5 s at most; never raises."""
        try:
            with self.wire.within(min(5.0, self.settings.answer_timeout)):
                return self.ask("QUIT")
        except ConnectorError as wrong:
            return False, wrong.server_line.encode()
        finally:
            self.wire.close()

    def _lines(self) -> list[bytes]:
        try:
            with self.wire.within(self.settings.answer_timeout * 2):
                return read_lines(self.wire)
        except ConnectorError:
            self.wire.close()
            raise
