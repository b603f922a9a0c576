"""Connections to outgoing servers, kept open between messages: at most a few per sender, closed when idle."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

from postroom.connectors.base import ConnectorError, Outbox
from postroom.engine.reaching import outbox_of
from postroom.flow import send as sending
from postroom.models import OutState, Sender

KEEP_SECONDS = 20
"""Servers close idle sessions after some minutes; a stale one costs a failed try, so they are given up early."""


class Connections:
    """Idle outboxes by sender and settings. A connection that failed is never put back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[tuple[int, str], list[tuple[float, Outbox]]] = defaultdict(list)

    def use(self, claimed: sending.Claimed) -> str:
        """Send one message through a kept or new connection."""
        sender = claimed.message.sender
        assert sender is not None
        try:
            outbox = self._take(sender)
        except ConnectorError as error:
            return sending.refused(claimed, error)
        try:
            state = sending.send(claimed, outbox)
        except BaseException:
            outbox.close()  # In whatever state it is, the next message must not meet it.
            raise
        if state in (OutState.SENT, OutState.PARTIAL, OutState.FAILED):
            self._give(sender, outbox)
        else:
            outbox.close()
        return state

    def close(self) -> None:
        """Leave every server politely."""
        with self._lock:
            idle, self._idle = self._idle, defaultdict(list)
        for waiting in idle.values():
            for _, outbox in waiting:
                outbox.close()

    def _take(self, sender: Sender) -> Outbox:
        now = time.monotonic()
        stale: list[Outbox] = []
        found: Outbox | None = None
        with self._lock:
            waiting = self._idle[_key(sender)]
            while waiting and found is None:
                since, outbox = waiting.pop()
                if now - since < KEEP_SECONDS:
                    found = outbox
                else:
                    stale.append(outbox)
        for outbox in stale:
            outbox.close()
        if found is None:
            found = outbox_of(sender)
            found.connect()
        return found

    def _give(self, sender: Sender, outbox: Outbox) -> None:
        with self._lock:
            self._idle[_key(sender)].append((time.monotonic(), outbox))


def _key(sender: Sender) -> tuple[int, str]:
    """Changed settings make a new key, so that an old connection is not used for them."""
    return sender.pk, f"{sender.settings}{sender.secret_sealed}"
