"""Kills the engine with SIGKILL at every labelled point and checks that nothing is lost or doubled: `make crash`.

Letters wait in a real Dovecot; an agent takes what is offered and answers it; a recording SMTP server takes the answers. For every label
the engine is started so that it dies when it passes it, and started again, until all is drained. Then the books are compared:

    every letter delivered  = exactly one message, exactly one ledger row that is filed
    every reply             = accepted exactly once, or flagged `unknown` and accepted at most once
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LABELS = (
    "receive-read", "receive-synced", "receive-written", "receive-committed", "receive-settled",
    "file-decided", "file-written", "file-committed", "offer-written", "offer-committed",
    "send-claimed", "send-composed", "send-marked", "send-answered", "send-ended",
)  # fmt: skip


def labels_in_code() -> set[str]:
    """Every label there is, so that a new one cannot be forgotten here."""
    found: set[str] = set()
    for path in (ROOT / "src" / "postroom").rglob("*.py"):
        found |= set(re.findall(r'\bpoint\("([a-z-]+)"\)', path.read_text()))
    return found


def main() -> int:
    """One child per database, since Django is set up once per process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=1, help="hits of each label: 1st, 2nd, ...")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "all"], default="all")
    options = parser.parse_args()
    if missing := labels_in_code() ^ set(LABELS):
        print(f"labels in the code and here differ: {sorted(missing)}")
        return 1
    if options.database == "all":
        commands = [
            [
                sys.executable,
                __file__,
                f"--letters={options.letters}",
                f"--rounds={options.rounds}",
                f"--database={d}",
            ]
            for d in ("sqlite", "postgresql")
        ]
        return max(subprocess.run(command, check=False).returncode for command in commands)
    return run(options.database, letters=options.letters, rounds=options.rounds)


def run(database: str, *, letters: int, rounds: int) -> int:
    """0 if the books balance."""
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    home = Path(tempfile.mkdtemp(prefix="crash-"))
    os.environ |= {
        "POSTROOM_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "postroom.conf.django",
        "POSTROOM_UNDO_SECONDS": "0",
    }
    os.environ |= {"POSTROOM_LOG_LEVEL": "warning", "PYTHONPATH": str(ROOT / "src")}
    from tests.servers.ports import remove, short_dir

    folder = short_dir("crash")
    postgres = None
    try:
        if database == "postgresql":
            from tests.servers.postgres import Postgres

            postgres = Postgres(folder / "pg")
            os.environ["POSTROOM_DATABASE_URL"] = postgres.url
        import django

        django.setup()
        return Harness(folder, letters=letters, rounds=rounds, name=database).run()
    finally:
        if postgres:
            postgres.stop()
        remove(folder)
        shutil.rmtree(home, ignore_errors=True)


class Sink:
    """Records what it accepted, by Message-ID and recipient."""

    def __init__(self) -> None:
        self.accepted: collections.Counter[tuple[str, str]] = collections.Counter()

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]
        """Count each recipient once per acceptance."""
        match = re.search(rb"^Message-ID:\s*<([^>]+)>", envelope.content, re.M | re.I)
        for recipient in envelope.rcpt_tos:
            self.accepted[(match[1].decode() if match else "", recipient)] += 1
        return "250 2.0.0 taken"


