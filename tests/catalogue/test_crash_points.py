"""Rows CRASH of the catalogue of bad input: the process dies at a point, the next one goes on from what is committed.

Death is an exception that nothing of ours catches, at the labelled points; `tests/engine/test_crash.py` does the same with SIGKILL.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from postroom.actions.drafts import Written, open_draft, save_draft
from postroom.actions.replies import send
from postroom.connectors.base import ConnectorError
from postroom.engine.reaching import outbox_of
from postroom.flow import file, receive, settle
from postroom.flow import send as sending
from postroom.flow.receive import collect
from postroom.models import (
    AfterCollect,
    Case,
    ChannelFolder,
    Interaction,
    LetterState,
    Message,
    OutState,
    RawMessage,
)
from postroom.models.blob import blobs
from tests.catalogue.rows import count
from tests.desk import connect_mailbox, letter, make_desk, open_inbox
from tests.flow.test_file import store
from tests.servers.fakes import FakeSmtp
from tests.servers.faults import FaultProxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement("RX-03")]

LATER = {
    "CRASH-08": "COPY is used only where MOVE is missing: rows of the connector", "CRASH-09": "as CRASH-08",
    "CRASH-13": "no automatic acknowledgement yet", "CRASH-14": "no automatic acknowledgement yet",
    "CRASH-21": "no copy to Sent yet", "CRASH-22": "no OAuth yet", "CRASH-23": "no command that seals anew; old keys open, see test_secret",
    "CRASH-24": "no backup, retention or erasure yet", "CRASH-25": "needs a file system that drops what was not synced",
    "CRASH-26": "two hosts, a hundred kills", "CRASH-27": "no webhooks yet", "CRASH-28": "an hour of kills: make crash is its short form",
}  # fmt: skip


def test_every_row_is_shown_or_named():
    numbers = "01 02 03 04 05 06 07 08 09 10 12 13 14 16 17 18 20 21 22 23 24 25 26 27 28"
    count("CRASH", sys.modules[__name__], numbers, LATER)


class Died(BaseException):
    """The process is gone: nothing of ours catches it."""


@contextmanager
def dying(monkeypatch, module, label):
    """The process dies when it passes the label."""

    def point(passed):
        if passed == label:
            raise Died(label)

    with monkeypatch.context() as world:
        world.setattr(module, "point", point)
        with pytest.raises(Died):
            yield


def visit(desk):
    desk.channel.refresh_from_db()
    with open_inbox(desk.channel) as inbox:
        return collect(desk.channel, inbox)


def mailbox(dovecot, **columns):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, **columns)
    sent = [letter(f"Letter {n}") for n in range(3)]
    for raw in sent:
        dovecot.deliver(address, raw)
    return desk, address, sent


def collected_once(desk, dovecot, address, sent):
    """The next visit finds everything once, and the server is tidy."""
    visit(desk)
    rows = RawMessage.objects.order_by("id")
    assert sorted(blobs().read(row.blob) for row in rows) == sorted(sent)
    assert {row.state for row in rows} == {LetterState.RECEIVED}
    assert all(row.settled for row in rows)
    assert dovecot.letters(address) == []
    assert visit(desk).stored == 0


@pytest.mark.server
@pytest.mark.parametrize("after", [AfterCollect.DELETE, AfterCollect.MOVE])
class TestReceiving:
    """Rows of receiving; what is not committed is read again."""

    def die(self, dovecot, monkeypatch, label, after):
        desk, address, sent = mailbox(dovecot, after_collect=after, move_to="Archive")
        with dying(monkeypatch, settle if label == "receive-settled" else receive, label):
            visit(desk)
        return desk, address, sent

    def test_CRASH_01_before_the_fetch(self, dovecot, monkeypatch, after):
        desk, address, sent = mailbox(dovecot, after_collect=after, move_to="Archive")

        def gone(*args):
            raise Died

        with monkeypatch.context() as world:
            world.setattr(receive, "_read", gone)
            with pytest.raises(Died):
                visit(desk)
        assert ChannelFolder.objects.get().cursor == 0
        collected_once(desk, dovecot, address, sent)

    @pytest.mark.parametrize("label", ["receive-read", "receive-synced", "receive-written"])
    def test_CRASH_03_04_05_06_before_the_commit(self, dovecot, monkeypatch, after, label):
        desk, address, sent = self.die(dovecot, monkeypatch, label, after)
        assert not RawMessage.objects.exists()
        assert ChannelFolder.objects.get().cursor == 0
        assert len(dovecot.letters(address)) == 3
        collected_once(desk, dovecot, address, sent)

    @pytest.mark.parametrize("label", ["receive-committed", "receive-settled"])
    def test_CRASH_07_after_the_commit(self, dovecot, monkeypatch, after, label):
        desk, address, sent = self.die(dovecot, monkeypatch, label, after)
        assert RawMessage.objects.count() == 3
        assert not RawMessage.objects.filter(settled=True).exists()
        collected_once(desk, dovecot, address, sent)


@pytest.mark.server
def test_CRASH_02_inside_a_literal_leaves_no_half_row(dovecot):
    with FaultProxy(dovecot.imap_port) as proxy:
        desk, address, sent = mailbox(dovecot, after_collect=AfterCollect.DELETE)
        desk.channel.settings = {**desk.channel.settings, "port": proxy.port, "answer_timeout": 3}
        desk.channel.save()
        proxy.cut_at = b"BODY[] {"
        with pytest.raises(ConnectorError):
            visit(desk)
        assert not RawMessage.objects.exists()
        proxy.heal()
        collected_once(desk, dovecot, address, sent)


@pytest.mark.server
def test_CRASH_10_a_pop3_session_that_ends_before_quit_is_recognised(dovecot, monkeypatch):
    with FaultProxy(dovecot.pop3_port) as proxy:
        desk, address, sent = mailbox(dovecot, connector="pop3", after_collect=AfterCollect.DELETE)
        desk.channel.settings = {**desk.channel.settings, "port": proxy.port}
        desk.channel.save()

        def cut(label):
            if label == "receive-settled":
                proxy.drop_all()
                raise Died

        with monkeypatch.context() as world:
            world.setattr(settle, "point", cut)
            with pytest.raises(Died):
                visit(desk)
        assert len(dovecot.letters(address)) == 3
        collected_once(desk, dovecot, address, sent)


@pytest.mark.parametrize("label", ["file-decided", "file-written"])
def test_CRASH_12_filing_that_died_is_done_again_as_if_nothing_had_been(monkeypatch, label):
    desk = make_desk()
    for n in range(3):
        store(desk, letter(f"Letter {n}"))
    blobs().sync()
    with dying(monkeypatch, file, label):
        file.file_next()
    assert not Case.objects.exists()
    assert not Message.objects.exists()
    while file.file_next():
        pass
    assert (Case.objects.count(), Message.objects.count(), Interaction.objects.count()) == (3, 3, 3)


def reply(port):
    desk = make_desk()
    store(desk, letter("Question", to=desk.channel.address))
    blobs().sync()
    file.file_next()
    desk.sender.settings = {"host": "127.0.0.1", "port": port, "security": "none", "sign_in": "none"}
    desk.sender.save()
    draft = open_draft(Case.objects.get(), by=desk.agent, purpose="reply")
    message = send(save_draft(draft, by=desk.agent, written=Written(text="Yes.")), by=desk.agent)
    Message.objects.filter(pk=message.pk).update(next_try=timezone.now())
    return message


def send_one(owner="worker"):
    claimed = sending.claim(owner)
    assert claimed is not None
    with outbox_of(claimed.message.sender) as outbox:
        return sending.send(claimed, outbox)


def after_the_lease():
    return time_machine.travel(timezone.now() + sending.LEASE + timedelta(minutes=1), tick=True)


def test_CRASH_16_a_claim_of_a_dead_worker_ends_and_another_sends_once(monkeypatch):
    with FakeSmtp() as server:
        message = reply(server.port)
        with dying(monkeypatch, sending, "send-claimed"):
            send_one("dead")
        assert sending.claim("other") is None
        with after_the_lease():
            assert sending.recover() == 1
            assert send_one("other") == OutState.SENT
            assert sending.claim("third") is None
        assert len(server.letters) == 1
    message.refresh_from_db()
    assert message.state == OutState.SENT


def test_CRASH_17_a_connection_that_ends_at_data_is_tried_again():
    with FakeSmtp(answers={"DATA": None}) as server:
        message = reply(server.port)
        assert send_one() == OutState.DEFERRED
        del server.answers["DATA"]
        Message.objects.filter(pk=message.pk).update(next_try=timezone.now())
        message.sender.refresh_from_db()
        type(message.sender).objects.update(next_try=None)
        assert send_one() == OutState.SENT
        assert len(server.letters) == 1


@pytest.mark.parametrize(("label", "accepted"), [("send-marked", 0), ("send-answered", 1)])
def test_CRASH_18_20_after_the_marker_it_is_unknown_and_never_sent_by_itself(monkeypatch, label, accepted):
    with FakeSmtp() as server:
        message = reply(server.port)
        with dying(monkeypatch, sending, label):
            send_one("dead")
        assert sending.recover(lambda owner: owner == "dead") == 1
        message.refresh_from_db()
        assert message.state == OutState.UNKNOWN
        assert message.error
        with time_machine.travel(timezone.now() + timedelta(days=3)):
            assert sending.claim("other") is None
            assert sending.recover() == 0
        assert len(server.letters) == accepted
