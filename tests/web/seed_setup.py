"""A desk for the set-up pages: people of each role, queues, channels in every kind of health, letters, sent mail.

For trying the pages by hand: `postroom shell -c "from tests.web.seed_setup import seed; seed()"` in a throw-away home.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from postroom.models import (
    Case,
    CaseState,
    Channel,
    Contact,
    Disposition,
    Event,
    Health,
    Interaction,
    InteractionState,
    LetterState,
    Message,
    MessageKind,
    OutState,
    Presence,
    Queue,
    QueueMember,
    RawMessage,
    Recipient,
    RecipientState,
    Role,
    Sender,
    User,
)
from postroom.models.blob import blobs

PASSWORD = "a long enough secret"
SERVER = {"host": "imap.nordlys.example", "port": 993, "security": "tls", "sign_in": "password"}
RAW = b"From: lea@kunde.example\r\nTo: help@nordlys.example\r\nSubject: Where is my parcel?\r\n\r\nIt should be here.\r\n"


@dataclass(frozen=True)
class Desk:
    """Who and what is there."""

    administrator: User
    supervisor: User
    agent: User
    channels: dict[str, Channel]
    senders: dict[str, Sender]
    queues: dict[str, Queue]


def seed() -> Desk:
    """Fill the database."""
    random.seed(7)
    people = _people()
    queues = {
        name: Queue.objects.create(name=name, description=text, colour=colour)
        for name, text, colour in QUEUES
    }
    QueueMember.objects.bulk_create([QueueMember(queue=queue, user=people[-1]) for queue in queues.values()])
    senders = {name: _sender(name, address, **more) for name, address, more in SENDERS}
    channels = {
        name: _channel(name, address, queues.get(queue), **more) for name, address, queue, more in CHANNELS
    }
    Disposition.objects.create(name="For us", parent=Disposition.objects.create(name="Solved"))
    for channel in channels.values():
        _letters(channel)
    _outgoing(list(senders.values()), people[-1], queues["Orders"])
    _history(channels["Faktury CZ"], people[0])
    return Desk(people[0], people[1], people[-1], channels, senders, queues)


QUEUES = (
    ("Orders", "Parcels and orders", "blue"),
    ("Billing", "Invoices and refunds", "amber"),
    ("Returns", "", "green"),
)
FAULT: dict[str, Any] = {
    "health": Health.SIGN_IN,
    "health_reason": "The server refused the login. Make an app password and type it here.",
    "health_line": "a2 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
    "failures": 46,
    "waiting_on_server": 23,
}
CHANNELS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("Support EU", "help@nordlys.example", "Orders", {"enabled": True, "health": Health.LIVE}),
    ("Faktury CZ", "faktury@nordlys.example", "Billing", {"enabled": True, "preset": "gmail", **FAULT}),
    (
        "Returns desk",
        "returns@nordlys.example",
        "Returns",
        {"enabled": True, "health": Health.THROTTLED, "health_reason": "The server asks for patience."},
    ),
    (
        "Wholesale",
        "b2b@nordlys.example",
        "Orders",
        {"enabled": True, "health": Health.LIVE, "connector": "pop3", "after_collect": "leave"},
    ),
    ("Summer campaign", "sommer@nordlys.example", "", {"health": Health.OFF}),
)
SENDERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "Nordlys help",
        "help@nordlys.example",
        {
            "enabled": True,
            "health": Health.LIVE,
            "display_name": "Nordlys",
            "signature": "{{ agent.name }}\nNordlys",
        },
    ),
    ("Newsletter", "news@nordlys.example", {"enabled": False, "health": Health.OFF}),
)


@cache
def _password() -> str:
    """Hashing is slow on purpose: once is enough."""
    return make_password(PASSWORD)


def _people() -> list[User]:
    def make(*given: Any, **more: Any) -> User:
        user = User.objects.create_user(*given, **more)
        user.password = _password()
        user.save()
        return user

    return [
        make("maya@nordlys.example", "Maya Lindqvist", role=Role.ADMINISTRATOR),
        make(
            "aisha@nordlys.example",
            "Aisha Khan",
            role=Role.SUPERVISOR,
            presence=Presence.PAUSED,
            presence_reason="Lunch",
        ),
        make("old@nordlys.example", "Per Gone", is_active=False),
        make(
            "tomas@nordlys.example",
            "Tomáš Novák",
            role=Role.AGENT,
            presence=Presence.AVAILABLE,
            last_seen=timezone.now(),
        ),
    ]


def _sender(name: str, address: str, **more: Any) -> Sender:
    settings = {**SERVER, "host": "smtp.nordlys.example", "port": 465, "login": address}
    sender = Sender(name=name, address=address, connector="smtp", settings=settings, **more)
    sender.set_secret("app password")
    sender.save()
    return sender


def _channel(name: str, address: str, queue: Queue | None, **more: Any) -> Channel:
    columns = {
        "connector": "imap",
        "settings": {**SERVER, "login": address},
        "last_success": timezone.now() - timedelta(seconds=4),
        **more,
    }
    since = timezone.now() - timedelta(hours=5)
    channel = Channel(
        name=name, key=name[:4].upper(), address=address, default_queue=queue, health_since=since, **columns
    )
    channel.set_secret("app password")
    channel.save()
    return channel


def _letters(channel: Channel) -> None:
    """A day of letters; fewer at night, and none lately where collecting stopped."""
    if not channel.enabled:
        return
    now, blob = timezone.now(), blobs().store(RAW)
    rows = []
    for hour in range(24):
        quiet = channel.health == Health.SIGN_IN and hour < 6
        for n in range(0 if quiet else random.randrange(1, 12)):
            at = now - timedelta(hours=hour, minutes=random.randrange(60))
            number = len(rows) + 1
            rows.append(
                _letter(channel, number, at, blob[0], state=LetterState.FILED if n else LetterState.IGNORED)
            )
    rows[0].state, rows[0].reason = LetterState.STUCK, "The database was full while this letter was filed."
    rows[1].state, rows[1].partial, rows[1].size = LetterState.FILED, True, 23_000_000
    RawMessage.objects.bulk_create(sorted(rows, key=lambda row: row.collected))


def _letter(channel: Channel, number: int, at: Any, blob: str, *, state: str) -> RawMessage:
    return RawMessage(
        channel=channel,
        validity="7",
        uid=str(number),
        size=len(RAW),
        arrived=at - timedelta(seconds=2),
        collected=at,
        filed=at + timedelta(seconds=random.randrange(1, 20)) if state == LetterState.FILED else None,
        sha256="0" * 64,
        blob=blob,
        state=state,
        reason="It is addressed to another address (recipient-only)." if state == LetterState.IGNORED else "",
        subject=f"Where is my parcel {number}?",
        sender=f"customer{number}@kunde.example",
        message_id=f"<{channel.pk}.{number}@kunde.example>",
        sent=at - timedelta(seconds=9),
        trail=[
            ["identify", "on", "From a customer whom we know"],
            ["thread", "on", "No reference: a new case"],
            ["enqueue", "on", "Waits in Orders"],
        ],
    )


def _outgoing(senders: list[Sender], agent: User, queue: Queue) -> None:
    now = timezone.now()
    for number, (state, fate, line) in enumerate(FATES, start=1):
        contact = Contact.objects.create(name=f"Customer {number}")
        case = Case.objects.create(
            subject=f"Parcel {number}", contact=contact, queue=queue, state=CaseState.OPEN
        )
        Interaction.objects.create(case=case, queue=queue, agent=agent, state=InteractionState.HANDLING)
        message = Message.objects.create(
            case=case,
            kind=MessageKind.OUT,
            state=state,
            author=agent,
            sender=senders[0],
            subject=f"Re: Parcel {number}",
            to=[{"name": contact.name, "address": f"customer{number}@kunde.example"}],
            sent=now - timedelta(minutes=number) if state in (OutState.SENT, OutState.PARTIAL) else None,
            next_try=now + timedelta(minutes=9) if state == OutState.DEFERRED else None,
            tries=number % 3,
            server_line=line,
        )
        Recipient.objects.create(
            message=message, address=f"customer{number}@kunde.example", state=fate, line=line
        )


FATES = (
    (OutState.SENT, RecipientState.ACCEPTED, "250 2.0.0 Ok: queued as 4F2A"),
    (OutState.SENT, RecipientState.BOUNCED, "550 5.1.1 No such user here"),
    (OutState.DEFERRED, RecipientState.DELAYED, "451 4.7.1 Greylisted, try again in 10 minutes"),
    (OutState.FAILED, RecipientState.PENDING, "530 5.7.0 Authentication required"),
    (OutState.UNKNOWN, RecipientState.PENDING, ""),
    (OutState.QUEUED, RecipientState.PENDING, ""),
)


def _history(channel: Channel, by: User) -> None:
    Event.objects.create(kind="channel.created", actor=by, channel=channel, data={"name": channel.name})
    Event.objects.create(
        kind="channel.switched", actor=by, channel=channel, data={"name": channel.name, "on": True}
    )
    Event.objects.create(
        kind="channel.health", channel=channel, data={"state": "sign-in", "reason": channel.health_reason}
    )
