"""Wrong settings and bad servers: what the channel says, how it is tried again, and that its neighbours do not wait for it."""

from __future__ import annotations

import socket
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from postroom.conf import retry
from postroom.engine.collector import LONGEST_BACK_OFF, _resting
from postroom.flow import receive
from postroom.models import AfterCollect, Channel, Health, LetterState, RawMessage
from tests.desk import connect_mailbox, make_desk, until
from tests.engine.running import (
    IMPATIENT,
    await_health,
    await_stored,
    collecting,
    health_of,
    lead_to,
    some_letter,
    stored,
)
from tests.servers.fakes import HANG, FakeImap, FakeSmtp
from tests.servers.faults import FaultProxy
from tests.servers.ports import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]

CONFIGURATION, SIGN_IN, RETRYING = Health.CONFIGURATION, Health.SIGN_IN, Health.RETRYING
PROBLEMS = {
    "wrong host": ({"host": "no-such-host.invalid"}, {}, (RETRYING, CONFIGURATION), "no-such-host.invalid"),
    "wrong port": ({"port": 1}, {}, (RETRYING, CONFIGURATION), "127.0.0.1:1"),
    "another protocol on the port": ({"port": "pop3"}, {}, (CONFIGURATION,), "POP3"),
    "TLS on a plain port": ({"security": "tls"}, {}, (CONFIGURATION, RETRYING), "TLS"),
    "certificate of nobody we trust": ({"security": "tls", "port": "imaps"}, {}, (CONFIGURATION,), "certificate"),
    "wrong password": ({}, {"password": "wrong"}, (SIGN_IN,), "password"),
    "wrong login": ({"login": "nobody@example.test"}, {}, (SIGN_IN,), "password"),
    "missing folder": ({}, {"folder": "No such folder"}, (CONFIGURATION,), "No such folder"),
    "missing password": ({}, {"password": ""}, (SIGN_IN, CONFIGURATION), "password"),
    "impossible setting": ({"port": 70_000}, {}, (CONFIGURATION,), "port"),
    "unknown connector": ({}, {"connector": "pigeon"}, (CONFIGURATION,), "pigeon"),
}  # fmt: skip


def break_it(desk, dovecot, settings, columns):
    """Apply one of the problems to a channel that would work."""
    ports = {"pop3": dovecot.pop3_port, "imaps": dovecot.imaps_port}
    changed = {name: ports.get(value, value) if name == "port" else value for name, value in settings.items()}
    channel = desk.channel
    channel.settings = {**channel.settings, **IMPATIENT, **changed}
    password = columns.get("password")
    if password is not None:
        channel.set_secret(password)
    for name in ("folder", "connector"):
        setattr(channel, name, columns.get(name, getattr(channel, name)))
    channel.save()


@pytest.mark.requirement("RX-06", "RX-07", "CH-17")
def test_every_wrong_setting_is_told_on_its_channel_and_the_neighbours_mail_does_not_wait(dovecot):
    broken = {}
    for name, (settings, columns, _, _) in PROBLEMS.items():
        desk = make_desk()
        dovecot.deliver(connect_mailbox(desk, dovecot), some_letter(1))
        break_it(desk, dovecot, settings, columns)
        broken[name] = desk.channel
    good = make_desk()
    address = connect_mailbox(good, dovecot, after_collect=AfterCollect.LEAVE)
    with collecting() as running:
        until(lambda: running.is_parked(good.channel), what="the neighbour is parked")
        dovecot.deliver(address, some_letter(1))
        assert await_stored(good.channel, 1) < 5
        for name, channel in broken.items():
            until(
                lambda c=channel: health_of(c) in (RETRYING, SIGN_IN, CONFIGURATION),
                what=f"trouble of {name}",
            )
    wrong = []
    for name, channel in broken.items():
        _, _, states, words = PROBLEMS[name]
        channel.refresh_from_db()
        said = channel.health_reason
        text, _, advice = said.partition(". ")
        if channel.health not in states or words.lower() not in said.lower() or not text or not advice:
            wrong.append(f"{name}: {channel.health}: {said}")
        assert "mailbox-password" not in said + channel.health_line
        assert channel.next_try is not None
        assert stored(channel) == 0
    assert not wrong, "\n".join(wrong)


