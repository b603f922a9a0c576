"""One conversation with an SMTP server: greeting, EHLO, STARTTLS, AUTH and commands. No messages.

Not `smtplib`: it tries every mechanism with a wrong password (which locks accounts), takes ASCII passwords only, starts
its timeout anew with every byte, has no cap on a reply's lines, and raises the same before and after the final dot.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket

from postroom.connectors.approach import Approach
from postroom.connectors.base import ConnectorError, Kind, Secret
from postroom.connectors.guard import clean
from postroom.connectors.mixups import explain_silence, protocol_of, wrong_greeting
from postroom.connectors.presets import sign_in_hint
from postroom.connectors.server import NONE, ServerSettings, no_starttls
from postroom.connectors.smtp_answers import LINE_CAP, Reply, read_reply
from postroom.connectors.smtp_errors import recognised, refused, refused_sign_in
from postroom.connectors.steps import Outcome
from postroom.connectors.tls import Certificate, Trust
from postroom.connectors.wire import Wire


class Talk:
    """A connection from greeting to QUIT. `extensions` are the words of EHLO with their parameters."""

    def __init__(self, approach: Approach, settings: ServerSettings, *, name: str = "") -> None:
        self.approach, self.settings = approach, settings
        self.name = name or own_name()
        self.extensions: dict[str, str] = {}
        self.signed_in = False

    @property
    def wire(self) -> Wire:
        return self.approach.wire

    def greet(self) -> Outcome:
        """Greeting and EHLO within the connection timeout; recognises what is no SMTP server."""
        try:
            with self.wire.within(self.settings.connect_timeout):
                first = self.wire.line(LINE_CAP)
        except ConnectorError as wrong:
            self.wire.close()
            raise explain_silence(wrong, "SMTP", self.settings) from wrong
        if protocol_of(first) != "SMTP" and not first[:3].isdigit():
            self.wire.close()
            raise wrong_greeting(first, "SMTP", self.settings)
        self.wire.unread(first + b"\r\n")
        try:
            with self.wire.within(self.settings.connect_timeout):
                reply = read_reply(self.wire)
                if reply.code != 220:
                    raise recognised(reply) or _not_now(reply)
                self._hello()
        except ConnectorError:
            self.wire.close()
            raise
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
        """STARTTLS, or nothing at all: never on in the clear."""
        got = self.approach.upgrade(self._agree, self._shown)
        self._hello()  # what was said in the clear counts for nothing (RFC 3207 section 4.2)
        return got

    def _agree(self) -> None:
        if "STARTTLS" not in self.extensions:
            self.wire.close()
            raise no_starttls(self.settings.peer)
        reply = self.ask("STARTTLS")
        if reply.code != 220:
            self.wire.close()
            raise no_starttls(self.settings.peer, str(reply).encode())

    def _shown(self) -> Certificate | None:
        """A second connection up to the handshake, only to see the certificate; nothing else is sent."""
        again = Talk(Approach(self.settings, "SMTP", end=self.approach.end), self.settings, name=self.name)
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

    # ---- signing in

    def sign_in(self, secret: Secret | None) -> Outcome:
        """Sign in within the sign-in timeout. One try with one mechanism: a second one could lock the account."""
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

    def _explained(self, wrong: ConnectorError) -> ConnectorError:
        hint = sign_in_hint(self.settings.host)
        if hint and wrong.kind is Kind.SIGN_IN:
            wrong.advice = f"{wrong.advice} {hint}"
        return wrong

    # ---- commands

    def ask(self, command: str) -> Reply:
        """Send one command and read its reply. Raises when the connection fails; it is closed then."""
        self.put(command)
        return self.hear()

    def put(self, *commands: str) -> None:
        """Send commands without waiting (several only where the server offers PIPELINING)."""
        try:
            with self.wire.within(self.settings.answer_timeout):
                self.wire.send("".join(f"{c}\r\n" for c in commands).encode("utf-8"))
        except ConnectorError:
            self.wire.close()
            raise

    def hear(self, *, seconds: float | None = None) -> Reply:
        """Read the next reply. 421 means that the server closes."""
        limit = self.settings.answer_timeout if seconds is None else seconds
        before = self.wire.idle
        self.wire.idle = limit
        try:
            with self.wire.within(limit):
                return read_reply(self.wire)
        except ConnectorError:
            self.wire.close()
            raise
        finally:
            self.wire.idle = before

    def leave(self) -> None:
        """QUIT, waiting 5 s at most; never raises."""
        try:
            with self.wire.within(min(5.0, self.settings.answer_timeout)):
                self.ask("QUIT")
        except ConnectorError:
            pass
        finally:
            self.wire.close()


def own_name() -> str:
    """What to say in EHLO: this host's full name, or an address literal where it has none (RFC 5321 section 4.1.3)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and not name.endswith((".local", ".localdomain")):
        return name
    return "[127.0.0.1]"


def _not_now(reply: Reply) -> ConnectorError:
    return ConnectorError(
        f"The server takes no mail at the moment: {reply}",
        kind=Kind.TRANSIENT,
        advice="It is tried again.",
        server_line=str(reply),
    )


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
