"""Durable ingest beside mbsync and django-helpdesk, in one run: `make bench-ingest`.

Postroom: one engine process; from the moment a channel is switched on until the last letter is filed, queued, searchable and
durable (SQLite, synchronous=FULL). mbsync: a full pull of the same mailbox to Maildir with fsync on. django-helpdesk: its `get_email`
over IMAP on a part of the small mailbox, in an environment of its own. Rounds are interleaved; medians are printed; quote ratios.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.servers.certificates import Certificates  # noqa: E402
from tests.servers.dovecot import Dovecot  # noqa: E402
from tests.servers.ports import remove, short_dir  # noqa: E402

from bench.helpdesk import measure_helpdesk  # noqa: E402
from bench.mailboxes import mixed, small  # noqa: E402
from bench.measuring import query, wait  # noqa: E402

PASSWORD = "bench-password"
SETUP = """
[[queue]]
name = "Bench"

[[channel]]
name = "Bench"
key = "B"
address = "{address}"
connector = "imap"
host = "127.0.0.1"
port = {port}
security = "none"
login = "{address}"
password = "{password}"
queue = "Bench"
start = "since"
start_since = "2000-01-01"
after_collect = "leave"
max_size_mb = 20
enabled = {enabled}
"""


def postroom(dovecot: Dovecot, address: str, count: int) -> float:
    """Seconds from switching on to everything filed."""
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("BENCH_DIR")))
    environment = {
        **os.environ,
        "POSTROOM_HOME": str(home),
        "PYTHONPATH": str(ROOT / "src"),
        "POSTROOM_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "postroom"]
    setup = home / "setup.toml"
    try:
        subprocess.run([*command, "migrate", "-v", "0"], check=True, env=environment)
        values = {"address": address, "port": dovecot.imap_port, "password": PASSWORD}
        setup.write_text(SETUP.format(**values, enabled="false"))
        subprocess.run(
            [*command, "apply", str(setup)], check=True, env=environment, stdout=subprocess.DEVNULL
        )
        engine = subprocess.Popen([*command, "engine"], env=environment)
        try:
            wait(lambda: (home / "engine.lock").exists() and _claimed(home), 30)
            setup.write_text(SETUP.format(**values, enabled="true"))
            started = _switch_on(command, setup, environment, home)
            wait(lambda: _filed(home) >= count, 900)
            taken = time.monotonic() - started
            _check(home, count)
            return taken
        finally:
            engine.terminate()
            engine.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _switch_on(command: list[str], setup: Path, environment: dict[str, str], home: Path) -> float:
    """The clock starts when the row says `on`; the start of the command's interpreter is not ours to measure."""
    applying = subprocess.Popen([*command, "apply", str(setup)], env=environment, stdout=subprocess.DEVNULL)
    wait(lambda: query(home, "SELECT count(*) FROM post_channel WHERE enabled = 1") == 1, 30)
    started = time.monotonic()
    if applying.wait(30) != 0:
        raise SystemExit("the channel could not be switched on")
    return started


def _claimed(home: Path) -> bool:
    return query(home, "SELECT count(*) FROM post_claim WHERE name = 'file'") == 1


def _filed(home: Path) -> int:
    # The newest number: counting would read the whole table at each look and slow down what is measured.
    return query(home, "SELECT coalesce(max(id), 0) FROM post_message")


def _check(home: Path, count: int) -> None:
    """A fast run that lost something is no result."""
    for sql, what in (
        ("SELECT count(*) FROM post_message", "messages"),
        ("SELECT count(*) FROM post_rawmessage WHERE state = 'filed'", "filed letters"),
    ):
        found = query(home, sql)
        if found != count:
            raise SystemExit(f"{found} {what} instead of {count}")
    if query(home, "SELECT count(*) FROM post_interaction WHERE state = 'waiting'") < 1:
        raise SystemExit("nothing waits in the queue")
    if query(home, "SELECT count(*) FROM post_search WHERE post_search MATCH 'parcel'") < count // 2:
        raise SystemExit("the letters are not searchable")


def mbsync(dovecot: Dovecot, address: str, count: int) -> float:
    """Seconds of a full pull with fsync."""
    home = Path(tempfile.mkdtemp(prefix="mbsync-", dir=os.environ.get("BENCH_DIR")))
    (home / "mail").mkdir()
    config = home / "rc"
    config.write_text(
        f"FSync yes\nIMAPStore far\nHost 127.0.0.1\nPort {dovecot.imap_port}\nUser {address}\nPass {PASSWORD}\nSSLType None\nAuthMechs LOGIN\n\n"
        f"MaildirStore near\nPath {home}/mail/\nInbox {home}/mail/INBOX\n\n"
        f"Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState {home}/state-\n"
    )
    try:
        started = time.monotonic()
        subprocess.run(
            ["mbsync", "-q", "-c", str(config), "all"], check=True, env={**os.environ, "HOME": str(home)}
        )
        taken = time.monotonic() - started
        found = sum(
            1 for path in (home / "mail").rglob("*") if path.is_file() and path.parent.name in ("new", "cur")
        )
        if found != count:
            raise SystemExit(f"mbsync brought {found} letters instead of {count}")
        return taken
    finally:
        shutil.rmtree(home, ignore_errors=True)


def fill(dovecot: Dovecot, address: str, letters) -> int:  # type: ignore[no-untyped-def]
    """Put letters into a mailbox; returns how many."""
    dovecot.add_user(address, PASSWORD)
    return sum(1 for raw in letters if dovecot.deliver(address, raw))


def main() -> None:
    """Both mailboxes, rounds interleaved, ratios last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--mixed", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--helpdesk", type=int, default=300, help="letters given to django-helpdesk; 0 leaves it out"
    )
    options = parser.parse_args()
    folder = short_dir("bench")
    dovecot = Dovecot(folder / "dc", Certificates(folder / "tls"))
    ratios: dict[str, float] = {}
    try:
        for name, letters, count in (("small", small, options.small), ("mixed", mixed, options.mixed)):
            address = f"{name}@bench.example"
            fill(dovecot, address, letters(count))
            mbsync(dovecot, address, count)  # warms the server's caches for both
            ours, theirs = [], []
            for _ in range(options.rounds):
                theirs.append(count / mbsync(dovecot, address, count))
                ours.append(count / postroom(dovecot, address, count))
            one, other = statistics.median(ours), statistics.median(theirs)
            ratios[name] = one / other
            print(
                f"{name}: postroom {one:,.0f}/s {_spread(ours)}, mbsync {other:,.0f}/s {_spread(theirs)}, ratio {one / other:.2f}",
                flush=True,
            )
            if name == "small" and options.helpdesk:
                rate = measure_helpdesk(dovecot, PASSWORD, list(small(options.helpdesk, seed=7)))
                print(
                    f"small: django-helpdesk get_email {rate:,.0f}/s, postroom is {one / rate:.0f} x that",
                    flush=True,
                )
    finally:
        dovecot.stop()
        remove(folder)
    print(f"ratio to mbsync: small {ratios['small']:.2f} x, mixed {ratios['mixed']:.2f} x")


def _spread(values: list[float]) -> str:
    return f"({min(values):,.0f} to {max(values):,.0f})"


if __name__ == "__main__":
    main()
