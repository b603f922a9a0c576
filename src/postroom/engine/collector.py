"""Collecting: a mailbox that waits costs no thread. One loop watches all parked connections; pooled threads do the visits.

due -> visiting (a pooled thread: connect, collect) -> parked (IDLE, on the selector) -> visiting ...
                                                    -> resting (no IDLE: until the next poll, or the back-off ends)
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import random
import selectors
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import Error as DatabaseTrouble
from django.db import close_old_connections, connection
from django.utils import timezone

from postroom.conf.deployment import deployment
from postroom.conf.retry import STABLE_SECONDS, wait_to_collect
from postroom.connectors.base import ConnectorError, Inbox, Kind, Parked
from postroom.engine.claims import claim_channel, renew_channels
from postroom.engine.reaching import inbox_of
from postroom.flow.health import begins, failed, succeeded
from postroom.flow.receive import collect
from postroom.flow.reconcile import is_due, reconcile
from postroom.flow.suspects import Suspects
from postroom.models import Channel, Health, RawMessage
from postroom.models.bell import Listener

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often the table of channels is looked at when nobody rings."""
RENEW_SECONDS = 10.0
SAFETY_SECONDS = 9 * 60
"""A parked mailbox is visited this often even if its server says nothing: some forget to announce."""
ASK_SECONDS = 30.0
"""A letter that a person wants whole brings a visit at once, and another after this time if it did not come."""
OWN_TROUBLE_SECONDS = 30.0
LONGEST_BACK_OFF = timedelta(days=1)
"""A back-off that ends later was written while the clock of the host was wrong, and does not count."""


@dataclass
class Seat:
    """One channel as the loop sees it."""

    pk: int
    version: str
    doing: str = "resting"  # resting, visiting, parked
    next_visit: float = 0.0
    parked: Parked | None = None
    handle: int = -1
    """What the selector knows the parked connection by; a dead connection no longer tells its own."""
    connected: float = 0.0
    early_ends: int = 0
    """How often in a row the server ended the wait at once: each sign-in succeeds, and yet there is trouble."""
    backing_off: bool = False
    asked: float = float("-inf")
    """When it was last visited because a person wants the rest of a letter."""
    suspects: Suspects = field(default_factory=Suspects)


