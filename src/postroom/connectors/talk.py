"""What a conversation has in common in every protocol of lines: the way in, the first line, STARTTLS, the end. No protocol's words.

    greet -> encrypt (only with STARTTLS) -> sign_in -> commands -> leave

`enter` goes that way for work, `plan` as the steps of a check. A protocol says in its own file how its greeting is read,
how STARTTLS is asked for, how to sign in and how to leave.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Generic, Self, TypeVar

from postroom.connectors.approach import Approach
from postroom.connectors.base import ConnectorError, Kind, Secret
from postroom.connectors.mixups import explain_silence, wrong_greeting
from postroom.connectors.presets import sign_in_hint
from postroom.connectors.server import STARTTLS, ServerSettings, no_starttls
from postroom.connectors.steps import Outcome, Planned
from postroom.connectors.tls import Certificate, Trust
from postroom.connectors.wire import Wire

PATIENCE = 5.0
"""Seconds that a goodbye may take."""


class Talk(ABC):
    """One conversation with one server. `end` (of time.monotonic) bounds the whole of it."""

    protocol: ClassVar[str]
    """What people call it; `mixups.py` names it when something else speaks on the port."""

    def __init__(self, settings: ServerSettings, *, end: float | None = None) -> None:
        self.settings = settings
        self.approach = Approach(settings, self.protocol, end=end)
        self.signed_in = False

    @property
    def wire(self) -> Wire:
        return self.approach.wire

    @property
    def reached(self) -> bool:
        """True once there was a connection."""
        return hasattr(self.approach, "wire")

    # ---- what each protocol says in its own words

    @abstractmethod
    def greet(self) -> Outcome:
        """Read the greeting within the connection timeout; recognises what is no server of this protocol."""

    @abstractmethod
    def _agree(self) -> None:
        """Ask for STARTTLS. Raises `_no_starttls` unless the server agrees."""

    @abstractmethod
    def sign_in(self, secret: Secret | None) -> Outcome:
        """Sign in within the sign-in timeout. One try with one mechanism: a second one could lock the account."""

    @abstractmethod
    def leave(self) -> None:
        """Say goodbye and close; never raises."""

    # ---- the way in

    def enter(self, secret: Secret | None) -> None:
        """Connect, encrypt and sign in; nothing stays open when that fails."""
        self.approach.go()
        try:
            self.greet()
            if self.settings.security == STARTTLS:
                self.encrypt()
            self.sign_in(secret)
        except BaseException:
            self.wire.close()
            raise

    def plan(self) -> Iterator[Planned]:
        """The same up to the sign-in as steps of a check."""
        yield from self.approach.plan()
        yield "greeting", "Greeting", self.greet
        if self.settings.security == STARTTLS:
            yield "tls", "Encrypt (STARTTLS)", self.encrypt

    def encrypt(self) -> Outcome:
        """STARTTLS, or nothing at all: never on in the clear."""
        return self.approach.upgrade(self._agree, self._shown)

    def _shown(self) -> Certificate | None:
        """A second connection up to the handshake, only to see the certificate; nothing else is sent."""
        again = self._again()
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
            if again.reached:
                again.wire.close()

    def _again(self) -> Self:
        return type(self)(self.settings, end=self.approach.end)

    # ---- what the protocols build with

    def _first_line(self, cap: int) -> bytes:
        """The first line that the server says; explains when none comes."""
        try:
            with self.wire.within(self.settings.connect_timeout):
                return self.wire.line(cap)
        except ConnectorError as wrong:
            self.wire.close()
            raise explain_silence(wrong, self.protocol, self.settings) from wrong

    def _stranger(self, line: bytes) -> ConnectorError:
        """Close: what greets there is no server of this protocol."""
        self.wire.close()
        return wrong_greeting(line, self.protocol, self.settings)

    def _no_starttls(self, line: bytes = b"") -> ConnectorError:
        """Close: the password must not go out in the clear."""
        self.wire.close()
        return no_starttls(self.settings.peer, line)

    def _explained(self, wrong: ConnectorError) -> ConnectorError:
        """A refused sign-in, with what is known of this provider."""
        hint = sign_in_hint(self.settings.host)
        if hint and wrong.kind is Kind.SIGN_IN:
            wrong.advice = f"{wrong.advice} {hint}"
        return wrong

    @contextmanager
    def answering(self, seconds: float) -> Iterator[None]:
        """Bound everything inside by so many seconds; a connection that failed in it is closed."""
        try:
            with self.wire.within(seconds):
                yield
        except ConnectorError:
            self.wire.close()
            raise

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """A goodbye: nobody waits long for its answer, and the connection is closed after it."""
        try:
            with self.wire.within(min(PATIENCE, self.settings.answer_timeout)):
                yield
        except ConnectorError:
            pass
        finally:
            self.wire.close()


T = TypeVar("T", bound=Talk)


class Talking(Generic[T]):
    """The part of an Inbox or Outbox that holds its conversation."""

    _talk: T | None = None

    @property
    def talk(self) -> T:
        """The open conversation. Raises ConnectorError before `connect`."""
        if self._talk is None:
            raise ConnectorError("The server is not connected.")
        return self._talk

    def close(self) -> None:
        """Leave politely; never raises."""
        if self._talk is not None:
            self._talk.leave()
        self._talk = None
