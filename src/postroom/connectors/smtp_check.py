"""The check of a sending server, step by step, up to MAIL FROM and one RCPT TO. Sends nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

from postroom.connectors.base import Secret
from postroom.connectors.check import Check
from postroom.connectors.server import ServerSettings
from postroom.connectors.smtp_errors import recognised, refused, refused_sender, verdict
from postroom.connectors.smtp_message import path_of
from postroom.connectors.smtp_talk import Talk
from postroom.connectors.steps import WHOLE, Outcome, Planned


class SmtpCheck(Check):
    """From the server's name to whether it takes mail from `sender` (and for `recipient`); '' leaves a step out."""

    talk: Talk

    def __init__(
        self, settings: ServerSettings, secret: Secret | None, *, sender: str, recipient: str
    ) -> None:
        super().__init__(Talk(settings, end=time.monotonic() + WHOLE), secret)
        self.sender, self.recipient = sender, recipient

    def further(self) -> Iterator[Planned]:
        yield "size", "Largest message", self.size
        if self.sender:
            yield "send-as", f"May send as {self.sender}", self.send_as
        if self.sender and self.recipient:
            yield "recipient", f"Takes mail for {self.recipient}", self.takes

    def close(self) -> None:
        """QUIT even without a sign-in: many servers want none."""
        if self.talk.reached:
            self.talk.leave()

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
