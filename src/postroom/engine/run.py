"""The engine as one process: verifies the key, recovers what a dead run left, starts the services and the collector."""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import signal
import threading
from types import FrameType

from postroom.conf.deployment import deployment
from postroom.conf.parent import end_with_parent
from postroom.engine.claims import is_dead, new_owner, release_all, release_dead
from postroom.engine.collector import Collector
from postroom.engine.loop import start
from postroom.engine.services import connections
from postroom.flow.send import recover
from postroom.models import bell
from postroom.models.secret import verify_key

log = logging.getLogger(__name__)


class AlreadyRunning(RuntimeError):
    """Another engine has this embedded database."""


def run(stop: threading.Event | None = None) -> None:
    """Work until `stop` is set or the process is told to end."""
    stop = stop or _until_signalled()
    end_with_parent()
    take_lock()
    spare_the_collector_of_garbage()
    verify_key()
    release_dead()
    owner = new_owner()
    log.info("engine %s starts", owner)
    recover(is_dead)
    workers = start(owner, stop)
    collector = Collector(owner, stop)
    try:
        collector.run()
    finally:
        stop.set()
        bell.ring()
        for worker in workers:
            worker.join(timeout=20)
        connections.close()
        release_all(owner)
        log.info("engine %s has ended", owner)


def spare_the_collector_of_garbage() -> None:
    """Filing makes many short-lived rows; looking through all that lives at every few hundred of them costs a tenth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def take_lock() -> int | None:
    """SQLite: one engine per home, held by the operating system so that it ends with the process."""
    if not deployment.is_sqlite:
        return None
    descriptor = os.open(deployment.home / "engine.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunning(
            f"An engine is running already on {deployment.home}. Several engines need PostgreSQL."
        ) from None
    return descriptor


def _until_signalled() -> threading.Event:
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return stop
