"""Rows DB of the catalogue of bad input: databases and disks that fail, lie or are somebody else's."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection, connections

from postroom.flow import receive
from postroom.models import AfterCollect, Channel, Health, LetterState, Message, RawMessage, search
from postroom.models.blob import BlobStore
from tests.catalogue.rows import count
from tests.desk import connect_mailbox, letter, make_desk, until
from tests.engine.running import await_health, await_stored, collecting, some_letter, switch
from tests.flow.test_file import arrive
from tests.models.test_blob import store as store
from tests.models.test_blob import (
    test_a_failing_sync_ends_the_process_at_once_and_is_not_tried_again as ends_at_once,
)

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]

LATER = {
    "DB-04": "no integrity check at start yet", "DB-09": "fail-over needs a standby", "DB-11": "ten minutes of restarts",
    "DB-12": "no check for a newer schema yet", "DB-16": "no integrity job yet", "DB-17": "needs five million letters",
}  # fmt: skip


def test_every_row_is_shown_or_named():
    count("DB", sys.modules[__name__], "03 04 05 06 08 09 10 11 12 15 16 17", LATER)


def test_DB_03_a_disk_that_fails_to_sync_ends_the_process(store: BlobStore, tmp_path):
    ends_at_once(store, tmp_path)


@pytest.mark.server
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_DB_05_a_disk_that_takes_nothing_is_told_on_the_channel_and_the_server_keeps_the_letters(
    dovecot, monkeypatch, error
):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.DELETE)
    dovecot.deliver(address, some_letter(1))

    def refuse(self, raw):
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as disk:
        disk.setattr(BlobStore, "append", refuse)
        with collecting():
            channel = await_health(desk.channel, Health.RETRYING)
            assert os.strerror(error) in channel.health_reason
    assert len(dovecot.letters(address)) == 1
    switch(desk.channel, next_try=None)
    with collecting():
        await_stored(desk.channel, 1)


def test_DB_06_a_second_engine_on_the_same_home_refuses_to_start(tmp_path):
    environment = {
        **os.environ,
        "POSTROOM_HOME": str(tmp_path),
        "POSTROOM_DATABASE_URL": "",
        "PYTHONPATH": str(ROOT / "src"),
    }
    holds = "from postroom.engine.run import take_lock\nfd = take_lock()\nprint('held', flush=True)\nimport sys; sys.stdin.read()"
    tries = "from postroom.engine.run import AlreadyRunning, take_lock\ntry:\n    take_lock()\nexcept AlreadyRunning as wrong:\n    print(wrong)"
    setup = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'postroom.conf.django'\nimport django; django.setup()\n"
    first = subprocess.Popen(
        [sys.executable, "-c", setup + holds],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        second = subprocess.run(
            [sys.executable, "-c", setup + tries], env=environment, capture_output=True, text=True, check=True
        )
        assert "An engine is running already" in second.stdout
        first.kill()
        first.wait(10)
        third = subprocess.run(
            [sys.executable, "-c", setup + tries], env=environment, capture_output=True, text=True, check=True
        )
        assert third.stdout == "", "the lock of a dead engine must not keep the next one out"
    finally:
        first.kill()
        first.communicate()


@pytest.mark.server
def test_DB_08_10_a_database_that_goes_away_in_the_middle_loses_and_doubles_nothing(dovecot):
    """PostgreSQL: the connections of the collector are killed again and again; SQLite: somebody holds the only write lock."""
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.MOVE, move_to="Archive")
    stop = threading.Event()
    trouble = _Trouble(stop)
    with collecting():
        trouble.start()
        try:
            for n in range(20):
                dovecot.deliver(address, some_letter(n))
                until(lambda n=n: trouble.hits > n // 3, seconds=20, what="trouble")
        finally:
            stop.set()
            trouble.join(20)
        switch(desk.channel, next_try=None)
        until(lambda: RawMessage.objects.count() >= 20, seconds=60, what="all letters")
        until(lambda: dovecot.letters(address) == [], seconds=60, what="all moved")
    print(f"{trouble.hits} times in trouble")
    assert RawMessage.objects.count() == 20
    assert set(RawMessage.objects.values_list("state", flat=True)) == {LetterState.RECEIVED}
    assert len(dovecot.letters(address, "Archive")) == 20


class _Trouble(threading.Thread):
    """Makes the database unreachable for short times."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.stop, self.hits = stop, 0

    def run(self) -> None:
        while not self.stop.wait(0.1):
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                        "AND (query LIKE '%%post_rawmessage%%' OR query LIKE '%%post_channelfolder%%' OR query LIKE 'COMMIT%%')"
                    )
                else:
                    cursor.execute("BEGIN IMMEDIATE")
                    self.stop.wait(0.3)
                    cursor.execute("ROLLBACK")
            self.hits += 1
        connections.close_all()


@pytest.mark.server
def test_a_commit_whose_answer_was_lost_is_looked_up_and_not_done_twice(dovecot, monkeypatch):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.MOVE, move_to="Archive")
    dovecot.deliver(address, some_letter(1))
    real, lost = receive._commit, []

    def loses(*args):
        real(*args)
        if not lost:
            lost.append(1)
            raise ConnectionError("the answer to COMMIT was lost")

    with monkeypatch.context() as world:
        world.setattr(receive, "_commit", loses)
        with collecting():
            until(lambda: lost, what="a lost answer")
            await_health(desk.channel, Health.RETRYING)
            switch(desk.channel, next_try=None)
            until(lambda: dovecot.letters(address) == [], what="moved")
    assert RawMessage.objects.count() == 1
    assert len(dovecot.letters(address, "Archive")) == 1


HOSTILE = (
    b"\x00",
    b"\xed\xa0\x80",
    b"\xff\xfe",
    "\ud800".encode("utf-8", "surrogatepass"),
    b"\xf4\x90\x80\x80",
    b"\xc0\x80",
)


@pytest.mark.parametrize("bad", HOSTILE, ids=[b.hex() for b in HOSTILE])
def test_DB_15_text_that_databases_refuse_never_reaches_them(bad):
    desk = make_desk()
    raw = (
        b"From: J" + bad + b"onas <jo" + bad + b"nas@customer.example>\r\nTo: h" + bad + b"elp <help@example.test>\r\nSubject: A" + bad + b"B =?utf-8?b?AO2ggA==?=\r\n"
        b"Message-ID: <x" + bad + b"y@customer.example>\r\nReferences: <a" + bad + b"@b>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nhostile " + bad + b" words\r\n--b\r\nContent-Type: text/x" + bad + b"; name=\"f" + bad + b".txt\"\r\n"
        b"Content-Disposition: attachment\r\nContent-ID: <c" + bad + b">\r\n\r\ndata\r\n--b--\r\n"
    )  # fmt: skip
    row = arrive(desk, raw)
    assert row.state == LetterState.FILED, row.reason
    message = Message.objects.get()
    assert "hostile" in message.text
    assert "\x00" not in message.text + message.subject + message.from_name
    assert search.search("hostile words")[0] == message.pk
    assert Channel.objects.count() == 1
    assert arrive(desk, letter("Ordinary")).state == LetterState.FILED


@pytest.mark.parametrize("zone", ["-1900", "+2359", "-2359", "+1600"])
def test_a_zone_that_no_database_takes_is_the_same_moment_in_utc(zone):
    row = arrive(make_desk(), letter("Far away", headers={"Date": f"Tue, 27 Aug 2002 23:34:28 {zone}"}))
    assert row.state == LetterState.FILED, row.reason
    assert Message.objects.get().date == row.sent
    assert row.sent.utcoffset().total_seconds() == 0
