"""One conversation with a POP3 server (RFC 1939, 2449, 2595): greeting, STLS, sign-in, commands. No letters.

APOP is not used: it is MD5 with a banner chosen by the server, and TLS protects better.
"""

from __future__ import annotations

import logging

from postroom.connectors import talk
from postroom.connectors.base import ConnectorError, Secret
from postroom.connectors.guard import clean
from postroom.connectors.meaning import said, sign_in_is_off
from postroom.connectors.mixups import protocol_of
from postroom.connectors.pop3_errors import recognised, refused, refused_sign_in
from postroom.connectors.pop3_lines import read_lines, read_status
from postroom.connectors.server import NONE, ServerSettings
from postroom.connectors.steps import Outcome

GREETING_CAP = 1024
log = logging.getLogger(__name__)


class Talk(talk.Talk):
    """A connection from greeting to QUIT. `capabilities` are the words of CAPA, empty when the server has none."""

    protocol = "POP3"

    def __init__(self, settings: ServerSettings, *, end: float | None = None) -> None:
        super().__init__(settings, end=end)
        self.capabilities: dict[str, str] = {}

    def greet(self) -> Outcome:
        line = self._first_line(GREETING_CAP)
        if protocol_of(line) != "POP3":
            raise self._stranger(line)
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
        got = super().encrypt()
        self._learn()  # what was said in the clear counts for nothing
        return got

    def _agree(self) -> None:
        # a server without CAPA may still know STLS: ask, and believe only +OK
        good, line = (
            self.ask("STLS") if "STLS" in self.capabilities or not self.capabilities else (False, b"")
        )
        if not good:
            raise self._no_starttls(line)

    def sign_in(self, secret: Secret | None) -> Outcome:
        """USER and PASS within the sign-in timeout."""
        if self.settings.sign_in == NONE:
            raise sign_in_is_off("A POP3 server always wants a sign-in, but sign-in is off.")
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

    def ask(self, command: str) -> tuple[bool, bytes]:
        """Send a command, read its first line. Raises when the connection fails; it is closed then."""
        with self.answering(self.settings.answer_timeout):
            self.wire.send(command.encode("utf-8") + b"\r\n")
            return read_status(self.wire)

    def listing(self, command: str, what: str) -> list[bytes]:
        """A command with a multi-line answer. -ERR raises."""
        good, line = self.ask(command)
        if not good:
            raise recognised(line) or refused(line, what)
        return self._lines()

    def leave(self) -> None:
        """QUIT, which carries out the deletions."""
        good, line = False, b""
        with self._leaving():
            try:
                good, line = self.ask("QUIT")
            except ConnectorError as wrong:
                line = wrong.server_line.encode()
        if not good:
            # what was not deleted is listed again next time and settled then
            log.warning("%s: QUIT failed: %s", self.settings.peer, said(line))

    def _lines(self) -> list[bytes]:
        with self.answering(self.settings.answer_timeout * 2):
            return read_lines(self.wire)
