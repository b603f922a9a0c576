"""One conversation with an SMTP server: greeting, EHLO, STARTTLS, AUTH and commands. No messages.

Not `smtplib`: it tries every mechanism with a wrong password (which locks accounts), takes ASCII passwords only, starts
its timeout anew with every byte, has no cap on a reply's lines, and raises the same before and after the final dot.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket

from postroom.connectors import talk
from postroom.connectors.base import ConnectorError, Kind, Secret
from postroom.connectors.guard import clean
from postroom.connectors.meaning import passing
from postroom.connectors.mixups import protocol_of
from postroom.connectors.server import NONE, ServerSettings
from postroom.connectors.smtp_answers import LINE_CAP, Reply, read_reply
from postroom.connectors.smtp_errors import recognised, refused, refused_sign_in
from postroom.connectors.steps import Outcome


class Talk(talk.Talk):
    """A connection from greeting to QUIT. `extensions` are the words of EHLO with their parameters."""

    protocol = "SMTP"

    def __init__(self, settings: ServerSettings, *, end: float | None = None) -> None:
        super().__init__(settings, end=end)
        self.name = getattr(settings, "ehlo", "") or own_name()
        self.extensions: dict[str, str] = {}

    def greet(self) -> Outcome:
        """Greeting and EHLO within the connection timeout."""
        first = self._first_line(LINE_CAP)
        if protocol_of(first) != "SMTP" and not first[:3].isdigit():
            raise self._stranger(first)
        self.wire.unread(first + b"\r\n")
        with self.answering(self.settings.connect_timeout):
            reply = read_reply(self.wire)
            if reply.code != 220:
                raise recognised(reply) or passing(
                    f"The server takes no mail at the moment: {reply}", str(reply)
                )
            self._hello()
        return Outcome(server_line=str(reply))

    def _hello(self) -> None:
        reply = self.ask("EHLO " + clean(self.name, "EHLO name", field="ehlo"))
        self.extensions = {}
        if reply.good:
            words = [line.split(" ", 1) for line in reply.lines[1:] if line]
            self.extensions = {w[0].upper(): w[1] if len(w) > 1 else "" for w in words}
        else:
            reply = self.ask("HELO " + self.name)
        if not reply.good:
            raise refused(reply, "greet")

    def encrypt(self) -> Outcome:
        got = super().encrypt()
        self._hello()  # what was said in the clear counts for nothing (RFC 3207 section 4.2)
        return got

    def _agree(self) -> None:
        if "STARTTLS" not in self.extensions:
            raise self._no_starttls()
        reply = self.ask("STARTTLS")
        if reply.code != 220:
            raise self._no_starttls(str(reply).encode())

    # ---- signing in

    def sign_in(self, secret: Secret | None) -> Outcome:
        if self.settings.sign_in == NONE:
            return Outcome("Without sign-in", state="skipped")
        offered = self._mechanisms()
        login = clean(self.settings.login, "login", field="login")
        password = secret.value if secret else ""
        with self.wire.within(self.settings.sign_in_timeout):
            if "PLAIN" in offered:
                reply = self._plain(login, password)
            elif "LOGIN" in offered:
                reply = self._login(login, password)
            elif "CRAM-MD5" in offered:
                reply = self._cram(login, password)
            else:
                raise self._no_mechanism(offered)
        if reply.code not in (235, 503):
            raise self._explained(refused_sign_in(reply))
        self.signed_in = True
        return Outcome(f"Signed in as {login}", server_line=str(reply))

    def _mechanisms(self) -> set[str]:
        # old servers write AUTH=LOGIN PLAIN
        words = [self.extensions.get("AUTH", "")]
        words += [f"{k[5:]} {v}" for k, v in self.extensions.items() if k.startswith("AUTH=")]
        return {word.upper() for word in " ".join(words).split()}

    def _no_mechanism(self, offered: set[str]) -> ConnectorError:
        if not offered and self.settings.security == NONE and "STARTTLS" in self.extensions:
            text, advice, field = "The server offers no sign-in in the clear.", "Choose STARTTLS.", "security"
        elif not offered:
            text, advice, field = (
                "The server offers no sign-in.",
                "Choose None as sign-in, or the submission port (587 or 465).",
                "sign_in",
            )
        else:
            text = f"The server offers only these kinds of sign-in: {', '.join(sorted(offered))}."
            advice, field = "Choose another kind of sign-in.", "sign_in"
        return ConnectorError(text, kind=Kind.CONFIGURATION, advice=advice, field=field)

    def _plain(self, login: str, password: str) -> Reply:
        return self.ask("AUTH PLAIN " + _b64(f"\0{login}\0{password}".encode()))

    def _login(self, login: str, password: str) -> Reply:
        reply = self.ask("AUTH LOGIN")
        for word in (login, password):
            if reply.code != 334:
                break
            reply = self.ask(_b64(word.encode()))
        return reply

    def _cram(self, login: str, password: str) -> Reply:
        reply = self.ask("AUTH CRAM-MD5")
        if reply.code != 334:
            return reply
        try:
            challenge = base64.b64decode(reply.text)
        except ValueError:
            return self.ask("*")
        digest = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
        return self.ask(_b64(f"{login} {digest}".encode()))

    # ---- commands

    def ask(self, command: str) -> Reply:
        """Send one command and read its reply. Raises when the connection fails; it is closed then."""
        self.put(command)
        return self.hear()

    def put(self, *commands: str) -> None:
        """Send commands without waiting (several only where the server offers PIPELINING)."""
        with self.answering(self.settings.answer_timeout):
            self.wire.send("".join(f"{c}\r\n" for c in commands).encode("utf-8"))

    def hear(self, *, seconds: float | None = None) -> Reply:
        """Read the next reply. 421 means that the server closes."""
        limit = self.settings.answer_timeout if seconds is None else seconds
        before = self.wire.idle
        self.wire.idle = limit
        try:
            with self.answering(limit):
                return read_reply(self.wire)
        finally:
            self.wire.idle = before

    def leave(self) -> None:
        with self._leaving():
            self.ask("QUIT")


def own_name() -> str:
    """What to say in EHLO: this host's full name, or an address literal where it has none (RFC 5321 section 4.1.3)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and not name.endswith((".local", ".localdomain")):
        return name
    return "[127.0.0.1]"


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
