"""1,000 waiting mailboxes in one engine: memory of each, and the time until all are told of new mail: `make bench-idle`.

The server side is a small IMAP server of our own in a process of its own (Dovecot coalesces its notifications over half a second and
Linux gives a user 128 inotify instances): TLS, sign-in, SELECT, IDLE. The engine is the product's, as it is run. In a burst every mailbox
gets one letter at once; measured is the time until the letter is committed in the ledger.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.measuring import query, wait  # noqa: E402


def main() -> None:
    """Print memory per mailbox and the times of the burst."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=1000)
    parser.add_argument("--plain", action="store_true", help="without TLS")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="idle-"))
    os.environ |= {
        "POSTROOM_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "postroom.conf.django",
        "POSTROOM_LOG_LEVEL": "debug",
    }
    os.environ |= {"PYTHONPATH": str(ROOT / "src"), "POSTROOM_COLLECT_WORKERS": "16"}
    try:
        measure(home, options.mailboxes, tls=not options.plain)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measure(home: Path, count: int, *, tls: bool) -> None:
    """Start server and engine, wait until all are parked, let the burst come."""
    from tests.servers.certificates import Certificates

    certificates = Certificates(home / "tls")
    server = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "bench" / "idle_server.py"),
            *([str(certificates.cert()), str(certificates.key())] if tls else []),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    engine = None
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        empty = resting_size(home)
        make_channels(count, port, tls=tls, ca=str(certificates.ca_pem))
        log = (home / "log").open("w")
        engine = subprocess.Popen([sys.executable, "-m", "postroom", "engine"], stderr=log)
        started = time.monotonic()
        wait(lambda: query(home, "SELECT count(*) FROM post_channel WHERE health = 'live'") == count, 180)
        print(f"{count} mailboxes signed in and parked in {time.monotonic() - started:.1f} s")
        time.sleep(3)
        size = rss(engine.pid)
        print(
            f"engine: {size / 1024:.0f} MB with {count} mailboxes, {empty / 1024:.0f} MB with none: {(size - empty) / count:.1f} kB each"
        )
        for burst in (1, 2):
            print(f"burst {burst}: {burst_times(home, server, count, burst)}", flush=True)
        print(f"threads of the engine: {len(os.listdir(f'/proc/{engine.pid}/task'))}")
    finally:
        for process in (engine, server):
            if process is not None:
                process.terminate()
                process.wait(30)


def resting_size(home: Path) -> float:
    """RSS of an engine without channels, in kB."""
    subprocess.run([sys.executable, "-m", "postroom", "migrate", "-v", "0"], check=True)
    engine = subprocess.Popen([sys.executable, "-m", "postroom", "engine"])
    try:
        wait(lambda: query(home, "SELECT count(*) FROM post_claim") >= 2, 60)
        time.sleep(3)
        return rss(engine.pid)
    finally:
        engine.terminate()
        engine.wait(30)


def make_channels(count: int, port: int, *, tls: bool, ca: str) -> None:
    """Rows as the setup pages would write them."""
    import django

    django.setup()
    from postroom.models import Channel, Queue, Start

    queue = Queue.objects.create(name="Idle")
    settings = {
        "host": "localhost",
        "port": port,
        "security": "tls" if tls else "none",
        "ca": ca if tls else "",
    }
    for i in range(count):
        channel = Channel(
            name=f"Idle {i}", key=f"{i:05d}", address=f"idle{i}@bench.example", connector="imap", enabled=True, default_queue=queue,
            start=Start.NONE, after_collect="leave", settings={**settings, "login": f"idle{i}"},
        )  # fmt: skip
        channel.set_secret("secret")
        channel.save()


def burst_times(home: Path, server: subprocess.Popen[str], count: int, burst: int) -> str:
    """Tell the server to announce a letter everywhere; read from the ledger when each was committed."""
    assert server.stdin is not None
    started = time.time()
    server.stdin.write("burst\n")
    server.stdin.flush()
    moments: list[float] = []
    end = time.monotonic() + 60
    while len(moments) < count and time.monotonic() < end:
        found = query(home, "SELECT count(*) FROM post_rawmessage") - (burst - 1) * count
        moments += [time.time() - started] * (found - len(moments))
        time.sleep(0.02)
    if len(moments) < count:
        return f"only {len(moments)} of {count} were committed"
    told = told_moments(home, started)[-count:]
    return (
        f"all {len(told)} told within {max(told):.2f} s (half {told[len(told) // 2]:.2f} s); "
        f"all committed: first {moments[0]:.2f} s, half {moments[count // 2]:.2f} s, last {moments[-1]:.2f} s"
    )


def told_moments(home: Path, started: float) -> list[float]:
    """When the engine's loop heard each server, from its log, in seconds after `started`."""
    found: list[float] = []
    for line in (home / "log").read_text().splitlines():
        if "is told of mail" in line:
            moment = datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC).timestamp()
            if moment >= started - 0.01:
                found.append(moment - started)
    return sorted(found)


def rss(pid: int) -> float:
    """Resident memory in kB."""
    line = next(
        one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS")
    )
    return float(line.split()[1])


if __name__ == "__main__":
    main()
