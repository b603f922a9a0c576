"""What the benches share to look at an engine from outside: wait for a condition, ask its database for a number. Measures nothing itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path


def query(home: Path, sql: str) -> int:
    """One number of the database, read beside the engine."""
    base = sqlite3.connect(f"file:{home / 'postroom.sqlite3'}?mode=ro", uri=True, timeout=30)
    try:
        return int(base.execute(sql).fetchone()[0])
    finally:
        base.close()


def wait(condition: Callable[[], bool], seconds: float) -> None:
    """Until it is true; a database that is not there yet, or busy, is asked again. Ends the bench after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.1)
    raise SystemExit("it took too long")
