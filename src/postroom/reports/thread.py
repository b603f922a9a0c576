"""What a case's page shows: its messages, the events between them, the contact and the earlier cases. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.utils import timezone

from postroom.models import (
    Attachment,
    Case,
    Contact,
    Disposition,
    Event,
    Interaction,
    InteractionState,
    Message,
    MessageKind,
    OutState,
    Purpose,
    Queue,
    Recipient,
    RecipientState,
    User,
)
from postroom.models.rights import visible_cases

NAMELESS = {
    "message/delivery-status": "Delivery report",
    "message/global-delivery-status": "Delivery report",
    "message/disposition-notification": "Read receipt",
    "text/rfc822-headers": "Head of the returned letter",
    "message/global-headers": "Head of the returned letter",
    "message/rfc822": "Enclosed letter.eml",
    "text/calendar": "Invitation.ics",
    "text/html": "Text.html",
    "text/plain": "Text.txt",
}
SHOWN = 20  # messages at first; earlier ones by their own button
EVENTS = 200
PROBLEMS = {
    "oversize": "Too large: only the head was collected",
    "truncated": "Cut: the server gave only a part",
    "bounce": "Returned mail",
    "automatic:auto-reply": "Automatic reply",
    "automatic:auto-generated": "Written by a program",
    "automatic:list": "Mailing list",
    "automatic:bulk": "Bulk mail",
    "loop": "Mail loop",
    "charset-guess": "Some letters were guessed",
}


@dataclass(frozen=True)
class Line:
    """An event between the messages."""

    text: str
    at: datetime
    icon: str


@dataclass(frozen=True)
class Item:
    """Something in the thread: exactly one of the two is set."""

    message: Message | None = None
    line: Line | None = None

    @property
    def at(self) -> datetime:
        """Where it stands in time."""
        if self.message is not None:
            return self.message.created
        assert self.line is not None
        return self.line.at


@dataclass(frozen=True)
class Thread:
    """The newest part of a case's messages, oldest first. `earlier` counts what is folded above."""

    items: Sequence[Item]
    earlier: int
    first: int
    newest: int


@dataclass(frozen=True)
class About:
    """The panel beside the thread."""

    contact: Contact | None
    address: str
    active: Interaction | None
    last: Interaction | None
    earlier: Sequence[Case]
    linked: Case | None


def thread(case: Case, user: User, *, before: int = 0) -> Thread:
    """Messages and events of a case; one's own drafts stand in the composer, the drafts of others at the end."""
    shown_to = ~Q(state=OutState.DRAFT) | ~(Q(author=user) | Q(purpose=Purpose.NOTE) | Q(text=""))
    messages = case.messages.filter(shown_to)
    edge = None
    if before:
        edge = case.messages.filter(pk=before).first()
        messages = (
            messages.filter(Q(created__lt=edge.created) | Q(created=edge.created, pk__lt=edge.pk))
            if edge
            else messages.none()
        )
    found = list(
        messages.order_by("-created", "-id")
        .select_related("author", "sender", "letter", "contact")
        .prefetch_related("attachments", "recipients")
        .defer("html", "references")[: SHOWN + 1]
    )
    facts = messages.aggregate(count=Count("id"), newest=Max("id", filter=~Q(state=OutState.DRAFT)))
    hidden = max(0, facts["count"] - SHOWN)
    shown = found[:SHOWN][::-1]
    since = shown[0].created if shown and hidden else None
    until = edge.created if edge else None
    items = [Item(message=m) for m in shown] + [Item(line=line) for line in lines(case, user, since, until)]
    # Drafts of others go last whatever their time: they are not part of what was said yet.
    items.sort(key=lambda item: (bool(item.message and item.message.state == OutState.DRAFT), item.at))
    return Thread(items, hidden, shown[0].pk if shown else 0, facts["newest"] or 0)


def lines(case: Case, user: User, since: datetime | None, until: datetime | None) -> list[Line]:
    """The events of a case as sentences; those that messages show themselves are left out."""
    events = Event.objects.filter(case=case).select_related("actor", "user", "queue").order_by("-id")
    if since:
        events = events.filter(at__gte=since)
    if until:
        events = events.filter(at__lt=until)
    found = list(events[:EVENTS])[::-1]
    told, made = [], {}
    for event in found:
        if event.kind == "offer.made":
            made[event.data.get("offer")] = event
        text = _sentence(event, user, made)
        if text:
            told.append(Line(text, event.at, ICONS.get(event.kind, "bolt")))
    return told


ICONS = {
    "interaction.parked": "snooze",
    "interaction.woken": "clock",
    "interaction.transferred": "swap",
    "interaction.finished": "check-circle",
    "interaction.returned": "back",
    "case.reopened": "refresh",
    "message.bounced": "warning",
}


