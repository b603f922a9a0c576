"""The feed: reads the event table once for all browsers of this process and hands each one what its person may hear.

One thread waits on the bell, with a slow look every second as a safety net. An event carries keys only; the browser reads again
what it shows. Not the HTTP side of it: that is live.py.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.sessions.models import Session
from django.db import close_old_connections, connection, transaction
from django.db.models import Max
from django.utils import timezone

from postroom.actions.presence import heartbeat
from postroom.models import Event, Interaction, QueueMember, User
from postroom.models.bell import Listener

SLOW_LOOK = 1.0  # seconds
CHECK_EVERY = 10.0  # seconds between looks at who may still listen; also the heartbeat of those who do
REPLAYED = 500  # events after a cursor; with more behind it, the browser reads everything again
LATE = 60.0  # seconds in which a smaller number may still be committed
# PostgreSQL commits in another order than it numbers: a replay starts a little before the cursor. A repeat harms nothing.
OVERLAP = 20

log = logging.getLogger("postroom.web")


@dataclass(frozen=True)
class Heard:
    """One event: what the browser is told, and the facts that decide who is."""

    id: int
    kind: str
    payload: dict[str, Any]
    queue: int | None
    people: frozenset[int]


@dataclass(eq=False)
class Subscriber:
    """One open stream. `deliver` gets events, or None when the stream must end; it is called from the feed's thread."""

    user: int
    session: str
    auth_hash: str
    deliver: Callable[[list[Heard] | None], None]
    everything: bool = False
    queues: frozenset[int] = field(default_factory=frozenset)

    def may_hear(self, event: Heard) -> bool:
        """Supervisors hear all; agents their queues, what concerns them, and the cases they have worked on."""
        return self.everything or event.queue in self.queues or self.user in event.people


def newest_event() -> int:
    """The cursor of a page that is written now."""
    return Event.objects.aggregate(newest=Max("id"))["newest"] or 0


def read_events(after: int, *, also: Iterable[int] = (), limit: int = 1000) -> list[Heard]:
    """Events after a cursor, and those of `also` that have been committed meanwhile, oldest first."""
    rows = Event.objects.order_by("id")
    wanted = rows.filter(pk__gt=after)[:limit]
    late = list(rows.filter(pk__in=list(also)[:500])) if also else []
    return describe([*late, *wanted])


def describe(events: list[Event]) -> list[Heard]:
    """Adds to each event the people who have worked on its case: they may see it, so they hear of it."""
    cases = {e.case_id for e in events if e.case_id}
    workers: dict[int, set[int]] = {}
    if cases:
        pairs = (
            Interaction.objects.filter(case__in=cases).exclude(agent=None).values_list("case_id", "agent_id")
        )
        for case, agent in pairs:
            workers.setdefault(case, set()).add(agent or 0)
    return [_heard(event, workers.get(event.case_id or 0, set())) for event in events]


def _heard(event: Event, workers: set[int]) -> Heard:
    payload = {
        "id": event.pk,
        "kind": event.kind,
        "case": event.case_id,
        "interaction": event.interaction_id,
        "queue": event.queue_id,
        "user": event.user_id,
        "message": event.data.get("message"),
    }
    people = frozenset({p for p in (event.user_id, event.actor_id) if p} | workers)
    return Heard(event.pk, event.kind, payload, event.queue_id, people)


class Feed:
    """The one reader of a process, and everybody who listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: set[Subscriber] = set()
        self._cursor: int | None = None
        self._holes: dict[int, float] = {}
        self._checked = 0.0
        self._stop = threading.Event()
        self._bell: Listener | None = None
        self._thread: threading.Thread | None = None

    def subscribe(self, subscriber: Subscriber) -> None:
        """Start to deliver. The first one starts the reading thread."""
        load_rights([subscriber])
        with self._lock:
            self._subscribers.add(subscriber)
            if self._thread is None:
                self._cursor = newest_event()
                self._bell = Listener()
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()
            # The newcomer's sign of life is noted at once: offers are made only to people who are there.
            self._checked = 0.0
            assert self._bell is not None
            self._bell.heard.set()

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Stop to deliver."""
        with self._lock:
            self._subscribers.discard(subscriber)

    def count(self) -> int:
        """How many streams are open."""
        with self._lock:
            return len(self._subscribers)

    def close(self) -> None:
        """End every stream and the thread; the next subscriber starts anew."""
        self._stop.set()
        if self._bell:
            self._bell.heard.set()
            self._bell.close()
        for one in self._current():
            one.deliver(None)
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)
        with self._lock:
            self._subscribers.clear()
            self._thread = None
        self._stop.clear()

    def _current(self) -> list[Subscriber]:
        with self._lock:
            return list(self._subscribers)

    def _run(self) -> None:
        assert self._bell is not None
        while not self._stop.is_set():
            self._bell.heard.wait(SLOW_LOOK)
            self._bell.heard.clear()
            if self._stop.is_set():
                break
            try:
                self.look()
            except Exception:
                log.warning("The event feed could not read the database; it tries again.", exc_info=True)
                close_old_connections()
                self._stop.wait(SLOW_LOOK)
        connection.close()

    def look(self) -> None:
        """Read what is new and hand it out."""
        subscribers = self._current()
        if not subscribers:
            # Nobody listens: whoever comes next has a cursor of their own.
            self._cursor, self._holes = newest_event(), {}
            return
        events = read_events(self._cursor or 0, also=self._holes)
        self._advance(events)
        if events:
            for one in subscribers:
                mine = [event for event in events if one.may_hear(event)]
                if mine:
                    one.deliver(mine)
        about_people = any(event.kind.startswith(("presence.", "person.", "queue.")) for event in events)
        if about_people or time.monotonic() - self._checked >= CHECK_EVERY:
            self._check(subscribers)

    def _advance(self, events: list[Heard]) -> None:
        """Move the cursor; numbers that were jumped over may belong to transactions that commit later."""
        now = time.monotonic()
        self._holes = {one: since for one, since in self._holes.items() if now - since < LATE}
        for event in events:
            self._holes.pop(event.id, None)
        ids = sorted(event.id for event in events if event.id > (self._cursor or 0))
        for id in ids:
            for missing in range(max((self._cursor or 0) + 1, id - 200), id):
                self._holes[missing] = now
            self._cursor = id

    def _check(self, subscribers: list[Subscriber]) -> None:
        """End the streams of people who were signed out or switched off; note that the others are still there."""
        self._checked = time.monotonic()
        gone = load_rights(subscribers)
        for one in gone:
            one.deliver(None)
            self.unsubscribe(one)
        there = {one.user for one in subscribers if one not in gone}
        with transaction.atomic():
            for user in User.objects.filter(pk__in=there):
                heartbeat(user)


def load_rights(subscribers: list[Subscriber]) -> set[Subscriber]:
    """Read afresh what each may hear; returns those who may hear nothing any more."""
    users = {u.pk: u for u in User.objects.filter(pk__in={s.user for s in subscribers}, is_active=True)}
    keys = [s.session for s in subscribers]
    sessions = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list(
            "session_key", flat=True
        )
    )
    queues: dict[int, set[int]] = {}
    for user, queue in QueueMember.objects.filter(user__in=users).values_list("user_id", "queue_id"):
        queues.setdefault(user, set()).add(queue)
    gone = set()
    for one in subscribers:
        person = users.get(one.user)
        if person is None or one.session not in sessions or person.get_session_auth_hash() != one.auth_hash:
            gone.add(one)
        else:
            one.everything, one.queues = person.is_supervisor, frozenset(queues.get(one.user, ()))
    return gone
