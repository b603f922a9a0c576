"""Running the services: a thread per worker that works while there is work and otherwise waits for the bell or the next timer."""

from __future__ import annotations

import logging
import threading
import time

from django.db import close_old_connections, connections
from django.db.utils import OperationalError

from postroom.engine.claims import LEASE, claim_work
from postroom.engine.services import SERVICES, Service
from postroom.models.bell import Listener

log = logging.getLogger(__name__)

RENEW_SECONDS = LEASE.total_seconds() / 6
"""A claim is renewed this often and not at every turn, which would write to the disk once a second for nothing."""


class Worker(threading.Thread):
    """One worker of one service."""

    def __init__(self, service: Service, owner: str, stop: threading.Event) -> None:
        super().__init__(name=f"{service.name}", daemon=True)
        self.service, self.owner, self.stop = service, owner, stop
        self.listener = Listener()
        self._claimed = float("-inf")

    def run(self) -> None:
        """Until stopped. A failure is logged once here and the worker goes on: the rows keep their state."""
        while True:
            # Cleared before looking at `stop`: the ring that follows the stop must not be lost in between.
            self.listener.heard.clear()
            if self.stop.is_set():
                break
            if not self._work():
                (self.listener.heard if self.service.hears else self.stop).wait(self.service.idle)
        self.listener.close()
        connections.close_all()

    def _work(self) -> bool:
        try:
            if self.service.alone and not self._holds():
                self.stop.wait(1)
                return False
            return bool(self.service.run(self.owner))
        except OperationalError:
            log.exception("service %s: the database did not answer", self.service.name)
        except Exception:
            log.exception("service %s failed", self.service.name)
        close_old_connections()
        self.stop.wait(1)
        return False

    def _holds(self) -> bool:
        """True while this process is the one that does this work."""
        now = time.monotonic()
        if now - self._claimed < RENEW_SECONDS:
            return True
        if not claim_work(self.service.name, self.owner):
            return False
        self._claimed = now
        return True


def start(owner: str, stop: threading.Event) -> list[Worker]:
    """Start every worker of the table."""
    workers = [Worker(service, owner, stop) for service in SERVICES for _ in range(service.workers)]
    for worker in workers:
        worker.start()
    return workers
