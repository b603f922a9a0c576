"""A demo world in a thread, with a client for its mailboxes; and the desk's side of a conversation."""

from __future__ import annotations

import asyncio
import smtplib
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

import pytest

from postroom.connectors.base import Secret
from postroom.connectors.imap import ImapSettings, Inbox
from postroom.demo.firm import MAILBOXES
from postroom.demo.world import World
from postroom.mail import letter
from postroom.mail.letter import Letter
from tests.servers.ports import free_ports, wait_until

ACCOUNTS = {address: f"secret-{address}" for address in MAILBOXES}
HELP = "help@nordlys.example"


class LiveWorld:
    """A running world and what a desk can do with it. New matters begin about every second."""

    def __init__(self, folder: Path, pace: float = 1) -> None:
        self.imap_port, self.smtp_port = free_ports(2)
        self.world = World(
            folder, ACCOUNTS, imap_port=self.imap_port, smtp_port=self.smtp_port, pace=pace, seed=7
        )
        self._stop, self._ready = asyncio.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        assert self._ready.wait(20), "the world did not start"

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self.world.run(self._stop, self._ready.set)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self.thread.join(20)
        assert not self.thread.is_alive()

    def inbox(self, address: str = HELP, password: str = "") -> Inbox:
        """Our own IMAP connector, pointed at a mailbox of the firm."""
        settings = ImapSettings(host="127.0.0.1", port=self.imap_port, security="none", login=address)
        return Inbox(settings, Secret(password or ACCOUNTS[address]))

    def letters(self, address: str = HELP) -> list[Letter]:
        """Everything in the mailbox, oldest first."""
        with self.inbox(address) as inbox:
            inbox.open("INBOX")
            return [letter.read(one.raw or b"") for one in inbox.read(inbox.list())]

    def find(self, matches: Callable[[Letter], object], address: str = HELP, *, within: float = 15) -> Letter:
        """The first letter that matches, as soon as it is there."""
        found: list[Letter] = []

        def look() -> bool:
            found.extend(one for one in self.letters(address) if matches(one))
            return bool(found)

        wait_until(look, within=within, what=f"the letter in {address}")
        return found[0]

    def submit(
        self,
        to: str,
        text: str,
        *,
        subject: str = "Hello",
        about: Letter | None = None,
        sender: str = HELP,
        mail_from: str | None = None,
        **fields: str,
    ) -> str:
        """Send as the desk does; returns the Message-ID without brackets."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = f"Nordlys <{sender}>", to, subject
        message["Message-ID"] = make_msgid(domain="nordlys.example")
        message["Date"] = "Fri, 20 Nov 2026 10:00:00 +0000"
        if about is not None:
            message["In-Reply-To"] = message["References"] = f"<{about.message_id}>"
        for name, value in fields.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as client:
            client.login(sender, ACCOUNTS[sender])
            client.send_message(message, sender if mail_from is None else mail_from)
        return str(message["Message-ID"]).strip("<>")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LiveWorld]:
    """A world that has just begun."""
    one = LiveWorld(tmp_path / "world")
    yield one
    one.end()


@pytest.fixture
def still_world(tmp_path: Path) -> Iterator[LiveWorld]:
    """A world in which nobody begins anything new."""
    one = LiveWorld(tmp_path / "world", pace=0)
    yield one
    one.end()