def bad_servers(dovecot, broken):
    """What a server may do to a connection, by name: (port, connector)."""
    hanging = FakeImap(answers={"UID FETCH": HANG})
    silent, mid_literal, mute_literal = (FaultProxy(dovecot.imap_port) for _ in range(3))
    silent.silent = True
    mid_literal.cut_at, mid_literal.how = b"BODY[] {", "close"
    mute_literal.cut_at, mute_literal.how = b"BODY[] {", "hang"
    greets = FakeImap(answers={"greeting": HANG})
    bye = FakeImap(answers={"greeting": b"* BYE go away\r\n"})
    nonsense = FakeImap(
        answers={"SELECT": b"\x00\xff garbage\r\n" * 50, "UID SEARCH": b"* SEARCH x y z\r\n{tag} OK\r\n"}
    )
    smtp = FakeSmtp()
    closes = FakeImap(answers={"LOGIN": None, "AUTHENTICATE": None})
    broken += [hanging, silent, mid_literal, mute_literal, greets, bye, nonsense, smtp, closes]
    return {
        "hangs while reading": hanging.port, "accepts and says nothing": silent.port, "closes in a literal": mid_literal.port,
        "hangs in a literal": mute_literal.port, "hangs before its greeting": greets.port, "says BYE": bye.port,
        "talks nonsense": nonsense.port, "speaks SMTP": smtp.port, "closes at sign-in": closes.port, "is not there": free_port(),
    }  # fmt: skip


@pytest.mark.requirement("RX-06", "RX-07")
def test_every_bad_server_is_told_on_its_channel_and_the_neighbours_mail_is_not_late(dovecot):
    servers: list = []
    try:
        desks = {}
        for name, port in bad_servers(dovecot, servers).items():
            desk = make_desk()
            address = connect_mailbox(desk, dovecot)
            desk.channel.settings = {**desk.channel.settings, **IMPATIENT, "port": port}
            desk.channel.save()
            dovecot.deliver(address, some_letter(1))
            desks[name] = desk
        good = make_desk()
        address = connect_mailbox(good, dovecot, after_collect=AfterCollect.LEAVE)
        late = []
        with collecting():
            for n in range(1, 4):
                dovecot.deliver(address, some_letter(n))
                late.append(await_stored(good.channel, n, seconds=60))
            for name, desk in desks.items():
                until(
                    lambda d=desk: health_of(d.channel) not in ("", Health.LIVE, "new"), seconds=30, what=name
                )
                until(
                    lambda d=desk: Channel.objects.get(pk=d.channel.pk).failures,
                    seconds=30,
                    what=f"failure of {name}",
                )
        print(f"{len(desks)} bad servers; a neighbour's letters took {', '.join(f'{t:.1f} s' for t in late)}")
        assert max(late) < 30
        for name, desk in desks.items():
            desk.channel.refresh_from_db()
            assert desk.channel.health_reason, name
            assert desk.channel.next_try is not None, name
    finally:
        for server in servers:
            server.stop()


def test_a_server_that_hangs_never_keeps_the_letters_of_the_time_before_and_after(dovecot):
    with FaultProxy(dovecot.imap_port) as proxy:
        desk = make_desk()
        address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.LEAVE)
        desk.channel.settings = {**desk.channel.settings, **IMPATIENT, "port": proxy.port}
        desk.channel.save()
        with collecting() as running:
            dovecot.deliver(address, some_letter(1))
            await_stored(desk.channel, 1)
            until(lambda: running.is_parked(desk.channel), what="parked")
            proxy.cut_at, proxy.how = b"BODY[] {", "hang"
            proxy.drop_all()
            dovecot.deliver(address, some_letter(2))
            await_health(desk.channel, Health.RETRYING, seconds=30)
            proxy.heal()
            proxy.drop_all()
            await_stored(desk.channel, 2, seconds=30)


