"""`postroom demo`, started as people start it: a desk beside the demo world, in which a case can be worked on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.ports import free_port, stop, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
HARRIET = "harriet.boyd@fernmail.example"
ANSWER = """
from postroom.actions.drafts import Written, newest, open_draft, save_draft
from postroom.actions.replies import send
from postroom.actions.work import pull
from postroom.models import Interaction, User
anna = User.objects.get(email="anna@nordlys.example")
waiting = Interaction.objects.get(case__messages__from_address={who!r})
taken = waiting if waiting.agent_id == anna.pk else pull(by=anna, interaction=waiting)
draft = open_draft(taken.case, by=anna, purpose="reply")
draft = save_draft(draft, by=anna, written=Written(text="It will come on Friday."))
send(draft, by=anna, seen=newest(taken.case))
"""
LOOK = """
import json
from postroom.models import Case, RawMessage
cases = [{"subject": c.subject, "messages": [[m.kind, m.from_address, m.text] for m in c.messages.order_by("id")]} for c in Case.objects.all()]
print(json.dumps({"cases": cases, "letters": list(RawMessage.objects.values_list("state", flat=True))}))
"""


class Demo:
    """A running `postroom demo` and its home."""

    def __init__(self, folder: Path) -> None:
        self.home, self.port, self.log = folder / "home", free_port(), folder / "log"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("POSTROOM_", "DJANGO_"))}
        self.environment |= {
            "POSTROOM_HOME": str(self.home),
            "POSTROOM_UNDO_SECONDS": "0",
            "PYTHONPATH": str(ROOT / "src"),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Start it and wait until the sign-in page answers."""
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command(*more), env=self.environment, stdout=log, stderr=log)
        wait_until(self.shows_sign_in, within=60, what="the sign-in page")

    def command(self, *more: str) -> list[str]:
        return [sys.executable, "-m", "postroom", "demo", "--port", str(self.port), "--pace", "3", *more]

    def shows_sign_in(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as answer:
                return b'name="password"' in answer.read()
        except OSError:
            return False

    def run(self, code: str) -> str:
        """Run code in a process of its own on the demo's home."""
        before = 'import os, django\nos.environ["DJANGO_SETTINGS_MODULE"] = "postroom.conf.django"\ndjango.setup()\n'
        done = subprocess.run(
            [sys.executable, "-c", before + code],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def look(self) -> dict:
        return json.loads(self.run(LOOK))

    def messages_of(self, address: str) -> list[list[str]]:
        """Kind, author and text of the messages of the case in which this customer wrote."""
        found = [
            case["messages"]
            for case in self.look()["cases"]
            if any(who == address for _, who, _ in case["messages"])
        ]
        assert len(found) <= 1, "one matter became several cases"
        return found[0] if found else []

    def children(self) -> list[int]:
        """Processes whose environment names our home, but for the parent."""
        assert self.process is not None
        mark = f"POSTROOM_HOME={self.home}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    mark in (entry / "environ").read_bytes().split(b"\0")
                    and int(entry.name) != self.process.pid
                ):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    one = Demo(tmp_path)
    yield one
    if one.process is not None:
        stop(one.process, within=40)


@pytest.mark.requirement("PL-01")
def test_an_answered_customer_writes_again_in_the_same_case(demo: Demo):
    demo.start("--fresh")
    wait_until(lambda: len(demo.look()["cases"]) >= 12, within=30, what="the waiting letters")
    wait_until(lambda: "northern-lights" in demo.log.read_text(), what="the sign-ins")
    assert f"http://127.0.0.1:{demo.port}" in demo.log.read_text()

    demo.run(ANSWER.format(who=HARRIET))
    wait_until(lambda: len(demo.messages_of(HARRIET)) >= 3, within=40, what="the customer's next letter")
    (_, first, _), (kind, _, ours), (_, second, text) = demo.messages_of(HARRIET)
    assert (first, kind, second) == (HARRIET, "out", HARRIET)
    assert "It will come on Friday." in ours
    assert "neighbour" in text
    assert len(demo.children()) >= 3

    _end_and_go_on(demo)


def _end_and_go_on(demo: Demo) -> None:
    assert demo.process is not None
    demo.process.send_signal(signal.SIGTERM)
    demo.process.wait(40)
    assert demo.process.returncode == 0, demo.log.read_text()
    assert demo.children() == []
    before = demo.look()

    demo.start()
    wait_until(
        lambda: len(demo.look()["letters"]) > len(before["letters"]),
        within=40,
        what="a letter of the second run",
    )
    after = demo.look()
    assert [
        len(one["messages"])
        for one in after["cases"]
        if one["subject"] in {c["subject"] for c in before["cases"]}
    ].count(0) == 0
    assert "duplicate" not in after["letters"]
    assert len(
        {text for case in after["cases"] for kind, _, text in case["messages"] if kind == "in"}
    ) == sum(kind == "in" for case in after["cases"] for kind, _, _ in case["messages"])


def test_a_taken_port_is_told_with_the_way_out(demo: Demo):
    with socket.create_server(("127.0.0.1", demo.port)):
        done = subprocess.run(
            demo.command(), env=demo.environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode != 0
    assert f"Port {demo.port} is taken" in done.stderr
    assert "--port" in done.stderr


def test_a_real_desk_is_never_made_a_demo(demo: Demo):
    demo.home.mkdir()
    desk = demo.home / "postroom.sqlite3"
    desk.write_bytes(b"somebody's letters")
    done = subprocess.run(
        demo.command("--fresh"), env=demo.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "home of a real desk" in done.stderr
    assert desk.read_bytes() == b"somebody's letters"
