"""Rows CLOCK of the catalogue of bad input: clocks that jump, differ or stand still."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from postroom.connectors.base import ConnectorError, Kind
from postroom.engine import claims
from postroom.engine.reaching import outbox_of
from postroom.flow import receive
from postroom.flow import send as sending
from postroom.models import Channel, Health, LetterState, OutState, RawMessage
from tests.catalogue.rows import count
from tests.catalogue.test_crash_points import reply, send_one, visit
from tests.desk import connect_mailbox, make_desk, open_inbox
from tests.engine.running import (
    IMPATIENT,
    await_health,
    await_stored,
    collecting,
    lead_to,
    some_letter,
    switch,
)
from tests.servers.certificates import LOCAL
from tests.servers.fakes import FakeImap, FakeSmtp
from tests.servers.faults import FaultProxy

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_row_is_shown_or_named():
    count("CLOCK", sys.modules[__name__], "01 02 03 04 05", {})


@pytest.mark.server
@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=3653)])
def test_CLOCK_01_a_clock_that_jumps_and_comes_back_keeps_no_mailbox_from_its_mail(dovecot, jump):
    """The back-off that was written by the wrong clock does not count, or ends as others do."""
    with FaultProxy(dovecot.imap_port) as proxy:
        desk = make_desk()
        address = connect_mailbox(desk, dovecot)
        proxy.refuse = True
        switch(desk.channel, settings={**desk.channel.settings, "port": proxy.port, **IMPATIENT})
        with time_machine.travel(timezone.now() + jump, tick=True), collecting("before"):
            await_health(desk.channel, Health.RETRYING)
        claims.release_all("before")
        proxy.heal()
        dovecot.deliver(address, some_letter(1))
        if timedelta(0) < jump < timedelta(days=1):
            switch(desk.channel, next_try=None)  # up to an hour is a wait as others: a person may end it
        with collecting("after"):
            await_stored(desk.channel, 1)
    assert set(RawMessage.objects.values_list("state", flat=True)) == {LetterState.RECEIVED}


@pytest.mark.parametrize("apart", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_CLOCK_02_hosts_whose_clocks_differ_agree_about_a_lease(apart):
    """With several hosts (PostgreSQL) the database's clock counts; an embedded database has one host and its clock."""
    desk = make_desk()
    with time_machine.travel(timezone.now() + apart):
        assert claims.claim_channel(Channel.objects.get(pk=desk.channel.pk), "first")
        assert claims.claim_work("file", "first")
        here = claims.lease_now()
        assert (
            abs(here - timezone.now()) < timedelta(seconds=10)
            if connection.vendor == "sqlite"
            else abs(here - timezone.now()) > timedelta(minutes=4)
        )
        if connection.vendor == "sqlite":
            assert not claims.claim_work("file", "second")
    if connection.vendor == "postgresql":
        assert not claims.claim_channel(Channel.objects.get(pk=desk.channel.pk), "second")
        assert not claims.claim_work("file", "second")


@pytest.mark.server
def test_CLOCK_03_a_host_that_slept_finds_its_leases_gone_and_writes_nothing(dovecot):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot)
    for n in range(3):
        dovecot.deliver(address, some_letter(n))
    desk.channel.refresh_from_db()
    real, slept = receive._commit, []

    def sleep(*args):
        if not slept:
            slept.append(1)
            visit(
                desk
            )  # while this host sleeps within its visit, another one takes the mailbox over and reads it
        real(*args)

    receive._commit = sleep
    try:
        with open_inbox(desk.channel) as inbox, pytest.raises(ConnectorError, match="another host"):
            receive.collect(desk.channel, inbox)
    finally:
        receive._commit = real
    assert RawMessage.objects.filter(state=LetterState.RECEIVED).count() == 3
    assert RawMessage.objects.count() == 3


def test_CLOCK_03_a_sender_that_slept_is_fenced_before_the_dot():
    with FakeSmtp() as server:
        reply(server.port)
        asleep = sending.claim("asleep")
        with time_machine.travel(timezone.now() + timedelta(hours=1), tick=True):
            assert sending.recover() == 1
            assert send_one("awake") == OutState.SENT
        with pytest.raises(sending.ClaimLost):
            sending.mark(asleep)
        assert len(server.letters) == 1


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1), timedelta(days=3653)])
def test_CLOCK_04_a_step_of_the_clock_during_a_send_sends_once(step):
    with FakeSmtp() as server:
        message = reply(server.port)
        claimed = sending.claim("worker")
        with time_machine.travel(timezone.now() + step, tick=True):
            with outbox_of(claimed.message.sender) as outbox:
                assert sending.send(claimed, outbox) == OutState.SENT
            assert sending.recover() == 0
            assert sending.claim("other") is None
        assert sending.claim("other") is None
        assert len(server.letters) == 1
    message.refresh_from_db()
    assert message.state == OutState.SENT


def test_CLOCK_05_a_certificate_that_is_not_valid_yet_names_the_clock(certificates):
    certificates._make("future", LOCAL, start=30, end=60)
    with FakeImap(certificates=certificates, tls="future") as server:
        desk = lead_to(server.port, security="tls", ca=certificates.ca_pem, host="localhost")
        with pytest.raises(ConnectorError) as wrong:
            open_inbox(desk.channel)
    assert wrong.value.kind == Kind.CONFIGURATION
    assert "clock" in wrong.value.advice
