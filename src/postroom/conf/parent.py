"""Ends this process when the one that supervises it is gone, so that a killed supervisor leaves no orphans."""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "POSTROOM_SUPERVISOR"
LOOK_SECONDS = 1.0


def end_with_parent() -> None:
    """Watch the supervisor named in the environment, if there is one; the end is the same as when it asks."""
    parent = os.environ.get(VARIABLE, "")
    if parent.isdigit():
        threading.Thread(target=_watch, args=(int(parent),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    waiting = threading.Event()
    while os.getppid() == parent:
        waiting.wait(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
