"""Runs the real collector and services in threads of the test, and ends them with it. Not a harness of processes (see bench/crash)."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from postroom.engine.collector import Collector
from postroom.models import Channel, LetterState, RawMessage, bell
from tests.desk import Desk, letter, make_desk, until

IMPATIENT = {"connect_timeout": 2, "sign_in_timeout": 2, "answer_timeout": 2}


class Running:
    """One collector in a thread of its own."""

    def __init__(self, owner: str = "test") -> None:
        self.stop = threading.Event()
        self.collector = Collector(owner, self.stop)
        self.thread = threading.Thread(target=self._run, name=f"collector {owner}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.collector.run()
        finally:
            connections.close_all()

    def end(self) -> None:
        """Stop it; a loop that does not end is a failure."""
        self.stop.set()
        self.collector._wake()
        self.thread.join(30)
        assert not self.thread.is_alive(), "the collector did not end"
        gc.collect()  # The connections of its ended threads; PostgreSQL drops no database that has any.

    def is_parked(self, channel: Channel) -> bool:
        """True while the mailbox waits in IDLE."""
        seat = self.collector.seats.get(channel.pk)
        return seat is not None and seat.doing == "parked"

    def has(self, channel: Channel) -> bool:
        """True while the loop has a seat for the channel."""
        return channel.pk in self.collector.seats


@contextmanager
def collecting(owner: str = "test") -> Iterator[Running]:
    """A collector for the length of a block."""
    running = Running(owner)
    try:
        yield running
    finally:
        running.end()


def switch(channel: Channel, **columns: Any) -> None:
    """Change columns as an administrator's action does, and ring."""
    Channel.objects.filter(pk=channel.pk).update(**columns)
    bell.ring()


def health_of(channel: Channel) -> str:
    return Channel.objects.values_list("health", flat=True).get(pk=channel.pk)


def stored(channel: Channel) -> int:
    """Letters of the channel whose bytes are here."""
    return RawMessage.objects.filter(channel=channel, state=LetterState.RECEIVED).count()


def await_stored(channel: Channel, count: int, *, seconds: float = 20) -> float:
    """Wait for so many letters; returns the seconds it took."""
    start = time.monotonic()
    until(lambda: stored(channel) >= count, seconds=seconds, what=f"{count} letters of {channel}")
    assert stored(channel) == count
    return time.monotonic() - start


def await_health(channel: Channel, health: str, *, seconds: float = 20) -> Channel:
    """Wait for a state of the channel; returns its row."""
    until(
        lambda: health_of(channel) == health, seconds=seconds, what=f"{health} (it is {health_of(channel)})"
    )
    return Channel.objects.get(pk=channel.pk)


def lead_to(port: int, **settings: Any) -> Desk:
    """A desk whose channel leads to a proxy or a scripted server, and is impatient."""
    desk = make_desk(
        {"host": "127.0.0.1", "port": port, "security": "none", "login": "anna", **IMPATIENT, **settings}
    )
    desk.channel.set_secret("mailbox-password")
    desk.channel.save()
    return desk


def some_letter(n: int) -> bytes:
    return letter(f"Letter {n}")
