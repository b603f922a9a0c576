"""The check of a server that is talked to in lines: the way in, then what the protocol looks at. Changes nothing there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from postroom.connectors.base import Secret, Step
from postroom.connectors.server import NONE
from postroom.connectors.steps import Outcome, Planned, run_steps
from postroom.connectors.talk import Talk


class Check(ABC):
    """One check over one conversation. Not to be run twice."""

    def __init__(self, talk: Talk, secret: Secret | None) -> None:
        self.talk, self.secret = talk, secret

    @abstractmethod
    def further(self) -> Iterator[Planned]:
        """The steps after the sign-in."""

    def run(self) -> Iterator[Step]:
        """The steps as they end; closes the connection at the end. Never raises."""
        try:
            yield from run_steps(self._plan())
        finally:
            self.close()

    def _plan(self) -> Iterator[Planned]:
        yield from self.talk.plan()
        yield "sign-in", "Sign in", self.sign_in
        yield from self.further()

    def sign_in(self) -> Outcome:
        """Sign in; warns when the password went out in the clear."""
        got = self.talk.sign_in(self.secret)
        if self.talk.wire.encrypted or not self.gives_password():
            return got
        return Outcome(
            got.detail,
            state="warn",
            server_line=got.server_line,
            fix="The password was sent unencrypted: choose TLS or STARTTLS where the server can.",
            field="security",
        )

    def gives_password(self) -> bool:
        """True when this server is given a password."""
        return self.talk.settings.sign_in != NONE

    def close(self) -> None:
        """End the conversation, politely where it got so far; never raises."""
        if self.talk.signed_in:
            self.talk.leave()
        elif self.talk.reached:
            self.talk.wire.close()
