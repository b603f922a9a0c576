"""A small desk to test with: a queue, people, a channel on a real mailbox, a sender. Names are made up for the tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from postroom.connectors.base import Inbox
from postroom.engine.reaching import inbox_of
from postroom.models import Channel, Presence, Queue, QueueMember, Role, Sender, Start, User
from postroom.models.secret import verify_key

_numbers = itertools.count(1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Desk:
    """What most tests need."""

    queue: Queue
    agent: User
    supervisor: User
    administrator: User
    channel: Channel
    sender: Sender


def make_desk(settings: dict | None = None, **channel: object) -> Desk:
    """A desk with one of everything; the agent is logged out and the sender points nowhere until told otherwise."""
    verify_key()
    n = next(_numbers)
    queue = Queue.objects.create(name=f"Support {n}")
    administrator = User.objects.create_user(f"ada{n}@desk.example", "Ada Admin", role=Role.ADMINISTRATOR)
    supervisor = User.objects.create_user(f"sam{n}@desk.example", "Sam Supervisor", role=Role.SUPERVISOR)
    agent = make_agent(queue, name="Maya Agent")
    sender = Sender.objects.create(
        name=f"Desk {n}", address=f"help{n}@example.test", connector="smtp", enabled=True, settings={}
    )
    values = {"name": f"Help {n}", "key": f"H{n}", "address": f"help{n}@example.test", "connector": "imap", "enabled": True,
              "default_queue": queue, "default_sender": sender, "start": Start.SINCE, "start_since": LONG_AGO, "settings": settings or {}}  # fmt: skip
    return Desk(
        queue, agent, supervisor, administrator, Channel.objects.create(**{**values, **channel}), sender
    )


def make_agent(queue: Queue, *, name: str = "Ben Agent", available: bool = False, **more: object) -> User:
    """An agent who serves the queue."""
    agent = User.objects.create_user(f"agent{next(_numbers)}@desk.example", name, **more)
    QueueMember.objects.create(queue=queue, user=agent)
    if available:
        agent.set_presence(Presence.AVAILABLE)
        agent.save()
    return agent


def mailbox_settings(dovecot: object, address: str, connector: str = "imap") -> dict:
    """Plain settings of a mailbox on the test server."""
    port = dovecot.pop3_port if connector == "pop3" else dovecot.imap_port  # type: ignore[attr-defined]
    return {"host": "127.0.0.1", "port": port, "security": "none", "login": address}


def connect_mailbox(desk: Desk, dovecot: object, *, connector: str = "imap", **columns: object) -> str:
    """Give the desk's channel a fresh mailbox on the test server; returns its address."""
    address = desk.channel.address
    dovecot.add_user(address, "mailbox-password")  # type: ignore[attr-defined]
    desk.channel.connector, desk.channel.settings = connector, mailbox_settings(dovecot, address, connector)
    desk.channel.set_secret("mailbox-password")
    for name, value in columns.items():
        setattr(desk.channel, name, value)
    desk.channel.save()
    return address


def open_inbox(channel: Channel) -> Inbox:
    """A connected inbox of the channel."""
    inbox = inbox_of(channel)
    inbox.connect()
    return inbox


def letter(
    subject: str = "Where is my parcel?", *, sender: str = "Jonas Weber <jonas@customer.example>", to: str = "help@example.test",
    body: str = "Hello,\r\nwhere is it?\r\n", message_id: str = "", headers: dict[str, str] | None = None,
) -> bytes:  # fmt: skip
    """A plain letter; every one has an id of its own unless one is given."""
    fields = {
        "From": sender, "To": to, "Subject": subject, "Date": "Thu, 12 Nov 2026 10:36:00 +0100",
        "Message-ID": f"<{message_id or f'n{next(_numbers)}.test@customer.example'}>", "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8", **(headers or {}),
    }  # fmt: skip
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{head}\r\n{body}".encode()


def until(condition: Callable[[], object], *, seconds: float = 20, what: str = "the condition") -> object:
    """Wait for a condition with a deadline."""
    import time

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")