class Harness:
    """The world around the engine."""

    def __init__(self, folder: Path, *, letters: int, rounds: int, name: str) -> None:
        from aiosmtpd.controller import Controller
        from tests.servers.certificates import Certificates
        from tests.servers.dovecot import Dovecot
        from tests.servers.ports import free_port

        self.letters, self.rounds, self.name = letters, rounds, name
        self.dovecot = Dovecot(folder / "dc", Certificates(folder / "tls"))
        self.sink = Sink()
        self.smtp = Controller(self.sink, hostname="127.0.0.1", port=free_port())
        self.smtp.start()
        self.delivered = self.deaths = 0

    def run(self) -> int:
        """The whole play; 0 if the books balance."""
        try:
            self._set_up()
            plays = [(label, hit) for hit in range(1, self.rounds + 1) for label in LABELS]
            per_play = max(1, self.letters // len(plays))
            started = time.monotonic()
            silent = [f"{label}:{hit}" for label, hit in plays if not self._play(label, hit, per_play)]
            self._deliver(self.letters - self.delivered)
            self._drain(None)
            problems = self._compare() + [f"the engine never died at {one}" for one in silent]
            print(
                f"crash on {self.name}: {self.delivered} letters, {len(LABELS)} labels x {self.rounds}, {self.deaths} kills, "
                f"{len(problems)} problems, {time.monotonic() - started:.0f} s; {self._figures()}"
            )
            for problem in problems[:20]:
                print(f"  {problem}")
            return 1 if problems else 0
        finally:
            self.smtp.stop()
            self.dovecot.stop()

    def _set_up(self) -> None:
        from django.core.management import call_command
        from tests.desk import connect_mailbox, make_agent, make_desk

        from postroom.models import AfterCollect

        call_command("migrate", verbosity=0)
        self.desk = make_desk()
        self.agent = make_agent(self.desk.queue, available=True, capacity=10_000)
        self.address = connect_mailbox(
            self.desk, self.dovecot, after_collect=AfterCollect.MOVE, move_to="Archive"
        )
        self.desk.sender.settings = {
            "host": "127.0.0.1",
            "port": self.smtp.port,
            "security": "none",
            "sign_in": "none",
        }
        self.desk.sender.save()

    def _deliver(self, count: int) -> None:
        from tests.desk import letter

        for _ in range(count):
            self.delivered += 1
            n = self.delivered
            raw = letter(
                f"Letter {n}",
                sender=f"c{n}@customer.example",
                to=self.address,
                message_id=f"crash-{n}@customer.example",
            )
            self.dovecot.deliver(self.address, raw)

    def _play(self, label: str, hit: int, letters: int) -> bool:
        """True if the engine died at the label. Several small deliveries, so that a later hit comes about too."""
        died = False
        engine = self._engine(f"{label}:{hit}")
        for _ in range(max(hit, 1) + 1):
            self._deliver(max(1, letters // (hit + 1)))
            if self._drain(engine, stop_at_death=True):
                died = True
                break
        self._kill(engine)
        return died

    def _engine(self, crash: str = "") -> subprocess.Popen[bytes]:
        environment = {**os.environ, "POSTROOM_CRASH": crash}
        return subprocess.Popen([sys.executable, "-m", "postroom", "engine"], env=environment)

    def _kill(self, engine: subprocess.Popen[bytes]) -> None:
        if engine.poll() is None:
            engine.send_signal(signal.SIGKILL)
        engine.wait(20)

    def _drain(
        self, engine: subprocess.Popen[bytes] | None, *, stop_at_death: bool = False, seconds: float = 90
    ) -> bool:
        """Work as the agent until all is quiet; True if the engine died meanwhile."""
        own = engine is None
        running = engine or self._engine()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                if running.poll() is not None:
                    self.deaths += running.returncode == -signal.SIGKILL
                    if stop_at_death:
                        return True
                    running = self._engine()
                self._work_as_agent()
                if self._is_quiet():
                    return False
                time.sleep(0.02)
            raise SystemExit(f"{self.name}: not drained in {seconds} s: {self._figures()}")
        finally:
            if own:
                running.terminate()
                running.wait(30)

    def _work_as_agent(self) -> None:
        from django.utils import timezone

        from postroom.actions.drafts import Written, open_draft, save_draft
        from postroom.actions.refusals import Refused
        from postroom.actions.replies import send
        from postroom.actions.work import accept, finish
        from postroom.models import Channel, Claim, Offer, Presence, User

        # A dead engine's leases and back-offs end by time; the clock is moved instead of waiting for it.
        now = timezone.now()
        Channel.objects.filter(next_try__gt=now).update(next_try=None)
        Claim.objects.filter(claimed_until__lt=now).update(claimed_by="")
        User.objects.filter(pk=self.agent.pk).exclude(presence=Presence.AVAILABLE).update(
            presence=Presence.AVAILABLE, missed_offers=0
        )
        for made in Offer.objects.filter(agent=self.agent, state="made"):
            try:
                work = accept(made, by=self.agent)
            except Refused:
                continue
            draft = save_draft(
                open_draft(work.case, by=self.agent, purpose="reply"),
                by=self.agent,
                written=Written(text="Answered."),
            )
            send(draft, by=self.agent)
            finish(work, by=self.agent)

    def _is_quiet(self) -> bool:
        from postroom.models import Interaction, Message, RawMessage

        if RawMessage.objects.filter(state="filed").count() < self.delivered:
            return False
        if Interaction.objects.exclude(state="finished").exists():
            return False
        return not Message.objects.filter(
            kind="out", state__in=["held", "queued", "sending", "deferred"]
        ).exists()

    def _compare(self) -> list[str]:
        from postroom.models import Message, RawMessage

        problems: list[str] = []
        messages = collections.Counter(Message.objects.filter(kind="in").values_list("message_id", flat=True))
        ledger = collections.Counter(
            RawMessage.objects.filter(state="filed").values_list("message_id", flat=True)
        )
        for n in range(1, self.delivered + 1):
            name = f"crash-{n}@customer.example"
            if (messages[name], ledger[name]) != (1, 1):
                problems.append(f"{name}: {messages[name]} messages, {ledger[name]} filed ledger rows")
        problems += [
            f"a ledger row is {state}"
            for state in RawMessage.objects.exclude(state="filed").values_list("state", flat=True)
        ]
        for reply in Message.objects.filter(kind="out"):
            taken = sum(count for (name, _), count in self.sink.accepted.items() if name == reply.message_id)
            if reply.state == "unknown" and taken > 1:
                problems.append(f"reply {reply.pk} is unknown and was accepted {taken} times")
            if reply.state != "unknown" and (reply.state, taken) != ("sent", 1):
                problems.append(f"reply {reply.pk} is {reply.state} and was accepted {taken} times")
        if len(self.dovecot.letters(self.address)):
            problems.append(f"{len(self.dovecot.letters(self.address))} letters were not moved on the server")
        return problems

    def _figures(self) -> str:
        from django.db.models import Count

        from postroom.models import Message, RawMessage

        states = dict(
            Message.objects.filter(kind="out").order_by().values_list("state").annotate(Count("id"))
        )
        ledger = dict(RawMessage.objects.order_by().values_list("state").annotate(Count("id")))
        return f"ledger {ledger}, replies {states}, accepted by the server {sum(self.sink.accepted.values())}"


if __name__ == "__main__":
    sys.exit(main())
