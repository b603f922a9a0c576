"""Services by hand and in their threads, claims of named work, the bell between processes, and the supervisor."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from aiosmtpd.controller import Controller
from django.db import connection
from django.utils import timezone

from postroom.actions.drafts import Written, open_draft, save_draft
from postroom.actions.replies import send
from postroom.actions.work import accept
from postroom.engine import claims, loop, services
from postroom.engine.services import SERVICES, Service, run_once
from postroom.flow import send as sending
from postroom.models import (
    Claim,
    Interaction,
    InteractionState,
    LetterState,
    Message,
    MessageKind,
    Offer,
    OutState,
    RawMessage,
    bell,
)
from postroom.models.blob import blobs
from tests.desk import letter, make_agent, make_desk, until
from tests.servers.fakes import FakeSmtp
from tests.servers.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


def store(desk, raw):
    reference, digest = blobs().store(raw)
    uid = str(RawMessage.objects.count() + 1)
    return RawMessage.objects.create(
        channel=desk.channel, uid=uid, validity="1", blob=reference, sha256=digest.hex(), size=len(raw)
    )


class Sink:
    """Takes every message and keeps it."""

    def __init__(self):
        self.taken = []

    async def handle_DATA(self, server, session, envelope):
        self.taken.append((tuple(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 taken"


@pytest.fixture
def sink():
    taken = Sink()
    server = Controller(taken, hostname="127.0.0.1", port=free_port())
    server.start()
    taken.port = server.port
    yield taken
    server.stop()
    services.connections.close()


def lead_sender(desk, port):
    desk.sender.settings = {"host": "127.0.0.1", "port": port, "security": "none", "sign_in": "none"}
    desk.sender.save()


@pytest.mark.requirement("RX-03", "SE-08")
def test_by_hand_a_letter_is_filed_offered_answered_and_sent(sink):
    desk = make_desk()
    agent = make_agent(desk.queue, available=True)
    lead_sender(desk, sink.port)
    store(desk, letter(to=desk.channel.address))
    assert run_once("file") == 1
    assert RawMessage.objects.get().state == LetterState.FILED
    assert run_once("route") == 1
    offer = Offer.objects.get()
    assert (offer.agent, offer.interaction.state) == (agent, InteractionState.OFFERED)
    work = accept(offer, by=agent)
    draft = save_draft(
        open_draft(work.case, by=agent, purpose="reply"), by=agent, written=Written(text="Here.")
    )
    message = send(draft, by=agent)
    assert run_once("send") == 0
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        assert run_once("send") == 1
    message.refresh_from_db()
    assert message.state == OutState.SENT
    recipients, raw = sink.taken[0]
    assert recipients == ("jonas@customer.example",)
    assert b"Here." in raw
    assert run_once("file") == run_once("route") == run_once("send") == 0


def test_one_connection_carries_many_messages_and_a_bad_one_is_not_kept():
    desk = make_desk()
    with FakeSmtp(extensions="SIZE 1000000") as server:
        lead_sender(desk, server.port)
        for n in range(3):
            _queue_reply(desk, n)
        while run_once("send"):
            pass
        assert (server.connections, len(server.letters)) == (1, 3)
        server.answers["MAIL"] = b"451 4.3.0 later\r\n"
        deferred = _queue_reply(desk, 4)
        run_once("send")
        deferred.refresh_from_db()
        assert deferred.state == OutState.DEFERRED
        assert deferred.next_try > timezone.now()
        services.connections.close()


def _queue_reply(desk, n):
    store(desk, letter(f"Question {n}", to=desk.channel.address))
    run_once("file")
    case = Interaction.objects.latest("id").case
    draft = save_draft(
        open_draft(case, by=desk.agent, purpose="reply"), by=desk.agent, written=Written(text="Yes.")
    )
    message = send(draft, by=desk.agent)
    Message.objects.filter(pk=message.pk).update(next_try=timezone.now())
    return message


def test_the_workers_do_the_whole_job_and_end_within_three_seconds(sink):
    desk = make_desk()
    agent = make_agent(desk.queue, available=True)
    lead_sender(desk, sink.port)
    stop = threading.Event()
    workers = loop.start("threads", stop)
    try:
        store(desk, letter(to=desk.channel.address))
        bell.ring()
        offer = until(lambda: Offer.objects.filter(agent=agent).first(), seconds=10, what="an offer")
        work = accept(offer, by=agent)
        draft = save_draft(
            open_draft(work.case, by=agent, purpose="reply"), by=agent, written=Written(text="Here.")
        )
        Message.objects.filter(pk=send(draft, by=agent).pk).update(next_try=timezone.now())
        bell.ring()
        until(lambda: sink.taken, seconds=10, what="the answer at the server")
        until(lambda: Message.objects.get(kind=MessageKind.OUT).state == OutState.SENT, what="sent")
    finally:
        took = end(workers, stop)
    print(f"{len(workers)} workers ended in {took:.2f} s")
    assert took < 3
    assert set(Claim.objects.values_list("name", flat=True)) == {s.name for s in SERVICES if s.alone}


def end(workers, stop) -> float:
    start = time.monotonic()
    stop.set()
    bell.ring()
    for worker in workers:
        worker.join(10)
    assert not any(worker.is_alive() for worker in workers)
    return time.monotonic() - start


def test_a_worker_survives_what_its_service_raises():
    calls = []

    def choke(owner):
        calls.append(owner)
        if len(calls) < 3:
            raise ValueError("cannot swallow this")
        return 0

    stop = threading.Event()
    worker = loop.Worker(Service("choke", choke, idle=0.05), "threads", stop)
    worker.start()
    until(lambda: len(calls) >= 4, seconds=10, what="four calls")
    assert end([worker], stop) < 3
    assert set(calls) == {"threads"}


def test_work_of_which_there_is_one_is_not_done_by_two(monkeypatch):
    done = []
    service = Service("alone", lambda owner: done.append(owner) or 0, idle=0.02, alone=True)
    stop = threading.Event()
    workers = [loop.Worker(service, name, stop) for name in ("one", "two")]
    for worker in workers:
        worker.start()
    until(lambda: len(done) > 20, what="twenty rounds")
    end(workers, stop)
    assert len(set(done)) == 1


@pytest.mark.requirement("RX-03")
def test_a_claim_passes_on_when_its_lease_ends_and_the_fence_grows():
    assert claims.claim_work("file", "one")
    assert not claims.claim_work("file", "two")
    assert claims.claim_work("file", "one")
    Claim.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert claims.claim_work("file", "two")
    assert not claims.claim_work("file", "one")
    row = Claim.objects.get(name="file")
    assert (row.claimed_by, row.fence) == ("two", 3)
    claims.release_all("two")
    assert claims.claim_work("file", "one")


def test_a_message_that_a_dead_process_was_sending_is_taken_up_at_the_next_start():
    desk = make_desk()
    message = _queue_reply(desk, 1)
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert sending.claim(f"{claims.deployment.node[:50]}:{ended.pid}:00000000") is not None
    assert sending.recover() == 0
    assert sending.recover(claims.is_dead) == 1
    message.refresh_from_db()
    assert (message.state, message.claimed_by) == (OutState.QUEUED, "")


RINGER = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "postroom.conf.django"
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = {name!r}
from postroom.models import bell
bell.ring()
"""


