"""What the steps of filing share: one letter on its way, and what the desk knows that concerns the batch it is in.

Steps look and decide; they change nothing in the database. What they decided is written for the whole batch afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.db import connection
from django.utils import timezone

from postroom.actions.letters import LET_IN
from postroom.mail.bounces import Bounce
from postroom.mail.ids import read_message_id
from postroom.mail.letter import Letter, read
from postroom.models import (
    Case,
    Channel,
    Contact,
    ContactAddress,
    Interaction,
    InteractionState,
    LetterState,
    Message,
    Queue,
    RawMessage,
    Sender,
)
from postroom.models.blob import blobs
from postroom.models.secret import message_key


@dataclass(frozen=True)
class Verdict:
    """What a step says of a letter. `ends` is the state the letter ends in here, or '' to go on."""

    words: str
    ends: str = ""


@dataclass
class Filing:
    """One letter on its way through the steps."""

    row: RawMessage
    raw: bytes
    channel: Channel
    trail: list[list[str]] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    state: str = LetterState.FILED
    reason: str = ""
    bounce: Bounce | None = None
    bounced: Message | None = None
    contact: Contact | None = None
    case: Case | None = None
    linked_to: Case | None = None
    queue: Queue | None = None
    interaction: Interaction | None = None
    needs_agent: bool = True
    automatic: bool = False
    auto_reply: bool = False
    """An absence notice and the like: it answers nobody's question."""
    message: Message | None = None
    again: bool = False
    """True when it has been filed before, such as a large letter whose rest was fetched: it stays in its case."""

    @property
    def let_in(self) -> bool:
        """True when a person wants it filed whatever the steps say."""
        return any(line[:2] == ["retry", LET_IN] for line in self.row.trail)

    @cached_property
    def letter(self) -> Letter:
        """The letter, read; reading never raises."""
        return read(self.raw)

    @property
    def moment(self) -> datetime:
        """When it reached the mailbox, as far as we know."""
        return self.row.arrived or self.row.collected

    @cached_property
    def from_key(self) -> str:
        """The sender's address for comparing, or ''."""
        return self.letter.from_.key if self.letter.from_ else ""

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """Message-IDs this letter answers, the nearest first (RFC 5322 section 3.6.4)."""
        references = self.letter.references
        # Long threads grow headers of hundreds: the nearest count, and the root, which most letters of a thread name.
        nearest = [*self.letter.in_reply_to[:20], *reversed(references[-40:])]
        return tuple(dict.fromkeys([*nearest, *references[:20]]))


@dataclass
class Desk:
    """What is known that concerns a batch; filled with one query per table, and added to while the batch is worked through."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    by_message_id: dict[str, Message] = field(default_factory=dict)
    by_parent: dict[str, Message] = field(default_factory=dict)
    own: dict[int, Message] = field(default_factory=dict)
    cases: dict[int, Case] = field(default_factory=dict)
    active: dict[int, Interaction] = field(default_factory=dict)
    """The unfinished interaction of a case, by `case_key`."""
    our_addresses: frozenset[str] = frozenset()
    now: datetime = field(default_factory=timezone.now)
    key: bytes = b""

    def own_message(self, message_id: str) -> Message | None:
        """The message of ours that a signed Message-ID names; None for forged ones and those of others."""
        named = read_message_id(message_id, self.key)
        return self.own.get(named.message) if named else None


def load(rows: Iterable[RawMessage]) -> list[Filing]:
    """Read the bytes of a batch; raises nothing for odd content, BlobError for a damaged store."""
    filings = [Filing(row, blobs().take(row.blob), row.channel) for row in rows if row.channel is not None]
    before = [f.row.pk for f in filings if f.row.filed]
    messages = (
        {m.letter_id: m for m in Message.objects.select_related("case").filter(letter_id__in=before)}
        if before
        else {}
    )
    for filing in filings:
        if found := messages.get(filing.row.pk):
            filing.message, filing.case, filing.again = found, found.case, True
    return filings


def case_key(case: Case) -> int:
    """A case of this batch has no number yet; it is told apart by its object."""
    return case.pk or -id(case)


def look_up(filings: list[Filing]) -> Desk:
    """Everything the steps will ask for this batch."""
    desk = Desk(key=message_key())
    desk.our_addresses = frozenset(_our_addresses())
    senders = {f.from_key for f in filings if f.from_key}
    for one in ContactAddress.objects.select_related("contact").filter(key__in=senders):
        desk.contacts[one.key] = one.contact
    _look_up_messages(desk, filings)
    _lock_cases(desk, filings)
    _share_cases(desk, filings)
    return desk


def _lock_cases(desk: Desk, filings: list[Filing]) -> None:
    """From here to the commit nobody finishes, moves or answers what this batch may continue; what is read here holds.

    People's actions lock the work first and then the case, and so do we. SQLite has one writer at a time anyway.
    """
    found = {m.case_id for m in _found_messages(desk, filings)}
    unfinished = Interaction.objects.filter(case_id__in=found).exclude(state=InteractionState.FINISHED)
    if connection.features.has_select_for_update:
        list(unfinished.select_for_update(of=("self",)).order_by("pk"))
    cases = Case.objects.select_for_update(of=("self",)).select_related("contact", "queue", "channel")
    desk.cases = {case.pk: case for case in cases.filter(pk__in=found).order_by("pk")}
    desk.active = {one.case_id: one for one in unfinished}


def _look_up_messages(desk: Desk, filings: list[Filing]) -> None:
    wanted: set[str] = set()
    own: set[int] = set()
    for filing in filings:
        ids = {filing.letter.message_id, *filing.parents, *(_bounce_ids(filing))} - {""}
        wanted |= ids
        own |= {named.message for one in ids if (named := read_message_id(one, desk.key))}
    messages = Message.objects.defer("html", "folded")
    for part in _slices(sorted(wanted)):
        for message in messages.filter(message_id__in=part):
            desk.by_message_id.setdefault(message.message_id, message)
    for message in messages.filter(pk__in=own):
        desk.own[message.pk] = message
    arrived = sorted({f.letter.message_id for f in filings if f.letter.message_id})
    for part in _slices(arrived):
        for message in messages.filter(in_reply_to__in=part, kind="in"):
            desk.by_parent.setdefault(message.in_reply_to, message)


def _share_cases(desk: Desk, filings: list[Filing]) -> None:
    """Two letters of a batch that continue one case must change the same object."""
    for message in _found_messages(desk, filings):
        message.case = desk.cases[message.case_id]
    for filing in filings:
        if filing.message is not None:
            filing.case = filing.message.case


def _found_messages(desk: Desk, filings: list[Filing]) -> list[Message]:
    before = [f.message for f in filings if f.message]
    return [*desk.by_message_id.values(), *desk.own.values(), *desk.by_parent.values(), *before]


def _bounce_ids(filing: Filing) -> list[str]:
    return [filing.bounce.original_message_id] if filing.bounce else []


def _slices(values: list[str], size: int = 900) -> Iterable[list[str]]:
    """SQLite takes 999 parameters in older builds."""
    return (values[i : i + size] for i in range(0, len(values), size))


def _our_addresses() -> set[str]:
    ours = {address.lower() for address in Sender.objects.values_list("address", flat=True)}
    for channel in Channel.objects.only("address", "aliases"):
        ours |= channel.addresses
    return ours