@pytest.mark.requirement("RX-07")
def test_a_server_that_takes_every_sign_in_and_ends_every_wait_is_not_stormed():
    def ends(talk, tag, line):
        talk.say(b"+ idling\r\n")
        talk.sock.shutdown(socket.SHUT_RDWR)

    with FakeImap(answers={"IDLE": ends}) as server:
        desk = lead_to(server.port)
        with collecting():
            until(lambda: server.connections >= 2, what="a second connection")
            first = server.connections
            started = time.monotonic()
            until(lambda: time.monotonic() - started > 5, what="five seconds")
            more = server.connections - first
        print(f"{more} sign-ins in 5 s")
        assert more <= 4
        assert stored(desk.channel) == 2


@pytest.mark.requirement("RX-07")
def test_a_wrong_password_is_tried_three_times_and_then_hourly(dovecot, monkeypatch):
    desk = make_desk()
    connect_mailbox(desk, dovecot)
    desk.channel.set_secret("wrong")
    desk.channel.save()
    with collecting():
        until(lambda: Channel.objects.get().failures >= retry.QUICK_SIGN_INS, seconds=20, what="three tries")
    channel = Channel.objects.get()
    assert channel.failures == retry.QUICK_SIGN_INS
    assert timedelta(minutes=53) < channel.next_try - timezone.now() < timedelta(minutes=67)


def test_waits_grow_from_seconds_to_ten_minutes_and_never_come_in_step():
    waits = [retry.wait_to_collect("transient", n).total_seconds() for n in range(1, 30)]
    assert all(0.5 <= wait <= retry.LONGEST for wait in waits)
    assert waits[0] <= retry.FIRST
    assert min(waits[12:]) >= retry.LONGEST / 2
    assert len({retry.wait_to_collect("transient", 5) for _ in range(20)}) > 15
    assert retry.wait_to_collect("throttled", 1, 300).total_seconds() == 300


def test_trouble_of_our_own_is_shown_on_the_channel_and_ends_with_its_cause(dovecot, monkeypatch):
    desk = make_desk()
    dovecot.deliver(connect_mailbox(desk, dovecot, after_collect=AfterCollect.DELETE), some_letter(1))

    def full(*args, **more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(receive, "_read", full)
        with collecting():
            channel = await_health(desk.channel, Health.RETRYING)
    assert "No space left on device" in channel.health_reason
    assert len(dovecot.letters(desk.channel.address)) == 1
    Channel.objects.update(next_try=None)
    with collecting():
        await_stored(desk.channel, 1)
        await_health(desk.channel, Health.LIVE)


def test_a_letter_the_server_will_not_give_whole_does_not_stop_the_mailbox():
    raws = {1: b"Subject: large\r\n\r\n" + b"x" * 100, 2: b"Subject: two\r\n\r\ntwo\r\n"}
    with FakeImap(letters=raws) as server:
        desk = lead_to(server.port)
        with collecting():
            await_stored(desk.channel, 2)
        RawMessage.objects.filter(uid="1").update(partial=True, wanted=True, state=LetterState.FILED)
        server.answers["UID FETCH"] = _closes_at(server, b" 1 ")
        server.letters[3] = b"Subject: three\r\n\r\nthree\r\n"
        with collecting():
            until(lambda: RawMessage.objects.filter(uid="3").exists(), what="the new letter")
            until(lambda: not RawMessage.objects.get(uid="1").wanted, seconds=30, what="given up")
            await_health(desk.channel, Health.LIVE)
    assert "breaks off" in RawMessage.objects.get(uid="1").reason


def _closes_at(server, word):
    def answer(talk, tag, line):
        if word in line and b"BODY.PEEK[]" in line:
            talk.sock.shutdown(socket.SHUT_RDWR)
            return
        talk.say(server._fetch(line.decode().strip().partition(" ")[2]).replace(b"{tag}", tag.encode()))

    return answer


def test_a_back_off_that_a_wrong_clock_wrote_does_not_keep_the_mailbox_for_years():
    now = timezone.now()
    assert _resting(Channel(next_try=now + timedelta(minutes=9)))
    assert not _resting(Channel(next_try=now - timedelta(minutes=9)))
    assert not _resting(Channel(next_try=now + LONGEST_BACK_OFF + timedelta(days=3650)))
