"""The demo world itself: customers begin, read, answer, are away or cannot be reached, at a calm and lively pace.

    begin -> the letter lies in a mailbox of the firm -> the firm writes -> write -> the customer's next letter ...
                                                                       `-> away | fail | delay

What is to happen is a list of events with a due moment; one task does what is due. Knows nothing of who reads the mail.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from postroom.demo.customers import Customer, Habit, Look, customers
from postroom.demo.letters import (
    Sheet,
    is_automatic,
    new_message_id,
    read_answered,
    write_away,
    write_letter,
)
from postroom.demo.mailboxes import Mailboxes
from postroom.demo.memory import Conversation, Event, Memory
from postroom.demo.reports import DELAYED, MAILBOX_FULL, NO_SUCH_HOST, NO_SUCH_USER, Trouble, write_report
from postroom.demo.smtp import Door

log = logging.getLogger(__name__)

FIRST_LETTERS = 15
"""Letters that lie in the mailboxes when the world begins."""
OLDEST = 3 * 3600
"""Seconds: how long the oldest of them has been lying there."""
MOST_UNANSWERED = 45
"""Nobody new writes while so many wait for a first answer: a demo left alone overnight stays a demo."""
TROUBLES: Mapping[str, Trouble] = {
    Habit.NO_SUCH_USER: NO_SUCH_USER,
    Habit.MAILBOX_FULL: MAILBOX_FULL,
    Habit.SLOW_SERVER: DELAYED,
    "no-such-host": NO_SUCH_HOST,
}


class World:
    """A provider and its people. `accounts` are passwords by mailbox address; `pace` is the usual number of seconds between
    two letters of new matters, and sets how fast customers answer; 0 stops new matters."""

    def __init__(
        self,
        folder: Path,
        accounts: Mapping[str, str],
        *,
        imap_port: int,
        smtp_port: int,
        pace: float = 40,
        seed: int = 1,
        first: int = FIRST_LETTERS,
    ) -> None:
        self.folder, self.pace, self.first = folder, pace, first
        self.mailboxes = Mailboxes(folder / "mail", accounts, imap_port)
        self.door = Door(accounts, smtp_port, self.take)
        self.random = random.Random(seed)
        self.people = customers()
        self.memory = Memory()
        self._changed = asyncio.Event()

    @property
    def domain(self) -> str:
        """Where the firm's mailboxes are."""
        return next(iter(self.door.domains))

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Live until `stop`. Raises OSError when a port is taken."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.memory = Memory.load(self._memory_file)
        stack = AsyncExitStack()
        try:
            await self.mailboxes.start(stack)
            if not self.memory.conversations:
                await self._begin_the_world()
            await self.door.start(stack)
            ready()
            await self._live_until(stop)
        finally:
            # from Python 3.12 on, closing a server waits for its clients, and one in IDLE has no reason to leave
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await stack.aclose()

    async def _live_until(self, stop: asyncio.Event) -> None:
        work, ended = asyncio.create_task(self._live()), asyncio.create_task(stop.wait())
        await asyncio.wait((work, ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (work, ended):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @property
    def _memory_file(self) -> Path:
        return self.folder / "memory.json"

    def _save(self) -> None:
        self.memory.save(self._memory_file)
        self._changed.set()

    # ---- time

    async def _live(self) -> None:
        self._set_the_pace()
        while True:
            self._changed.clear()
            due = min((event.due for event in self.memory.events), default=None)
            if due is None or due > time.time():
                wait = None if due is None else min(due - time.time(), 60)
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait)
                continue
            await self._happen(min(self.memory.events, key=lambda event: event.due))

    def _set_the_pace(self) -> None:
        """One new matter is always on its way, or none is; the pace of an earlier run does not count."""
        self.memory.events = [event for event in self.memory.events if event.what != "begin"]
        if self.pace:
            self._later(self._gap(), Event(0, "begin"))

    async def _happen(self, event: Event) -> None:
        acts: dict[str, Callable[[Event], Awaitable[None]]] = {
            "begin": self._begin_next,
            "write": self._write,
            "away": self._away,
            "trouble": self._report,
        }
        try:
            await acts[event.what](event)
        except Exception:
            log.exception("%s of %s went wrong and is left out", event.what, event.customer)
        # only now: a world that dies in between does it again, and the same letter twice beats a lost one
        self.memory.events.remove(event)
        self._save()

    def _later(self, seconds: float, event: Event) -> None:
        event.due = time.time() + seconds
        self.memory.events.append(event)
        self._save()

    def _gap(self) -> float:
        return self.pace * self.random.uniform(0.5, 1.5)

    def _soon(self, least: float, most: float) -> float:
        """Some seconds, in parts of the pace."""
        return (self.pace or 40) * self.random.uniform(least, most)

    # ---- customers begin

    async def _begin_the_world(self) -> None:
        early = [one for one in self.people.values() if one.early]
        self.random.shuffle(early)
        ages = sorted((self.random.uniform(60, OLDEST) for _ in early[: self.first]), reverse=True)
        for one, age in zip(early, ages, strict=False):
            await self._begin(one, datetime.fromtimestamp(time.time() - age, UTC))
        self._save()

    async def _begin_next(self, event: Event) -> None:
        if self.memory.unanswered < MOST_UNANSWERED:
            await self._begin(self._choose(), datetime.now(UTC))
        self._later(self._gap(), Event(0, "begin"))

    def _choose(self) -> Customer:
        """One of those who have written least; who has a single matter writes once only."""
        begun = self.memory.begun
        free = [
            one
            for one in self.people.values()
            if begun.get(one.address, 0) == 0 or len(one.matters) > 1 or one.habit is Habit.LIST
        ]
        least = min(begun.get(one.address, 0) for one in free)
        return self.random.choice([one for one in free if begun.get(one.address, 0) == least])

    async def _begin(self, customer: Customer, when: datetime) -> None:
        count = self.memory.begun.get(customer.address, 0)
        common = len(customer.matters) - 1
        number = 0 if count == 0 or not common else 1 + (count - 1) % common
        self.memory.begun[customer.address] = count + 1
        self.memory.next_order += self.random.randint(1, 9)
        one = Conversation(customer.address, number, f"N-{self.memory.next_order}")
        if customer.habit is Habit.LIST:
            one.answered = True
        self.memory.conversations.append(one)
        await self._send(one, when)

    # ---- letters to the firm

    async def _send(self, one: Conversation, when: datetime, answered: bytes = b"") -> None:
        """The next letter of a conversation, if there is one left to write."""
        customer = self.people[one.customer]
        matter = customer.matters[one.matter] if one.matter >= 0 else None
        letters = matter.letters if matter else (customer.words.noted,)
        if one.step >= len(letters):
            return
        seen = read_answered(answered) if answered else None
        ends = customer.words.closing if one.step == 0 else customer.words.short
        text = f"{letters[one.step]}\n\n{ends}".format(
            order=one.order, name=customer.name, first=customer.first_name
        )
        sheet = Sheet(
            customer=customer,
            to=seen.reply_to if seen else f"{matter.to if matter else ''}@{self.domain}",
            subject=_answering(seen.subject) if seen else (matter.subject if matter else "").format(order=one.order),
            text=letters[one.step] if customer.habit is Habit.LIST else text,
            order=one.order,
            when=when,
            look=matter.look if matter else Look.PLAIN,
            file=matter.file if matter and one.step == 0 else "",
            answered=answered,
            message_id=new_message_id(customer.domain),
        )  # fmt: skip
        one.step += 1
        one.message_ids.append(sheet.message_id)
        await self._post(write_letter(sheet), customer.address, sheet.to, when)

    async def _post(self, raw: bytes, sender: str, recipient: str, when: datetime | None = None) -> None:
        """Hand a letter to the firm's provider, with the trace a server leaves (RFC 5321 section 4.4)."""
        mailbox = self.door.local(recipient)
        if not mailbox:
            log.info("nobody at %s; the letter is dropped", recipient)
            return
        when = when or datetime.now(UTC)
        origin = sender.partition("@")[2] or "fjordpost.example"
        trace = (
            f"Return-Path: <{sender}>\r\nDelivered-To: {mailbox}\r\n"
            f"Received: from mail.{origin} (mail.{origin} [192.0.2.{sum(origin.encode()) % 250 + 1}])\r\n"
            f"\tby mx.fjordpost.example with ESMTPS id {secrets.token_hex(5).upper()}\r\n\tfor <{recipient}>; {format_datetime(when)}\r\n"
        )
        await self.mailboxes.deliver(mailbox, trace.encode() + raw, when)

    # ---- letters from the firm

    async def take(self, raw: bytes, sender: str, recipient: str) -> None:
        """Accept a message for one recipient: into a mailbox of the firm, or out to a customer."""
        if self.door.local(recipient):
            await self._post(raw, sender, recipient)
            return
        name = await asyncio.to_thread(self._keep, raw)
        event = Event(0, "", customer=recipient.lower(), mail=name, sender=sender, recipient=recipient)
        self._react(event, raw)

    def _keep(self, raw: bytes) -> str:
        folder = self.folder / "sent"
        folder.mkdir(exist_ok=True)
        path = folder / f"{time.time_ns()}-{secrets.token_hex(3)}.eml"
        path.write_bytes(raw)
        return path.name

    def _react(self, event: Event, raw: bytes) -> None:
        """Decide what becomes of a message to a customer, by the customer's habit."""
        customer = self.people.get(event.customer)
        habit = customer.habit if customer else self._strange(event.recipient)
        if habit in TROUBLES and event.sender:
            self._later(self._soon(0.03, 0.15), _like(event, what="trouble", trouble=habit))
        if customer is None or habit in (Habit.LIST, Habit.NO_SUCH_USER, Habit.MAILBOX_FULL):
            return
        if is_automatic(raw):
            return
        number = self._conversation_of(customer, raw)
        self.memory.conversations[number].answered = True
        if habit is Habit.AWAY and event.sender:
            self._later(self._soon(0.02, 0.1), _like(event, what="away", conversation=number))
        known = next(
            (e for e in self.memory.events if e.what == "write" and e.conversation == number),
            None,
        )
        if known is not None:
            # two messages before the customer has read the first: they answer the later one
            known.mail = event.mail
            self._save()
            return
        slow = 1.5 if habit in (Habit.AWAY, Habit.SLOW_SERVER) else 0
        self._later(self._soon(slow + 0.15, slow + 1), _like(event, what="write", conversation=number))

    def _strange(self, recipient: str) -> str:
        """Somebody who does not live here: an unknown name at a known provider, or no provider at all."""
        domain = recipient.rpartition("@")[2].lower()
        known = {one.domain for one in self.people.values()} | self.door.domains
        return Habit.NO_SUCH_USER if domain in known else "no-such-host"

    def _conversation_of(self, customer: Customer, raw: bytes) -> int:
        """By what the message refers to, else the customer's latest; a new one if they never wrote."""
        seen = read_answered(raw)
        refers = {seen.message_id, *seen.references}
        own = [n for n, one in enumerate(self.memory.conversations) if one.customer == customer.address]
        for number in reversed(own):
            if refers & set(self.memory.conversations[number].message_ids):
                return number
        if own:
            return own[-1]
        self.memory.conversations.append(Conversation(customer.address, -1, ""))
        return len(self.memory.conversations) - 1

    # ---- what comes back

    def _mail(self, event: Event) -> bytes:
        return (self.folder / "sent" / event.mail).read_bytes()

    async def _write(self, event: Event) -> None:
        await self._send(self.memory.conversations[event.conversation], datetime.now(UTC), self._mail(event))

    async def _away(self, event: Event) -> None:
        customer, raw = self.people[event.customer], self._mail(event)
        sheet = Sheet(
            customer=customer,
            # RFC 3834 section 4: to the envelope sender, never to Reply-To
            to=event.sender,
            subject=customer.words.away_subject.format(subject=read_answered(raw).subject),
            text=customer.words.away,
            order="",
            when=datetime.now(UTC),
            answered=raw,
        )
        await self._post(write_away(sheet), "", event.sender)

    async def _report(self, event: Event) -> None:
        report = write_report(
            self._mail(event),
            sender=event.sender,
            recipient=event.recipient,
            trouble=TROUBLES[event.trouble],
            when=datetime.now(UTC),
        )
        await self._post(report, "", event.sender)


def _like(event: Event, *, what: str, conversation: int = -1, trouble: str = "") -> Event:
    return Event(
        0, what, event.customer, conversation, event.mail, event.sender, event.recipient, trouble
    )  # fmt: skip


def _answering(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"
