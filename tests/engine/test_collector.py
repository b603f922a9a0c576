"""The collector against real servers: parked, woken, switched, healed; one owner at a time."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from postroom.actions.channels import change_channel, switch_channel
from postroom.actions.letters import fetch_whole
from postroom.engine import claims
from postroom.engine.collector import Collector
from postroom.models import AfterCollect, Channel, Claim, Event, Health, LetterState, RawMessage, bell
from postroom.models.blob import blobs
from tests.desk import connect_mailbox, letter, make_desk, until
from tests.engine.running import (
    IMPATIENT,
    await_health,
    await_stored,
    collecting,
    health_of,
    some_letter,
    stored,
    switch,
)
from tests.servers.dovecot import Dovecot
from tests.servers.faults import FaultProxy
from tests.servers.ports import remove, short_dir

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def a_desk(dovecot, **columns):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, **{"after_collect": AfterCollect.LEAVE, **columns})
    return desk, address


@pytest.mark.requirement("RX-02")
def test_a_channel_that_is_switched_on_is_parked_and_a_letter_is_in_the_ledger_at_once(dovecot):
    desk, address = a_desk(dovecot, enabled=False)
    with collecting() as running:
        switch_channel(desk.channel, by=desk.administrator, on=True)
        until(lambda: running.is_parked(desk.channel), what="parked")
        assert await_health(desk.channel, Health.LIVE).last_success is not None
        took = []
        for n in range(1, 6):
            dovecot.deliver(address, some_letter(n))
            took.append(await_stored(desk.channel, n))
            until(lambda: running.is_parked(desk.channel), what="parked again")
        print(f"ledger after delivery by IDLE: {', '.join(f'{t:.2f} s' for t in took)}")
        assert sorted(took)[2] < 2.0
        switch_channel(desk.channel, by=desk.administrator, on=False)
        until(lambda: not running.has(desk.channel), what="unparked")
        dovecot.deliver(address, some_letter(6))
    assert stored(desk.channel) == 5


def test_changed_settings_are_taken_up_without_a_restart(dovecot):
    desk, address = a_desk(dovecot)
    dovecot.deliver(address, b"Subject: elsewhere\r\n\r\nhere\r\n", folder="Complaints")
    with collecting() as running:
        until(lambda: running.is_parked(desk.channel), what="parked")
        change_channel(desk.channel, by=desk.administrator, values={"folder": "Complaints"})
        await_stored(desk.channel, 1)
        assert RawMessage.objects.get().folder == "Complaints"


def test_a_session_that_the_server_ends_is_opened_again_and_nothing_is_lost(dovecot):
    desk, address = a_desk(dovecot)
    with collecting() as running:
        until(lambda: running.is_parked(desk.channel), what="parked")
        dovecot.kick(address)
        dovecot.deliver(address, some_letter(1))
        await_stored(desk.channel, 1)
        until(lambda: running.is_parked(desk.channel), what="parked again")
    assert health_of(desk.channel) == Health.LIVE


@pytest.mark.requirement("RX-07")
def test_a_server_that_is_stopped_and_started_heals_by_itself(certificates):
    folder = short_dir("dc")
    server = Dovecot(folder, certificates)
    try:
        desk, address = a_desk(server)
        with collecting() as running:
            until(lambda: running.is_parked(desk.channel), what="parked")
            server.stop()
            channel = await_health(desk.channel, Health.RETRYING)
            assert "127.0.0.1" in channel.health_reason
            assert channel.next_try > timezone.now() - timedelta(seconds=5)
            server.start()
            server.deliver(address, some_letter(1))
            await_stored(desk.channel, 1, seconds=30)
            recovered = await_health(desk.channel, Health.LIVE)
        assert (recovered.failures, recovered.health_reason) == (0, "")
        assert Event.objects.filter(kind="channel.recovered", channel=desk.channel).count() == 1
    finally:
        server.stop()
        remove(folder)


@pytest.mark.requirement("RX-03", "RX-07")
def test_a_connection_that_breaks_anywhere_loses_and_doubles_nothing(dovecot):
    random.seed(7)
    with FaultProxy(dovecot.imap_port) as proxy:
        desk, address = a_desk(dovecot)
        desk.channel.settings = {**desk.channel.settings, "port": proxy.port, **IMPATIENT}
        desk.channel.save()
        sent = [letter(f"Letter {n}", body="line\r\n" * random.randint(1, 3000)) for n in range(12)]
        with collecting():
            for n, raw in enumerate(sent):
                proxy.cut_after, proxy.how = random.randint(300, 9000), random.choice(["reset", "close"])
                dovecot.deliver(address, raw)
                if n % 4 == 3:
                    proxy.drop_all()
            until(lambda: proxy.cuts >= 2, what="two broken connections")
            proxy.heal()
            until(lambda: not _missing(desk.channel, sent), seconds=40, what="all letters")
    states = Counter(RawMessage.objects.values_list("state", flat=True))
    assert states == {LetterState.RECEIVED: len(sent)}


def _missing(channel: Channel, sent: list[bytes]) -> Counter[bytes]:
    there = RawMessage.objects.filter(channel=channel).exclude(blob="").values_list("blob", flat=True)
    return Counter(sent) - Counter(blobs().read(blob) for blob in there)


@pytest.mark.requirement("RX-01")
def test_pop3_is_polled(dovecot):
    desk, address = a_desk(dovecot, connector="pop3", poll_seconds=1)
    with collecting() as running:
        await_health(desk.channel, Health.COLLECTING)
        assert not running.is_parked(desk.channel)
        dovecot.deliver(address, some_letter(1))
        await_stored(desk.channel, 1)
        dovecot.deliver(address, some_letter(2))
        await_stored(desk.channel, 2)


@pytest.mark.requirement("CH-07")
def test_the_rest_of_a_large_letter_comes_soon_after_it_is_asked_for(dovecot):
    desk, address = a_desk(dovecot, max_size_mb=1)
    big = letter("Large", body="y" * 70 + "\r\n" + ("z" * 76 + "\r\n") * 20_000)
    dovecot.deliver(address, big)
    with collecting() as running:
        until(lambda: running.is_parked(desk.channel), what="parked")
        row = RawMessage.objects.get(partial=True)
        fetch_whole(row, by=desk.supervisor)
        until(lambda: not RawMessage.objects.get(pk=row.pk).partial, seconds=10, what="the whole letter")
    row.refresh_from_db()
    assert blobs().read(row.blob) == big


def test_a_back_off_ends_when_a_person_asks_to_try_now(dovecot):
    desk, address = a_desk(dovecot)
    with FaultProxy(dovecot.imap_port) as proxy:
        proxy.refuse = True
        switch(desk.channel, settings={**desk.channel.settings, "port": proxy.port, **IMPATIENT}, failures=12)
        with collecting():
            channel = await_health(desk.channel, Health.RETRYING)
            assert channel.next_try > timezone.now() + timedelta(seconds=60)
            proxy.heal()
            dovecot.deliver(address, some_letter(1))
            switch(desk.channel, next_try=None)
            await_stored(desk.channel, 1, seconds=10)


def test_two_collectors_never_read_the_same_mailbox_at_the_same_time(dovecot, monkeypatch):
    desks = [a_desk(dovecot) for _ in range(4)]
    visits: list[tuple[int, str]] = []
    busy: Counter[int] = Counter()
    overlaps: list[int] = []
    real = Collector._connect

    def watch(self, seat, channel):
        visits.append((channel.pk, self.owner))
        busy[channel.pk] += 1
        if busy[channel.pk] > 1:
            overlaps.append(channel.pk)
        inbox = real(self, seat, channel)
        busy[channel.pk] -= 1
        return inbox

    monkeypatch.setattr(Collector, "_connect", watch)
    with collecting("first") as first, collecting("second") as second:
        for n in range(1, 6):
            for _, address in desks:
                dovecot.deliver(address, some_letter(n))
            for desk, _ in desks:
                await_stored(desk.channel, n)
        both = [d for d, _ in desks if first.is_parked(d.channel) and second.is_parked(d.channel)]
        assert both == []
    assert overlaps == []
    owners = {pk: {owner for one, owner in visits if one == pk} for pk, _ in visits}
    assert all(len(names) == 1 for names in owners.values()), owners
    assert set(RawMessage.objects.values_list("state", flat=True)) == {LetterState.RECEIVED}


def test_a_mailbox_passes_to_the_next_owner_when_the_lease_has_ended(dovecot):
    desk, address = a_desk(dovecot)
    assert claims.claim_channel(Channel.objects.get(), "gone")
    fence = Channel.objects.get().fence
    assert not claims.claim_channel(Channel.objects.get(), "next")
    Channel.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    dovecot.deliver(address, some_letter(1))
    with collecting("next"):
        await_stored(desk.channel, 1)
        taken = Channel.objects.get()
    assert (taken.claimed_by, taken.fence) == ("next", fence + 1)


def test_a_channel_that_is_pinned_to_another_node_is_left_to_it(dovecot):
    desk, address = a_desk(dovecot, node="elsewhere")
    other, other_address = a_desk(dovecot)
    dovecot.deliver(address, some_letter(1))
    dovecot.deliver(other_address, some_letter(1))
    with collecting():
        await_stored(other.channel, 1)
        assert stored(desk.channel) == 0
        assert Channel.objects.get(pk=desk.channel.pk).claimed_by == ""


def test_what_a_dead_process_of_this_node_held_is_free_at_once_and_what_others_hold_is_not():
    desk, live = make_desk(), make_desk()
    node = claims.deployment.node[:50]
    dead = f"{node}:{_dead_pid()}:00000000"
    assert claims.claim_channel(desk.channel, dead)
    assert claims.claim_channel(live.channel, f"{node}:1:00000000")
    assert claims.claim_work("file", dead)
    assert claims.claim_work("route", f"elsewhere:{_dead_pid()}:00000000")
    assert claims.release_dead() == 2
    assert Channel.objects.get(pk=desk.channel.pk).claimed_by == ""
    assert Channel.objects.get(pk=live.channel.pk).claimed_by.startswith(f"{node}:1:")
    assert dict(Claim.objects.values_list("name", "claimed_by"))["file"] == ""
    assert dict(Claim.objects.values_list("name", "claimed_by"))["route"].startswith("elsewhere:")


def _dead_pid() -> int:

    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


def test_many_rings_do_not_make_the_loop_read_the_table_at_each(dovecot, monkeypatch):
    desk, _ = a_desk(dovecot)
    looks = Counter[str]()
    real = Collector._look

    def count(self):
        looks["looked"] += 1
        real(self)

    monkeypatch.setattr(Collector, "_look", count)
    with collecting() as running:
        until(lambda: running.is_parked(desk.channel), what="parked")
        before = looks["looked"]
        rung = 0
        end = timezone.now() + timedelta(seconds=1)
        while timezone.now() < end:
            bell.ring()
            rung += 1
        assert rung > 100
        assert looks["looked"] - before <= 30
