"""Free ports, waiting by condition and stopping a child: the small tools every server here needs."""

from __future__ import annotations

import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> list[int]:
    """Several different free ports: all are held until the last is known."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def wait_until(condition: Callable[[], object], *, within: float = 15.0, what: str = "the condition") -> None:
    """Wait until the condition holds; fails loudly when it does not within so many seconds."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {within:.0f} s")
        time.sleep(0.01)


def answers(port: int, *, starts: bytes = b"") -> bool:
    """True when something on the port accepts and its greeting starts so."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as sock:
            return not starts or sock.recv(64).startswith(starts)
    except OSError:
        return False


def stop(process: subprocess.Popen[bytes], *, within: float = 10.0) -> None:
    """End a process that we started, politely first."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(within)


def short_dir(name: str) -> Path:
    """A throw-away folder with a short path (socket paths end at 107 bytes) that other users may enter."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    folder.chmod(0o755)
    return folder


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def program(name: str) -> str:
    """Where a server program lies; sbin is not on everybody's path."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise AssertionError(f"{name} is needed for these tests: install it (see CONTRIBUTING)")
    return found


def has_user(name: str) -> bool:
    with suppress(KeyError):
        pwd.getpwnam(name)
        return True
    return False