class Collector:
    """Runs all mailboxes of this host."""

    def __init__(self, owner: str, stop: threading.Event) -> None:
        self.owner, self.stop = owner, stop
        self.seats: dict[int, Seat] = {}
        self._to_park: queue.SimpleQueue[tuple[Seat, Parked]] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._pool = ThreadPoolExecutor(deployment.options.collect_workers, thread_name_prefix="collect")
        self._listener = Listener(self._wake)
        self._looked = self._renewed = 0.0

    def run(self) -> None:
        """Until stopped."""
        try:
            while not self.stop.is_set():
                self._turn()
        finally:
            self._end()

    def _turn(self) -> None:
        now = time.monotonic()
        try:
            since = now - self._looked
            if since >= LOOK_SECONDS or (since >= self._calm() and self._listener.heard.is_set()):
                self._listener.heard.clear()
                self._looked = now
                self._look()
            if now - self._renewed >= RENEW_SECONDS:
                self._renewed = now
                renew_channels([s.pk for s in self.seats.values() if s.doing != "resting"], self.owner)
        except Exception:
            log.exception("the channels could not be looked at")
            close_old_connections()
            self.stop.wait(1)
        self._park_waiting()
        self._start_visits(now)
        self._listen(self._patience(now))

    def _calm(self) -> float:
        """Every commit rings; with many channels the table must not be read at each."""
        return 0.05 + len(self.seats) * 0.001

    def _patience(self, now: float) -> float:
        waits = [s.next_visit - now for s in self.seats.values() if s.doing != "visiting"]
        return max(0.0, min([LOOK_SECONDS, *waits]))

    def _look(self) -> None:
        """Compare the seats with the table: new, changed and switched-off channels."""
        rows: dict[int, str] = {}
        trying: set[int] = set()
        for pk, next_try, *values in _channel_rows():
            rows[pk] = _version(values)
            if next_try is None:
                trying.add(pk)
        for pk in list(self.seats):
            seat = self.seats[pk]
            if rows.get(pk) != seat.version and seat.doing != "visiting":
                self._unseat(seat)
        for pk, version in rows.items():
            if pk not in self.seats:
                self.seats[pk] = Seat(pk, version)
        asked = _asked_for()
        for seat in self.seats.values():
            if seat.doing == "resting" and seat.backing_off and seat.pk in trying:
                seat.next_visit = 0.0  # A person has ended the back-off.
            elif seat.doing == "parked" and seat.pk in asked and self._looked - seat.asked >= ASK_SECONDS:
                seat.asked, seat.next_visit = self._looked, 0.0

    def _unseat(self, seat: Seat) -> None:
        if seat.parked is not None:
            self._unregister(seat)
            self._pool.submit(seat.parked.close)
        del self.seats[seat.pk]

    def _start_visits(self, now: float) -> None:
        for seat in self.seats.values():
            if seat.doing == "visiting" or seat.next_visit > now:
                continue
            self._unregister(seat)
            parked, seat.parked = seat.parked, None
            seat.doing = "visiting"
            self._pool.submit(self._visit, seat, parked)

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
                continue
            self._hear(key.data)

    def _hear(self, seat: Seat) -> None:
        """A server spoke. Reading takes what is there and never waits, so the loop does it itself."""
        parked = seat.parked
        if parked is None:
            return
        try:
            if not parked.read():
                return
        except ConnectorError:
            self._unregister(seat)
            seat.parked = None
            self._pool.submit(parked.close)
            self._rest(seat, _wait_after_end(seat))
            return
        log.debug("channel %s is told of mail", seat.pk)
        self._unregister(seat)
        seat.parked, seat.doing = None, "visiting"
        self._pool.submit(self._visit, seat, parked)

    def _visit(self, seat: Seat, parked: Parked | None) -> None:
        """One visit in a pooled thread: collect everything new, then park or rest."""
        inbox: Inbox | None = None
        try:
            channel = Channel.objects.select_related("default_queue").filter(pk=seat.pk, enabled=True).first()
            if channel is None or _resting(channel) or not claim_channel(channel, self.owner):
                if parked is not None:
                    parked.close()
                self._rest(seat, LOOK_SECONDS)
                return
            try:
                inbox = parked.unpark() if parked is not None else self._connect(seat, channel)
                collect(channel, inbox, seat.suspects)
                if is_due(channel):
                    reconcile(channel, inbox)
                self._done(seat, channel, inbox)
            except ConnectorError as error:
                if inbox is not None:
                    inbox.close()
                if parked is not None and not seat.suspects.tries:
                    self._rest(
                        seat, 0
                    )  # The parked connection had died; a fresh one tells whether there is trouble.
                    return
                log.info("channel %s: %s (%s)", channel.pk, error.text, error.kind)
                self._back_off(seat, channel, error)
        except Exception as wrong:
            log.exception("channel %s: the visit failed", seat.pk)
            for open_end in (inbox, parked):
                if open_end is not None:
                    open_end.close()
            self._own_trouble(seat, wrong)
        finally:
            close_old_connections()
            if connection.vendor == "sqlite":
                connection.close_if_unusable_or_obsolete()

    def _back_off(self, seat: Seat, channel: Channel, error: ConnectorError) -> None:
        failed(channel, error)
        seat.backing_off = True
        left = (channel.next_try - timezone.now()).total_seconds() if channel.next_try else LOOK_SECONDS
        self._rest(seat, max(0.2, left))

    def _own_trouble(self, seat: Seat, wrong: Exception) -> None:
        """Not the server's fault: a full disk, a database that is away, a mistake of ours. It is shown all the same."""
        if not isinstance(wrong, DatabaseTrouble):
            error = ConnectorError(
                f"Collecting failed on this host ({type(wrong).__name__}: {wrong})."[:300],
                advice="Look at the log of the engine; nothing was taken from the mailbox.",
            )
            try:
                channel = Channel.objects.filter(pk=seat.pk).first()
                if channel is not None:
                    self._back_off(seat, channel, error)
                    return
            except DatabaseTrouble:
                log.warning("channel %s: its trouble could not be written down", seat.pk)
        self._rest(seat, OWN_TROUBLE_SECONDS)

    def _connect(self, seat: Seat, channel: Channel) -> Inbox:
        if channel.health in (Health.UNKNOWN, Health.OFF):
            begins(channel)
        inbox = inbox_of(channel)
        inbox.connect()
        seat.connected = time.monotonic()
        return inbox

    def _done(self, seat: Seat, channel: Channel, inbox: Inbox) -> None:
        seat.suspects.tries.clear()
        seat.backing_off = False
        parked = inbox.park()
        succeeded(channel, Health.LIVE if parked else Health.COLLECTING)
        if parked is None:
            inbox.close()
            self._rest(seat, channel.poll_seconds)
            return
        poll = channel.poll_seconds if channel.all_folders else SAFETY_SECONDS
        seat.next_visit = time.monotonic() + poll * random.uniform(0.9, 1.0)
        self._park(seat, parked)

    def _park(self, seat: Seat, parked: Parked) -> None:
        """Hand it to the loop: the selector and the state of a parked seat are the loop's alone."""
        self._to_park.put((seat, parked))
        self._wake()

    def _park_waiting(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                seat, parked = self._to_park.get_nowait()
                try:
                    seat.handle = parked.fileno()
                    self._selector.register(seat.handle, selectors.EVENT_READ, seat)
                except (KeyError, ValueError, OSError):
                    self._pool.submit(parked.close)
                    self._rest(seat, LOOK_SECONDS)
                    continue
                seat.parked, seat.doing = parked, "parked"
                if parked.pending():
                    seat.next_visit = 0.0

    def _rest(self, seat: Seat, seconds: float) -> None:
        seat.next_visit = time.monotonic() + seconds
        seat.doing = "resting"
        self._wake()

    def _unregister(self, seat: Seat) -> None:
        if seat.handle >= 0:
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._selector.unregister(seat.handle)
            seat.handle = -1

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_write, b"1")

    def _end(self) -> None:
        self._listener.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for parked in [*self._left_to_park(), *(seat.parked for seat in self.seats.values())]:
            if parked is not None:
                parked.close()
        self._selector.close()

    def _left_to_park(self) -> list[Parked]:
        left: list[Parked] = []
        with contextlib.suppress(queue.Empty):
            while True:
                left.append(self._to_park.get_nowait()[1])
        return left


