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
_local: set[threading.Event] = set()
_lock = threading.Lock()


def ring() -> None:
    """Wake everybody, here and in the other processes. Never raises."""
    with _lock:
        for waiting in _local:
            waiting.set()
    with contextlib.suppress(Exception):  # A lost ring costs only delay; what was committed stays committed.
        _ring_others()


def _ring_others() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        for path in folder().iterdir():
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
    """Hears the bell in this process and sets `heard`; `on_ring` is called from the listening thread."""

    def __init__(self, on_ring: Callable[[], None] | None = None) -> None:
        self.heard = threading.Event()
        self._on_ring = on_ring
        self._stop = threading.Event()
        with _lock:
            _local.add(self.heard)
        self._thread = threading.Thread(target=self._listen, name="bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        with _lock:
            _local.discard(self.heard)

    def _ring_here(self) -> None:
        self.heard.set()
        if self._on_ring:
            self._on_ring()

    def _listen(self) -> None:
        if connection.vendor == "postgresql":
            self._listen_postgresql()
        else:
            self._listen_socket()

    def _listen_socket(self) -> None:
        path = folder() / f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hear:
            hear.bind(str(path))
            hear.settimeout(0.5)
            while not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    hear.recv(16)
                    self._ring_here()
        path.unlink(missing_ok=True)

    def _listen_postgresql(self) -> None:
        while not self._stop.is_set():
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                for _ in connection.connection.notifies(timeout=0.5):
                    self._ring_here()
            except Exception:  # noqa: BLE001 - the server went away: look again soon, the slow poll covers the gap
                connection.close()
                self._stop.wait(1)
        connection.close()
