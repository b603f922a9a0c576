"""The table of services: what the engine does besides collecting, how often it looks, and with how many workers.

`run_once(name)` does one piece of work of a service and says how much there was; tests call it by hand, without threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from postroom.conf.deployment import deployment
from postroom.engine.claims import claim_work
from postroom.engine.connections import Connections
from postroom.flow import file, offer
from postroom.flow import send as sending
from postroom.models import Message

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Service:
    """One row: `run(owner)` does a piece of work and returns how much; `idle` is the wait in seconds when there was none."""

    name: str
    run: Callable[[str], int]
    idle: float
    workers: int = 1
    alone: bool = False
    """True if there may be only one over all hosts."""
    hears: bool = True
    """False for work that is done at its pace, whatever is committed meanwhile."""


def file_letters(owner: str) -> int:
    """File the next batch of received letters."""
    return file.file_next()


def route_work(owner: str) -> int:
    """Timers of offers and snoozes, then new offers."""
    ended = offer.expire() + offer.wake_parked() + offer.mark_gone()
    return ended + offer.offer_waiting()


def explain_waiting(owner: str) -> int:
    """Why work still waits; not at every ring of the bell, since it looks at everything that waits."""
    offer.explain_waiting()
    return 0


connections = Connections()


def send_message(owner: str) -> int:
    """Send one due message."""
    claimed = sending.claim(owner)
    if claimed is None:
        return 0
    connections.use(claimed)
    return 1


def recover_messages(owner: str) -> int:
    """Messages whose worker died."""
    return sending.recover()


def next_send_moment() -> object:
    """When the next held or deferred message is due, or None."""
    return (
        Message.objects.filter(state__in=["held", "deferred", "queued"])
        .order_by("next_try")
        .values_list("next_try", flat=True)
        .first()
    )


SERVICES: tuple[Service, ...] = (
    Service("file", file_letters, idle=1.0, alone=True),  # one at a time: two filers would tear threads
    Service("route", route_work, idle=1.0, alone=True),  # one at a time: decisions see each other's offers
    Service("explain", explain_waiting, idle=2.0, alone=True, hears=False),
    Service("send", send_message, idle=1.0, workers=deployment.options.send_workers),
    Service("recover", recover_messages, idle=30.0, alone=True, hears=False),
)


def run_once(name: str, owner: str = "by hand") -> int:
    """One piece of work of a service."""
    service = next(s for s in SERVICES if s.name == name)
    if service.alone and not claim_work(service.name, owner):
        return 0
    return service.run(owner)
