"""The event stream: who hears what, how soon, and when it ends. Against the running server."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session

from postroom.actions import work
from postroom.actions.notes import add_note
from postroom.actions.presence import set_presence
from postroom.flow.offer import offer_waiting
from postroom.models import Event, Presence, User
from postroom.models.event import record
from postroom.web import live
from postroom.web.feed import newest_event
from tests.servers.ports import wait_until
from tests.web.seed import Desk, letter, make_desk, receive
from tests.web.serving import session_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def office(site: str) -> Desk:
    """The desk in the database that the server reads."""
    return make_desk()


class Stream:
    """One open stream, read in a thread."""

    def __init__(self, site: str, cookie: str, *, last: int | None = None, header: int | None = None) -> None:
        parts = urlsplit(site)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=30)
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"}
        if header is not None:
            headers["Last-Event-ID"] = str(header)
        self.connection.request("GET", "/live" if last is None else f"/live?last={last}", headers=headers)
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        self.heard: Queue[tuple[str, dict[str, Any], float]] = Queue()
        self.ended = threading.Event()
        self.id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        kind, data = "message", ""
        try:
            while line := self.response.readline():
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    kind = text[7:]
                elif text.startswith("id: "):
                    self.id = int(text[4:])
                elif text.startswith("data: "):
                    data = text[6:]
                elif not text and data:
                    self.heard.put((kind, json.loads(data), time.monotonic()))
                    kind, data = "message", ""
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.ended.set()

    def next(self, within: float = 10) -> tuple[str, dict[str, Any], float]:
        return self.heard.get(timeout=within)

    def kinds(self, count: int) -> list[str]:
        return [self.next()[1]["kind"] for _ in range(count)]

    def close(self) -> None:
        # Closing alone would wait for the reading thread, which waits for the server.
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.connection.close()


@contextmanager
def listening(site: str, user: User, **more: Any) -> Iterator[Stream]:
    stream = Stream(site, session_of(user), **more)
    assert stream.response.status == 200
    try:
        yield stream
    finally:
        stream.close()


@pytest.mark.parametrize("cookie", ["", "nonsense", "x" * 4000, 'a"b;c'])
def test_strangers_hear_nothing(site: str, office: Desk, cookie: str) -> None:
    stream = Stream(site, cookie)
    assert stream.response.status == 401


def test_an_event_carries_keys_only(site: str, office: Desk) -> None:
    with listening(site, office.maya) as stream:
        case = receive(office, letter("A secret subject"))
        kind, data, _ = stream.next()
        assert kind == "message"
        assert set(data) == {"id", "kind", "case", "interaction", "queue", "user", "message"}
        assert (data["kind"], data["case"], data["queue"]) == ("letter.filed", case.pk, office.billing.pk)
        assert stream.id == data["id"]


def test_the_browser_is_told_within_fifty_milliseconds(site: str, office: Desk) -> None:
    with listening(site, office.maya) as stream:
        delays = []
        for _ in range(20):
            record("queue.changed", queue=office.billing)
            committed = time.monotonic()
            delays.append(stream.next()[2] - committed)
        delays.sort()
        print(f"commit to browser: median {delays[10] * 1000:.1f} ms, worst {delays[-1] * 1000:.1f} ms")
        assert delays[10] < 0.05


def test_agents_hear_of_their_queues_their_work_and_themselves_and_supervisors_of_all(
    site: str, office: Desk
) -> None:
    with (
        listening(site, office.maya) as maya,
        listening(site, office.ben) as ben,
        listening(site, office.sam) as sam,
    ):
        hidden = receive(office, letter(), queue=office.returns)
        assert (ben.kinds(1), sam.kinds(1)) == (["letter.filed"], ["letter.filed"])
        work.pull(by=office.ben, interaction=hidden.interactions.get())
        assert (ben.kinds(1), sam.kinds(1)) == (["interaction.pulled"], ["interaction.pulled"])
        set_presence(office.maya, Presence.PAUSED)
        assert maya.next()[1]["kind"] == "presence.changed"
        add_note(hidden, by=office.sam, text="For Ben")
        assert ben.kinds(1) == ["note.added"]
        with pytest.raises(Empty):
            maya.next(within=0.3)


def test_an_offer_reaches_the_agent_it_is_made_to(site: str, office: Desk) -> None:
    with listening(site, office.maya) as stream:
        receive(office, letter())
        offer_waiting()
        assert stream.next()[1]["kind"] == "letter.filed"
        _, data, _ = stream.next()
        assert (data["kind"], data["user"]) == ("offer.made", office.maya.pk)


def test_what_was_missed_is_replayed_after_the_cursor(site: str, office: Desk) -> None:
    start = newest_event()
    for n in range(5):
        record("queue.changed", queue=office.billing, n=n)
    record("queue.changed", queue=office.returns)
    ids = list(Event.objects.filter(pk__gt=start, queue=office.billing).values_list("pk", flat=True))
    # On PostgreSQL the replay starts a little earlier, for numbers that were committed late.
    for cursor, given in ((1, "last"), (3, "header")):
        with listening(site, office.maya, **{given: ids[cursor]}) as stream:
            heard = [stream.next()[1]["id"]]
            while heard[-1] != ids[4]:
                heard.append(stream.next()[1]["id"])
        assert heard[cursor - 4 :] == ids[cursor + 1 :]
    with listening(site, office.maya, last=ids[-1] + 1) as stream:
        record("queue.changed", queue=office.orders)
        assert stream.next()[1]["queue"] == office.orders.pk


def test_too_much_missed_is_one_gap(site: str, office: Desk) -> None:
    Event.objects.bulk_create(Event(kind="queue.changed", queue=office.billing) for _ in range(700))
    with listening(site, office.maya, last=1) as stream:
        assert stream.next()[0] == "gap"


@pytest.mark.parametrize("cursor", ["abc", "-1", "9" * 30, "%00", "1;drop"])
def test_an_odd_cursor_is_no_cursor(site: str, office: Desk, cursor: str) -> None:
    with listening(site, office.maya, last=cursor) as stream:
        record("queue.changed", queue=office.billing)
        assert stream.next()[1]["kind"] == "queue.changed"


def test_the_stream_ends_when_the_person_signs_out_or_is_switched_off(site: str, office: Desk) -> None:
    with listening(site, office.maya) as first, listening(site, office.ben) as second:
        Session.objects.filter(session_key=session_key(office.maya)).delete()
        set_presence(office.maya, Presence.LOGGED_OUT)
        assert first.ended.wait(10)
        User.objects.filter(pk=office.ben.pk).update(is_active=False)
        record("person.changed", user=office.ben)
        assert second.ended.wait(10)


def session_key(user: User) -> str:
    return next(
        s.session_key for s in Session.objects.all() if s.get_decoded().get("_auth_user_id") == str(user.pk)
    )


def test_a_new_queue_is_heard_without_connecting_again(site: str, office: Desk) -> None:
    with listening(site, office.maya) as stream:
        office.maya.queues.add(office.returns)
        record("person.changed", user=office.maya)
        assert stream.next()[1]["kind"] == "person.changed"
        wait_until(
            lambda: any(office.returns.pk in s.queues for s in live.feed._current()), what="the new right"
        )
        record("queue.changed", queue=office.returns)
        assert stream.next()[1]["queue"] == office.returns.pk


def test_an_open_stream_is_a_sign_of_life(site: str, office: Desk) -> None:
    User.objects.update(last_seen=None)
    stream = Stream(site, session_of(office.maya))
    wait_until(lambda: User.objects.get(pk=office.maya.pk).last_seen, what="the sign of life")
    assert User.objects.get(pk=office.ben.pk).last_seen is None
    stream.close()
    wait_until(lambda: live.feed.count() == 0, what="the end of the subscription")


def test_a_ping_shows_that_the_line_is_alive(
    site: str, office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PING_SECONDS", 0.2)
    with listening(site, office.maya) as stream:
        assert stream.next()[0] == "ping"


def test_a_number_that_is_committed_late_is_heard_all_the_same(site: str, office: Desk) -> None:
    """PostgreSQL numbers rows before they are committed: a smaller number may appear after a larger one."""
    with listening(site, office.maya) as stream:
        record("queue.changed", queue=office.billing)
        first = stream.next()[1]["id"]
        Event.objects.create(pk=first + 2, kind="queue.changed", queue=office.billing)
        assert stream.next()[1]["id"] == first + 2
        Event.objects.create(pk=first + 1, kind="queue.changed", queue=office.billing)
        assert stream.next()[1]["id"] == first + 1


def test_the_server_answers_health_without_the_database(site: str) -> None:
    parts = urlsplit(site)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=10)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"ok\n")
    connection.close()
