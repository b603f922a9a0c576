"""The check of a sending server, step by step, up to MAIL FROM and one RCPT TO. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator

from postroom.connectors.approach import Approach
from postroom.connectors.base import Secret, Step
from postroom.connectors.server import NONE, STARTTLS, ServerSettings
from postroom.connectors.smtp_errors import recognised, refused, refused_sender, verdict
from postroom.connectors.smtp_message import path_of
from postroom.connectors.smtp_talk import Talk
from postroom.connectors.steps import WHOLE, Outcome, Planned, run_steps


def check_smtp(
    settings: ServerSettings, secret: Secret | None, start: float, *, sender: str, recipient: str
) -> Iterator[Step]:
    """The steps as they end; closes the connection at the end."""
    check = _Check(settings, secret, start + WHOLE, sender, recipient)
    try:
        yield from run_steps(check.plan())
    finally:
        check.close()


class _Check:
    def __init__(
        self, settings: ServerSettings, secret: Secret | None, end: float, sender: str, recipient: str
    ) -> None:
        self.settings, self.secret, self.sender, self.recipient = settings, secret, sender, recipient
        self.approach = Approach(settings, "SMTP", end=end)
        self.talk = Talk(self.approach, settings, name=getattr(settings, "ehlo", ""))

    def plan(self) -> Iterator[Planned]:
        yield from self.approach.plan()
        yield "greeting", "Greeting", self.talk.greet
        if self.settings.security == STARTTLS:
            yield "tls", "Encrypt (STARTTLS)", self.talk.encrypt
        yield "sign-in", "Sign in", self.sign_in
        yield "size", "Largest message", self.size
        if self.sender:
            yield "send-as", f"May send as {self.sender}", self.send_as
        if self.sender and self.recipient:
            yield "recipient", f"Takes mail for {self.recipient}", self.takes

    def close(self) -> None:
        if hasattr(self.approach, "wire"):
            self.talk.leave()

    def sign_in(self) -> Outcome:
        got = self.talk.sign_in(self.secret)
        if self.settings.sign_in != NONE and not self.approach.wire.encrypted:
            return Outcome(
                got.detail,
                state="warn",
                server_line=got.server_line,
                fix="The password was sent unencrypted: choose TLS or STARTTLS where the server can.",
                field="security",
            )
        return got

    def size(self) -> Outcome:
        limit = self.talk.extensions.get("SIZE", "").split(" ")[0]
        if limit.isdigit() and int(limit):
            return Outcome(
                f"The server takes messages of up to {int(limit):,} bytes", server_line=f"SIZE {limit}"
            )
        return Outcome("The server names no limit", state="skipped")

    def send_as(self) -> Outcome:
        reply = self.talk.ask(f"MAIL FROM:<{path_of(self.sender).text}>")
        if not reply.good:
            raise refused_sender(reply, self.sender)
        # many servers judge the sender only together with a recipient: its own address is always a good one
        answer = self.talk.ask(f"RCPT TO:<{path_of(self.sender).text}>")
        if not answer.good:
            raise refused_sender(answer, self.sender)
        return Outcome(f"The server takes mail from {self.sender}", server_line=str(reply))

    def takes(self) -> Outcome:
        reply = self.talk.ask(f"RCPT TO:<{path_of(self.recipient).text}>")
        got = verdict(self.recipient, reply)
        if got.state == "refused":
            raise recognised(reply) or refused(reply, f"take mail for {self.recipient}")
        return Outcome(
            f"{self.recipient}: {got.state}",
            state="ok" if got.state == "accepted" else "warn",
            server_line=str(reply),
        )
