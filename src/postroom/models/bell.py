"""The bell: tells the other processes that something was committed, so that nobody polls fast. A lost ring costs only delay.

SQLite: a datagram to every process's socket in the home's `bells` folder. PostgreSQL: NOTIFY. It carries nothing; whoever
hears it looks at the tables.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

from django.db import connection

from postroom.conf.deployment import deployment

CHANNEL = "postroom"


def ring() -> None:
    """Wake everybody, here and in the other processes. Never raises."""
    _ring_here()
    with contextlib.suppress(Exception):  # A lost ring costs only delay; what was committed stays committed.
        _ring_others()


def _ring_others() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        mine = f"{os.getpid()}-"
        for path in folder().iterdir():
            if path.name.startswith(mine):
                continue
            try:
                out.sendto(b"1", str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)  # Its process is gone.
            except OSError:
                continue


def folder() -> Path:
    """Where the sockets are. Short, since a socket's path is limited to about 100 bytes."""
    path = deployment.home / "bells"
    if len(str(path)) > 60:
        path = (
            Path("/tmp")
            / f"postroom-{os.getuid()}-{uuid.uuid5(uuid.NAMESPACE_URL, str(deployment.home)).hex[:12]}"
        )
    path.mkdir(exist_ok=True, mode=0o700)
    return path


class Listener:
    """Something in this process that wants to hear the bell: sets `heard`, and calls `on_ring` from whatever thread rang."""

    def __init__(self, on_ring: Callable[[], None] | None = None) -> None:
        self.heard = threading.Event()
        self.on_ring = on_ring
        with _lock:
            _listeners.add(self)
        _ear.open()

    def close(self) -> None:
        """Stop listening; with the last listener the process closes its ear."""
        with _lock:
            _listeners.discard(self)
            last = not _listeners
        if last:
            _ear.close()

    def hear(self) -> None:
        """The bell has rung."""
        self.heard.set()
        if self.on_ring:
            self.on_ring()


def _ring_here() -> None:
    with _lock:
        listeners = list(_listeners)
    for one in listeners:
        one.hear()


class _Ear:
    """The one thread of this process that hears other processes ring."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop: threading.Event | None = None

    def open(self) -> None:
        """Listen, if not yet."""
        with self._lock:
            if self._stop is None:
                self._stop = threading.Event()
                listen = _hear_postgresql if connection.vendor == "postgresql" else _hear_socket
                threading.Thread(target=listen, args=(self._stop,), name="bell", daemon=True).start()

    def close(self) -> None:
        """Stop soon."""
        with self._lock:
            if self._stop is not None:
                self._stop.set()
                self._stop = None


def _hear_socket(stop: threading.Event) -> None:
    path = folder() / f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hear:
        hear.bind(str(path))
        hear.settimeout(0.5)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                hear.recv(16)
                _ring_here()
    path.unlink(missing_ok=True)


def _hear_postgresql(stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            while not stop.is_set():
                for _ in connection.connection.notifies(timeout=0.5, stop_after=1):
                    _ring_here()
        except Exception:  # noqa: BLE001 - the server went away: look again soon, the slow poll covers the gap
            connection.close()
            stop.wait(1)
    connection.close()


_listeners: set[Listener] = set()
_lock = threading.Lock()
_ear = _Ear()
