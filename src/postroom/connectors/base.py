"""What every connector offers: an Inbox yields bytes, an Outbox takes bytes. No Django, no parsing of mail.

A connector module defines `NAME`, `LABEL` and an `Inbox` and/or `Outbox` subclass; the package is scanned for them,
there is no list to edit. Errors form one short tree:

    ConnectorError          .kind says what the engine does, .advice tells a person what to do
        kind = transient      try again with back-off
        kind = throttled      try again after .retry_after seconds
        kind = sign-in        a person must sign in again
        kind = configuration  a person must change a setting
        kind = message        this one letter cannot be handled, the others can
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self


class Kind(StrEnum):
    """What an error asks of the engine or of a person."""

    TRANSIENT = "transient"
    THROTTLED = "throttled"
    SIGN_IN = "sign-in"
    CONFIGURATION = "configuration"
    MESSAGE = "message"


class ConnectorError(Exception):
    """A server or the way to it failed. `advice` is one sentence for a person; `server_line` is what the server said.

    `field` names the setting to change where one is known; `retry_after` is in seconds. `uids` names the letters that
    an error of kind message is about; the other letters of the same call were handled.
    """

    def __init__(
        self,
        text: str,
        *,
        kind: Kind = Kind.TRANSIENT,
        advice: str = "",
        server_line: str = "",
        field: str = "",
        retry_after: float | None = None,
        uids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(text)
        self.text, self.kind, self.advice = text, kind, advice
        self.server_line, self.field, self.retry_after = server_line, field, retry_after
        self.uids = uids


class AnswerLost(ConnectorError):
    """The connection died after the final dot was written: nobody knows whether the server took the message."""


@dataclass(frozen=True)
class Secret:
    """A password or token. Does not print itself."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "(secret)"


@dataclass(frozen=True)
class Folder:
    """One folder of a mailbox. `role` is inbox, sent, drafts, trash, junk, archive, outbox, all or ''."""

    name: str
    role: str = ""
    selectable: bool = True


