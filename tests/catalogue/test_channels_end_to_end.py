"""Monstrous letters through a real mailbox: each is filed or says why not, and the ordinary letter behind it is not late."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest

from postroom.actions.letters import fetch_whole
from postroom.engine import loop
from postroom.engine.services import SERVICES
from postroom.models import AfterCollect, Health, LetterState, Message, RawMessage, bell
from postroom.models.blob import blobs
from tests.desk import connect_mailbox, letter, make_desk, until
from tests.engine.running import collecting, health_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server, pytest.mark.requirement("RX-06")]

MEGABYTE = 1024 * 1024


@contextmanager
def filing():
    """The service that files, in its thread."""
    stop = threading.Event()
    worker = loop.Worker(next(s for s in SERVICES if s.name == "file"), "files", stop)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        bell.ring()
        worker.join(20)
        assert not worker.is_alive()


def nested(levels: int) -> bytes:
    """Multiparts in multiparts, with a word at the innermost."""
    head = b"From: a@customer.example\r\nSubject: Nested\r\nMIME-Version: 1.0\r\n"
    down = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels)
    )
    up = b"".join(b"\r\n--b%d--\r\n" % n for n in reversed(range(levels)))
    return head + down + b"Content-Type: text/plain\r\n\r\ninnermost\r\n" + up


def side_by_side(parts: int) -> bytes:
    head = b"From: a@customer.example\r\nSubject: Many\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return (
        head
        + b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\npart %d\r\n" % n for n in range(parts))
        + b"--b--\r\n"
    )


MONSTERS = {
    "0 bytes": b"",
    "5,000 nested parts": nested(5000),
    "5,000 parts side by side": side_by_side(5000),
    "a header of 1 MB in one line": b"From: a@customer.example\r\nSubject: " + b"x" * MEGABYTE + b"\r\n\r\nbody\r\n",
    "a header of 1 MB in 20,000 fields": b"From: a@customer.example\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 40) for n in range(20_000)) + b"\r\nbody\r\n",
    "20,000 encoded words": b"From: a@customer.example\r\nSubject: " + b" ".join([b"=?utf-8?q?=C3=A9?="] * 20_000) + b"\r\n\r\nbody\r\n",
    "only NUL bytes": b"\x00" * 10_000,
    "no header at all": b"\r\n\r\njust words\r\n",
    "a line of 2 MB": b"From: a@customer.example\r\nSubject: Long\r\n\r\n" + b"z" * (2 * MEGABYTE),
}  # fmt: skip


def filed(subject: str) -> bool:
    return RawMessage.objects.filter(state=LetterState.FILED, subject=subject).exists()


def test_every_monster_is_filed_byte_for_byte_and_the_letter_behind_it_is_not_late(dovecot):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.LEAVE)
    took = {}
    with collecting() as running, filing():
        until(lambda: running.is_parked(desk.channel), what="parked")
        for n, (name, raw) in enumerate(MONSTERS.items()):
            start = time.monotonic()
            dovecot.deliver(address, raw)
            dovecot.deliver(address, letter(f"Ordinary {n}", to=address))
            until(lambda n=n: filed(f"Ordinary {n}"), seconds=60, what=f"the letter behind {name}")
            took[name] = time.monotonic() - start
        until(lambda: not RawMessage.objects.filter(state=LetterState.RECEIVED).exists(), what="all filed")
    rows = list(RawMessage.objects.exclude(subject__startswith="Ordinary").order_by("id"))
    print(
        f"{len(rows)} of {len(MONSTERS)} monsters filed; letters behind them: "
        + ", ".join(f"{k} {v:.1f} s" for k, v in took.items())
    )
    assert [row.state for row in rows] == [LetterState.FILED] * len(MONSTERS), [row.reason for row in rows]
    # Dovecot serves a NUL, which IMAP cannot carry, as 0x80.
    served = [raw.replace(b"\x00", b"\x80") for raw in MONSTERS.values()]
    assert [blobs().read(row.blob) == raw for row, raw in zip(rows, served, strict=True)] == [True] * len(
        served
    )
    assert health_of(desk.channel) == Health.LIVE
    shown = Message.objects.get(letter=rows[1])
    assert "truncated" in shown.flags or "innermost" in shown.text or shown.flags, shown.flags


@pytest.mark.requirement("CH-07")
def test_a_letter_of_60_MB_is_listed_with_its_head_and_fetched_whole_on_demand(dovecot):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.LEAVE, max_size_mb=5)
    line = b"A" * 76 + b"\r\n"
    head = letter(
        "Large",
        to=address,
        headers={"Content-Type": "application/octet-stream", "Content-Transfer-Encoding": "base64"},
        body="",
    )
    big = head + line * (60 * MEGABYTE // len(line))
    with collecting() as running, filing():
        until(lambda: running.is_parked(desk.channel), what="parked")
        start = time.monotonic()
        dovecot.deliver(address, big)
        dovecot.deliver(address, letter("Ordinary", to=address))
        until(lambda: filed("Ordinary"), seconds=60, what="the letter behind it")
        behind = time.monotonic() - start
        row = until(
            lambda: RawMessage.objects.filter(subject="Large", state=LetterState.FILED).first(),
            what="its head",
        )
        assert row.partial
        assert row.size == len(big)
        assert len(blobs().read(row.blob)) < MEGABYTE
        message = Message.objects.get(letter=row)
        assert "oversize" in message.flags
        fetch_whole(row, by=desk.supervisor)
        start = time.monotonic()
        until(lambda: not RawMessage.objects.get(pk=row.pk).partial, seconds=60, what="the whole of it")
        until(
            lambda: RawMessage.objects.get(pk=row.pk).state == LetterState.FILED,
            seconds=60,
            what="filed again",
        )
        print(
            f"60 MB: the letter behind it {behind:.1f} s, fetched and filed on demand {time.monotonic() - start:.1f} s"
        )
    row.refresh_from_db()
    assert blobs().read(row.blob) == big
    assert Message.objects.filter(letter=row).count() == 1
    assert Message.objects.get(letter=row).pk == message.pk
