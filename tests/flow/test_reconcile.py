"""Reconciliation against a real server: every letter there is accounted for, and what was missed is collected."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from postroom.flow.receive import collect
from postroom.flow.reconcile import is_due, reconcile
from postroom.models import AfterCollect, ChannelFolder, Event, RawMessage, Start
from postroom.models.blob import blobs
from tests.desk import connect_mailbox, letter, make_desk, open_inbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def visit(desk):
    with open_inbox(desk.channel) as inbox:
        collect(desk.channel, inbox)
        return reconcile(desk.channel, inbox)


@pytest.mark.requirement("RX-05")
@pytest.mark.parametrize("connector", ["imap", "pop3"])
def test_every_letter_of_the_mailbox_is_accounted_for(dovecot, connector):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, connector=connector, after_collect=AfterCollect.LEAVE)
    for i in range(7):
        dovecot.deliver(address, letter(f"Number {i}"))
    found = visit(desk)
    assert (found.listed, found.accounted, found.missed) == (7, 7, 0)
    folder = ChannelFolder.objects.get(channel=desk.channel)
    assert (folder.listed, folder.accounted) == (7, 7)
    assert folder.reconciled is not None


@pytest.mark.requirement("RX-05")
def test_a_letter_below_the_cursor_that_has_no_row_is_found_and_collected(dovecot):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.LEAVE)
    raws = [letter(f"Number {i}") for i in range(5)]
    for raw in raws:
        dovecot.deliver(address, raw)
    visit(desk)
    cursor = ChannelFolder.objects.get(channel=desk.channel).cursor
    RawMessage.objects.filter(channel=desk.channel, uid__in=["2", "4"]).delete()
    found = visit(desk)
    assert (found.listed, found.accounted, found.missed) == (5, 3, 2)
    again = RawMessage.objects.filter(channel=desk.channel)
    assert sorted(blobs().read(row.blob) for row in again) == sorted(raws)
    assert ChannelFolder.objects.get(channel=desk.channel).cursor == cursor
    assert visit(desk).missed == 0
    assert Event.objects.filter(kind="channel.reconciled", channel=desk.channel).count() == 3


@pytest.mark.requirement("RX-05")
def test_letters_left_alone_by_choice_are_accounted_for(dovecot):
    desk = make_desk(start=Start.NONE)
    address = connect_mailbox(desk, dovecot)
    dovecot.deliver(address, letter("Old"))
    visit(desk)
    dovecot.deliver(address, letter("New"))
    found = visit(desk)
    assert (found.listed, found.missed) == (2, 0)
    assert RawMessage.objects.filter(channel=desk.channel).count() == 1


def test_the_first_night_is_chosen_within_a_day_or_so(dovecot):
    desk = make_desk()
    assert not is_due(desk.channel)
    desk.channel.refresh_from_db()
    wait = desk.channel.reconcile_due - timezone.now()
    assert timedelta(hours=19) < wait < timedelta(hours=29)