def test_the_bell_of_one_process_wakes_another():
    heard = bell.Listener()
    try:
        until(_is_listening, seconds=10, what="the listener")
        for _ in range(2):
            heard.heard.clear()
            child = subprocess.Popen(
                [sys.executable, "-c", RINGER.format(name=connection.settings_dict["NAME"])],
                env=_environment(),
            )
            until(lambda: heard.heard.is_set(), seconds=20, what="the bell")
            assert child.wait(20) == 0
    finally:
        heard.close()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def _is_listening() -> bool:
    if connection.vendor != "postgresql":
        return any(path.name.startswith(f"{os.getpid()}-") for path in bell.folder().iterdir())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN %%' AND datname = current_database()"
        )
        return cursor.fetchone() is not None


def test_a_ring_into_a_socket_of_a_dead_process_clears_it_away():
    if connection.vendor == "postgresql":
        bell.ring()
        assert connection.is_usable()
        return
    path = bell.folder() / "0-dead"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone:
        gone.bind(str(path))
    assert path.exists()
    bell.ring()
    assert not path.exists()


SUPERVISOR = """
import sys
from postroom.engine.supervise import Child, supervise
environment = {"PYTHONPATH": sys.argv[1]}
supervise([Child(["steady", sys.argv[2]], environment), Child(["other", sys.argv[2]], environment)])
print("ended in order", flush=True)
"""
CHILD = """
import os, signal, sys, time
name, folder = sys.argv[1], sys.argv[2]
with open(f"{folder}/{name}", "a") as log:
    log.write(f"{os.getpid()}\\n")
def end(number, frame):
    open(f"{folder}/{name}.ended", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
while True:
    time.sleep(0.05)
"""


def test_the_supervisor_starts_a_dead_child_again_and_ends_all_in_order(tmp_path):
    (tmp_path / "postroom").mkdir()
    (tmp_path / "postroom" / "__init__.py").touch()
    (tmp_path / "postroom" / "__main__.py").write_text(CHILD)
    parent = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path), str(tmp_path)],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        first = until(lambda: _pids(tmp_path / "steady"), what="the first child")
        until(lambda: _pids(tmp_path / "other"), what="the second child")
        os.kill(first[0], signal.SIGKILL)
        both = until(lambda: len(found := _pids(tmp_path / "steady")) == 2 and found, what="the child again")
        assert both[1] != both[0]
        assert len(_pids(tmp_path / "other")) == 1
        until(lambda: not _alive(both[0]), what="the dead child reaped")
        started = time.monotonic()
        parent.terminate()
        out, _ = parent.communicate(timeout=20)
        assert b"ended in order" in out
        assert time.monotonic() - started < 10
        assert (tmp_path / "steady.ended").exists()
        assert (tmp_path / "other.ended").exists()
        assert not _alive(both[1])
    finally:
        if parent.poll() is None:
            parent.kill()


def _pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