@dataclass(frozen=True)
class FolderState:
    """`validity` changes when the server renumbers the folder (IMAP UIDVALIDITY; '' for POP3).

    `total` counts the letters there, `next_uid` is the UIDNEXT where the server tells it.
    """

    validity: str
    total: int
    next_uid: int | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Ref:
    """One letter on the server: `uid` is the IMAP UID or POP3 UIDL as text, `size` in bytes, `arrived` the INTERNALDATE."""

    uid: str
    size: int | None = None
    arrived: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of one letter; `raw` is None when it is gone from the server since it was listed."""

    ref: Ref
    raw: bytes | None


class Settle(StrEnum):
    """What to do with a collected letter on the server, only after it is committed here."""

    LEAVE = "leave"
    MARK_READ = "mark-read"
    MOVE = "move"
    DELETE = "delete"


@dataclass(frozen=True)
class Step:
    """One step of a check: `state` is ok, warn, fail or skipped; `ms` its duration; `field` the setting to change."""

    name: str
    title: str
    state: str
    detail: str = ""
    ms: int = 0
    server_line: str = ""
    fix: str = ""
    field: str = ""


class Parked(ABC):
    """A signed-in connection that waits for the server to speak; costs no thread."""

    @abstractmethod
    def fileno(self) -> int:
        """The socket to select on."""

    @abstractmethod
    def pending(self) -> bool:
        """True when decrypted bytes already wait in user space, so that select would not report them."""

    @abstractmethod
    def read(self) -> bool:
        """Called when the socket is readable. True if there may be new mail. Raises ConnectorError if it died."""

    @abstractmethod
    def refresh(self) -> None:
        """Keep the connection alive; called at least every `refresh_seconds`."""

    @abstractmethod
    def unpark(self) -> Inbox:
        """End the wait and hand the connected inbox back (the folder is still open)."""

    @abstractmethod
    def close(self) -> None:
        """Drop the connection; never raises."""

    refresh_seconds: float = 25 * 60


class Connection(ABC):
    """What an Inbox and an Outbox share. Use as a context manager: `with connector(settings, secret) as inbox`."""

    Settings: ClassVar[type]

    def __init__(self, settings: Any, secret: Secret | None) -> None:
        self.settings, self.secret = settings, secret

    @abstractmethod
    def connect(self) -> None:
        """Connect and sign in. Raises ConnectorError."""

    @abstractmethod
    def close(self) -> None:
        """Leave politely; never raises."""

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Inbox(Connection):
    """Reads one mailbox."""

    can_folders: ClassVar[bool] = True
    can_mark: ClassVar[bool] = True
    can_move: ClassVar[bool] = True
    can_push: ClassVar[bool] = True

    @abstractmethod
    def folders(self) -> list[Folder]:
        """All folders, with the role the server or its localised name gives."""

    @abstractmethod
    def open(self, folder: str) -> FolderState:
        """Select a folder for reading (and settling)."""

    @abstractmethod
    def list(self, *, after: int = 0, since: datetime | None = None, limit: int | None = None) -> list[Ref]:
        """Letters of the open folder, oldest first: those with a uid above `after` (IMAP), or all (POP3)."""

    @abstractmethod
    def read(self, refs: Sequence[Ref]) -> Iterator[Fetched]:
        """The bytes of these letters, unmarked (PEEK), in batches capped by count and bytes; order as given.

        `raw` is None for a letter that is gone. Letters that the server refuses to give are left out; after all others
        were yielded, one ConnectorError of kind message names them in `uids`. Between two items the connection is idle,
        so that `settle` may be called in the loop.
        """

    @abstractmethod
    def head(self, ref: Ref, limit: int) -> bytes:
        """The first `limit` bytes (at least the header) of a letter too large to collect."""

    @abstractmethod
    def settle(self, refs: Sequence[Ref], how: Settle, *, folder: str = "") -> None:
        """Mark, move (to `folder`) or delete these letters."""

    @abstractmethod
    def check(self, *, folder: str = "", how: Settle = Settle.LEAVE, move_to: str = "") -> Iterator[Step]:
        """Connect step by step, yielding each as it ends; stops after the first failure. Never raises."""

    def park(self) -> Parked | None:
        """Wait for new mail without a thread, if the server can (IDLE); else None and the engine polls."""
        return None


@dataclass(frozen=True)
class Envelope:
    """SMTP envelope: `sender` is '' for the null return path."""

    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What the server said about one recipient. `state` is accepted, deferred (4xx) or refused (5xx)."""

    address: str
    state: str
    code: int = 0
    status: str = ""
    line: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of one message: a verdict per recipient and the line that answered the final dot."""

    verdicts: tuple[Verdict, ...]
    line: str = ""


class Outbox(Connection):
    """Sends messages for one sender. May be kept open for many messages."""

    @abstractmethod
    def send(
        self, envelope: Envelope, raw: bytes, *, before_final: Callable[[], None] = lambda: None
    ) -> Receipt:
        """Send. Calls `before_final` once, just before the byte that commits the message (the SMTP dot) is written.

        Raises AnswerLost if the connection dies after it; any other ConnectorError means that the server took nothing
        (kind message: this message cannot be sent as it is; throttled: our quota there, also when said after the dot).
        """

    @abstractmethod
    def check(self, *, sender: str = "", recipient: str = "") -> Iterator[Step]:
        """Connect step by step up to MAIL FROM (may send as) without sending. Never raises."""


def chunks(refs: Sequence[Ref], *, count: int, size: int) -> Iterable[list[Ref]]:
    """Cut refs into batches of at most `count` letters and about `size` bytes."""
    batch: list[Ref] = []
    total = 0
    for ref in refs:
        weight = ref.size or 0
        if batch and (len(batch) >= count or total + weight > size):
            yield batch
            batch, total = [], 0
        batch.append(ref)
        total += weight
    if batch:
        yield batch