def _sentence(event: Event, user: User, made: dict[Any, Event]) -> str:
    who = "You" if event.actor_id == user.pk else event.actor.name if event.actor else "Postroom"
    whom = "you" if event.user_id == user.pk else event.user.name if event.user else "somebody"
    queue = event.queue.name if event.queue else "a queue"
    data = event.data
    if event.kind == "offer.accepted":
        offer = made.get(data.get("offer"))
        after = f" after {round((event.at - offer.at).total_seconds())} s" if offer else ""
        return f"Offered to {whom} by {queue}, accepted{after}"
    if event.kind in ("offer.declined", "offer.expired", "offer.withdrawn"):
        how = {
            "offer.declined": "declined",
            "offer.expired": "not answered in time",
            "offer.withdrawn": "withdrawn",
        }[event.kind]
        return f"Offered to {whom} by {queue}, {how}"
    if event.kind == "interaction.finished":
        how = "set it to waiting on customer" if data.get("case_state") == "pending" else "closed it"
        disposition = f" as {data['disposition']}" if data.get("disposition") else ""
        return f"{who} {how}{disposition}"
    simple = {
        "interaction.pulled": f"{who} took it from {queue}",
        "interaction.returned": f"{who} gave it back to {queue}",
        "interaction.transferred": f"{who} transferred it from {data.get('before')} to {data.get('after')}",
        "interaction.parked": f"{who} snoozed it",
        "interaction.woken": "Back from snooze",
        "case.reopened": f"{who} reopened it",
        "message.undone": f"{who} took a message back",
    }
    return simple.get(event.kind, "")


def about(case: Case, user: User) -> About:
    """The contact, the work on this case, and the contact's other cases that the person may see."""
    work = list(case.interactions.select_related("agent", "queue", "disposition").order_by("-id")[:20])
    active = next((one for one in work if one.state != InteractionState.FINISHED), None)
    earlier: list[Case] = []
    if case.contact_id:
        others = visible_cases(user).filter(contact=case.contact_id).exclude(pk=case.pk)
        earlier = list(others.select_related("channel").order_by("-updated")[:10])
    address = ""
    if case.contact:
        first = min(case.contact.addresses.all(), key=lambda a: a.pk, default=None)
        address = first.address if first else ""
    return About(case.contact, address, active, work[0] if work else None, earlier, case.linked_to)


def dispositions(queue: Queue | None) -> list[tuple[str, Disposition]]:
    """Those that may end work of a queue, each with its whole path, in reading order."""
    active = list(Disposition.objects.filter(Q(queue=None) | Q(queue=queue), active=True))
    by_id = {one.pk: one for one in active}
    parents = {one.parent_id for one in active}
    paths = [(_path(one, by_id), one) for one in active if one.pk not in parents]
    return sorted(paths, key=lambda pair: pair[0].casefold())


def _path(one: Disposition, by_id: dict[int, Disposition]) -> str:
    names = [one.name]
    for _ in range(2):
        parent = by_id.get(one.parent_id or 0)
        if parent is None:
            break
        names.insert(0, parent.name)
        one = parent
    return " › ".join(names)


def own_draft(case: Case, user: User, *, note: bool) -> Message | None:
    """What the person has begun to write here: the reply, or the note."""
    return own_drafts(case, user)[note]


def own_drafts(case: Case, user: User) -> tuple[Message | None, Message | None]:
    """The person's reply and note on a case, the newest of each."""
    drafts = (
        case.messages.filter(author=user, state=OutState.DRAFT)
        .select_related("case__queue", "sender", "answers__channel")
        .order_by("-id")
    )
    found = list(drafts)
    reply = next((one for one in found if one.purpose != Purpose.NOTE), None)
    return reply, next((one for one in found if one.purpose == Purpose.NOTE), None)


def badges(message: Message) -> list[str]:
    """What is odd about an incoming letter, in words."""
    # A returned mail is automatic by nature: once is enough.
    skipped = {flag for flag in message.flags if flag.startswith("automatic:") and "bounce" in message.flags}
    return [PROBLEMS[flag] for flag in message.flags if flag in PROBLEMS and flag not in skipped]


def returned(message: Message) -> list[Recipient]:
    """Recipients a letter of ours did not reach."""
    return [
        one
        for one in message.recipients.all()
        if one.state in (RecipientState.BOUNCED, RecipientState.DELAYED)
    ]


def files(message: Message) -> list[Attachment]:
    """The files to show as cards: inline images are shown where they belong."""
    return [
        one for one in message.attachments.all() if not (one.inline and one.content_id and message.has_html)
    ]


def name_of(file: Attachment) -> str:
    """What to call a file: as its sender did, else what it is; the parts of a returned mail have no names (RFC 3462)."""
    nameless = file.name in ("", "file")
    return NAMELESS.get(file.type.lower(), "file") if nameless else file.name


def is_incoming(message: Message) -> bool:
    """From outside."""
    return message.kind == MessageKind.IN


def now() -> datetime:
    """The moment a page is written, for countdowns."""
    return timezone.now()