def _channel_rows() -> list[tuple]:
    names = (
        "pk",
        "next_try",
        "settings",
        "secret_sealed",
        "connector",
        "folder",
        "all_folders",
        "after_collect",
        "move_to",
        "max_size_mb",
        "poll_seconds",
        "default_queue_id",
    )
    return list(Channel.objects.filter(enabled=True).values_list(*names))


def _asked_for() -> set[int]:
    """Channels with letters whose rest a person asked for, and those whose reconciliation is due."""
    wanted = RawMessage.objects.filter(wanted=True).exclude(channel=None)
    due = Channel.objects.filter(enabled=True, reconcile_due__lte=timezone.now())
    return {
        *wanted.order_by().values_list("channel_id", flat=True)[:1000],
        *due.order_by().values_list("pk", flat=True)[:1000],
    }


def _wait_after_end(seat: Seat) -> float:
    """A server may end an idle connection at any time; only one that does it again and again at once is in trouble."""
    if time.monotonic() - seat.connected >= STABLE_SECONDS:
        seat.early_ends = 0
    seat.early_ends += 1
    if seat.early_ends == 1:
        return random.uniform(0.2, 1.0)
    return wait_to_collect(Kind.TRANSIENT, seat.early_ends).total_seconds()


def _version(values: list) -> str:
    """Changes when something a visit depends on changes."""
    return repr(values)


def _resting(channel: Channel) -> bool:
    """In its back-off, which an administrator's change or a person's request ends early by clearing `next_try`."""
    now = timezone.now()
    return bool(channel.next_try and now < channel.next_try < now + LONGEST_BACK_OFF)
