"""One process tree: starts web and engine as children, restarts the one that dies, ends both together."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

from postroom.conf.parent import VARIABLE

log = logging.getLogger(__name__)

RESTART_SECONDS = (0.5, 1, 2, 5, 10, 30)
"""Waits before a child that keeps dying is started again."""
STEADY_SECONDS = 60
END_SECONDS = 25


class Child:
    """One command of ours, kept alive."""

    def __init__(self, arguments: Sequence[str], extra_environment: dict[str, str] | None = None) -> None:
        self.arguments = list(arguments)
        self.environment = {**os.environ, VARIABLE: str(os.getpid()), **(extra_environment or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.started, self.deaths, self.not_before = 0.0, 0, 0.0

    def keep_alive(self) -> None:
        """Start it if it is not running and its wait is over."""
        now = time.monotonic()
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self.deaths = 1 if now - self.started > STEADY_SECONDS else self.deaths + 1
            self.not_before = now + RESTART_SECONDS[min(self.deaths, len(RESTART_SECONDS)) - 1]
            log.warning("postroom %s ended with %s and is started again", " ".join(self.arguments), code)
            self.process = None
        if now >= self.not_before:
            self.started = now
            self.process = subprocess.Popen(
                [sys.executable, "-m", "postroom", *self.arguments], env=self.environment
            )

    def ask_to_end(self) -> None:
        """SIGTERM, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        """Until it has ended; killed at the deadline."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


def supervise(children: Sequence[Child], stop: threading.Event | None = None) -> None:
    """Keep the children alive until told to end (SIGTERM, SIGINT or `stop`)."""
    stop = stop or threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not stop.is_set():
            for child in children:
                child.keep_alive()
            stop.wait(0.2)
    finally:
        for child in children:
            child.ask_to_end()
        deadline = time.monotonic() + END_SECONDS
        for child in children:
            child.wait(deadline)
        for number, handler in previous.items():
            signal.signal(number, handler)
