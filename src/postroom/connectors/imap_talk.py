"""One conversation with an IMAP server: greeting, commands with their replies, STARTTLS and sign-in. No folders, no letters."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from postroom.connectors import talk
from postroom.connectors.base import ConnectorError, Kind, Secret
from postroom.connectors.guard import clean
from postroom.connectors.imap_answers import Reply, read_answer, status_code
from postroom.connectors.imap_errors import farewell, recognised, refused, refused_sign_in
from postroom.connectors.meaning import said, sign_in_is_off
from postroom.connectors.mixups import protocol_of
from postroom.connectors.server import NONE, STARTTLS, ServerSettings
from postroom.connectors.steps import Outcome
from postroom.connectors.wire import Closed

GREETING_CAP = 8 * 1024
SLOWEST = 50_000
"""Bytes a second below which an answer is given up."""
ORDINARY = 1_000_000
"""Bytes an ordinary answer may have before its time is extended."""


@dataclass(frozen=True)
class Literal:
    """An argument sent by its length: the only way for 8-bit text."""

    value: bytes


Piece = bytes | Literal


def quoted(text: str, what: str, *, field: str = "") -> Piece:
    """An argument as a quoted string, or as a literal when it is not plain ASCII."""
    return quoted_bytes(clean(text, what, field=field).encode("utf-8"))


def quoted_bytes(raw: bytes) -> Piece:
    if any(c in raw for c in b"\r\n\0"):
        clean("\n", "folder name", field="folder")
    if not raw.isascii():
        return Literal(raw)
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


class Talk(talk.Talk):
    """A connection from greeting to LOGOUT. `total` and `capabilities` follow what the server says.

    `fresh` is true when the folder was just opened, or waited in, and not listed since.
    """

    protocol = "IMAP"

    def __init__(self, settings: ServerSettings, *, end: float | None = None) -> None:
        super().__init__(settings, end=end)
        self.capabilities: frozenset[str] = frozenset()
        self.total = 0
        self.fresh = False
        self._count = 0
        self._bye = b""

    # ---- the first words

    def greet(self) -> Outcome:
        line = self._first_line(GREETING_CAP)
        self._welcome(line)
        return Outcome(server_line=said(line))

    def _welcome(self, line: bytes) -> None:
        word = line[2:9].upper()
        if word.startswith(b"BYE"):
            raise recognised(line) or farewell(line)
        if protocol_of(line) != "IMAP":
            raise self._stranger(line)
        self.signed_in = word == b"PREAUTH"
        if self.signed_in and self.settings.security == STARTTLS:
            # after PREAUTH no STARTTLS is possible: a known way to keep a client in the clear
            raise self._no_starttls(line)
        self._learn(line.partition(b" ")[2].partition(b" ")[2])

    def _agree(self) -> None:
        if "STARTTLS" not in self.known():
            raise self._no_starttls()
        reply = self.ask(b"STARTTLS")
        if reply.status != "OK":
            raise self._no_starttls(reply.line)
        # what was said in the clear counts for nothing (RFC 3501 section 6.2.1)
        self.capabilities = frozenset()

    def known(self) -> frozenset[str]:
        """The capabilities, asked for when the server did not tell them."""
        if not self.capabilities:
            self.ask(b"CAPABILITY")
        return self.capabilities

    def can(self, name: str) -> bool:
        return name in self.capabilities

    # ---- signing in

    def sign_in(self, secret: Secret | None) -> Outcome:
        if self.signed_in:
            return Outcome("The server needs no sign-in here.")
        if self.settings.sign_in == NONE:
            raise sign_in_is_off("The server wants a sign-in, but sign-in is off.")
        with self.wire.within(self.settings.sign_in_timeout):
            reply = self._password(
                clean(self.settings.login, "login", field="login"), secret.value if secret else ""
            )
            if not self.capabilities:
                self.ask(b"CAPABILITY")
        self.signed_in = True
        self._introduce()
        return Outcome(f"Signed in as {self.settings.login}", server_line=said(reply.line))

    def _password(self, login: str, password: str) -> Reply:
        offered = self.known()
        if "AUTH=PLAIN" in offered:
            token = base64.b64encode(b"\0" + login.encode() + b"\0" + password.encode())
            reply = self._plain(token, at_once="SASL-IR" in offered)
        elif "LOGINDISABLED" in offered:
            raise ConnectorError(
                "The server takes no password over this connection.",
                kind=Kind.CONFIGURATION,
                advice="Choose TLS or STARTTLS."
                if self.settings.security == NONE
                else "The provider wants another kind of sign-in.",
                server_line="LOGINDISABLED",
                field="security" if self.settings.security == NONE else "sign_in",
            )
        else:
            self.capabilities = frozenset()
            reply = self.ask(
                b"LOGIN ",
                quoted(login, "login", field="login"),
                b" ",
                quoted(password, "password", field="password"),
            )
        if reply.status != "OK":
            raise self._explained(refused_sign_in(reply))
        return reply

    def _plain(self, token: bytes, *, at_once: bool) -> Reply:
        self.capabilities = frozenset()
        if at_once:
            return self.ask(b"AUTHENTICATE PLAIN " + token)
        return self.ask(b"AUTHENTICATE PLAIN", on_continue=lambda: token)

    def _introduce(self) -> None:
        """ID (RFC 2971). Some providers open no folder for a client that does not say who it is."""
        if "ID" in self.capabilities:
            self.ask(b'ID ("name" "Postroom")')

    # ---- commands

    def ask(
        self,
        *pieces: Piece,
        expect: int = ORDINARY,
        on_continue: Callable[[], bytes] | None = None,
    ) -> Reply:
        """Send one command and read up to its tagged reply. `expect` (bytes) extends the time for large answers.

        Raises ConnectorError when the connection fails; it is closed then. NO and BAD are returned.
        """
        self._count += 1
        tag = b"P%d" % self._count
        try:
            with self.answering(self.settings.answer_timeout + expect / SLOWEST):
                early = self._write(pieces, tag)
                return self._finished(early, []) if early else self._reply(tag, on_continue)
        except Closed as wrong:
            if self._bye:
                raise farewell(self._bye) from wrong
            raise

    def must(self, what: str, *pieces: Piece, expect: int = ORDINARY) -> Reply:
        """Like `ask`, but NO and BAD raise: `what` completes "the server refused to ..."."""
        reply = self.ask(*pieces, expect=expect)
        if reply.status != "OK":
            raise refused(reply, what)
        return reply

    def leave(self) -> None:
        with self._leaving():
            self.ask(b"LOGOUT")

    def _write(self, pieces: tuple[Piece, ...], tag: bytes) -> bytes:
        """Send the command. Returns the tagged line when the server refuses before the end, else b''."""
        line = tag + b" "
        for piece in pieces:
            if isinstance(piece, Literal):
                self.wire.send(line + b"{%d}\r\n" % len(piece.value))
                if refusal := self._refusal(tag):
                    return refusal
                line = piece.value
            else:
                line += piece
        self.wire.send(line + b"\r\n")
        return b""

    def _refusal(self, tag: bytes) -> bytes:
        """Wait for the server's go-ahead (b'') or its refusal of a literal."""
        while not (line := self.wire.line()).startswith(b"+"):
            if line.startswith(tag + b" "):
                return line
            if not line.startswith(b"* "):
                raise self._nonsense(line)
            self._notice(line)
        return b""

    def _reply(self, tag: bytes, on_continue: Callable[[], bytes] | None) -> Reply:
        untagged: list[list[bytes]] = []
        mark = tag + b" "
        while True:
            parts = read_answer(self.wire)
            line = parts[0]
            if line.startswith(b"* "):
                untagged.append(parts)
                if len(parts) == 1:
                    self._notice(line)
            elif line.startswith(mark):
                return self._finished(line, untagged)
            elif line.startswith(b"+"):
                # a challenge that we do not expect is an error message in disguise: an empty answer ends it
                self.wire.send((on_continue() if on_continue else b"") + b"\r\n")
                on_continue = None
            else:
                raise self._nonsense(line)

    def _nonsense(self, line: bytes) -> ConnectorError:
        return ConnectorError(
            f"{self.settings.peer} sent something that is no IMAP answer; the connection was dropped.",
            advice="It is tried again.",
            server_line=said(line),
        )

    def _finished(self, line: bytes, untagged: list[list[bytes]]) -> Reply:
        _, _, rest = line.partition(b" ")
        status, _, text = rest.partition(b" ")
        self._learn(text)
        code, _ = status_code(text)
        reply = Reply(status.decode("ascii", "replace").upper(), code, said(text), line, untagged)
        if reply.status == "BAD" and b"not connected" in line and (known := recognised(line)):
            # Exchange Online says this to every command after a sign-in that it does not honour
            raise known
        return reply

    def _notice(self, line: bytes) -> None:
        words = line.split(b" ", 3)
        if len(words) > 2 and words[2] == b"EXISTS" and words[1].isdigit():
            self.total = int(words[1])
        elif words[1] == b"CAPABILITY":
            self.capabilities = _names(line.split()[2:])
        elif words[1] == b"BYE":
            self._bye = line

    def _learn(self, text: bytes) -> None:
        code, names = status_code(text)
        if code == "CAPABILITY":
            self.capabilities = _names(names.split())


def _names(words: list[bytes]) -> frozenset[str]:
    return frozenset(word.decode("ascii", "replace").upper() for word in words)
