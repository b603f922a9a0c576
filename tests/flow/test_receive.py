"""Receiving from a real server: bytes first, every letter in the ledger once, the server touched last."""

from __future__ import annotations

import pytest

from postroom.connectors.base import ConnectorError
from postroom.flow import receive
from postroom.flow.receive import collect
from postroom.flow.suspects import Suspects
from postroom.models import AfterCollect, LetterState, RawMessage, Start
from postroom.models.blob import blobs
from tests.desk import connect_mailbox, letter, make_desk, open_inbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def visit(desk, suspects=None):
    desk.channel.refresh_from_db()
    with open_inbox(desk.channel) as inbox:
        return collect(desk.channel, inbox, suspects)


@pytest.mark.requirement("RX-03")
@pytest.mark.parametrize("connector", ["imap", "pop3"])
def test_letters_are_stored_byte_for_byte_and_only_once(dovecot, connector):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, connector=connector, after_collect=AfterCollect.LEAVE)
    sent = [letter(f"Number {i}", body="dots\r\n.\r\n..\r\n" * i) for i in range(5)]
    for raw in sent:
        dovecot.deliver(address, raw)
    assert visit(desk).stored == 5
    assert visit(desk).stored == 0
    stored = [blobs().read(row.blob) for row in RawMessage.objects.order_by("id")]
    assert sorted(stored) == sorted(sent)
    assert set(RawMessage.objects.values_list("state", flat=True)) == {LetterState.RECEIVED}


@pytest.mark.requirement("CH-11", "CH-23")
@pytest.mark.parametrize("connector", ["imap", "pop3"])
def test_deleting_happens_only_after_the_commit(dovecot, connector, monkeypatch):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, connector=connector, after_collect=AfterCollect.DELETE)
    dovecot.deliver(address, letter("Keep me"))

    def fail(*args, **more):
        raise RuntimeError("the database is gone")

    with monkeypatch.context() as broken:
        broken.setattr(receive, "_commit", fail)
        with pytest.raises(RuntimeError):
            visit(desk)
    assert len(dovecot.letters(address)) == 1
    assert visit(desk).stored == 1
    assert dovecot.letters(address) == []


@pytest.mark.requirement("CH-11")
def test_collected_letters_are_moved_to_the_chosen_folder(dovecot):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.MOVE, move_to="Archive")
    dovecot.deliver(address, letter("Move me"))
    assert visit(desk).stored == 1
    assert dovecot.letters(address) == []
    assert len(dovecot.letters(address, "Archive")) == 1


@pytest.mark.requirement("RX-04")
def test_a_renumbered_folder_is_matched_by_content(dovecot):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, after_collect=AfterCollect.LEAVE)
    for i in range(4):
        dovecot.deliver(address, letter(f"Before {i}"))
    visit(desk)
    before = dict(RawMessage.objects.values_list("id", "validity"))
    dovecot.reset_uidvalidity(address)
    dovecot.deliver(address, letter("After"))
    assert visit(desk).stored == 1
    after = dict(RawMessage.objects.values_list("id", "validity"))
    assert len(after) == 5
    assert all(after[pk] != before[pk] for pk in before)


@pytest.mark.requirement("CH-12")
@pytest.mark.parametrize("connector", ["imap", "pop3"])
def test_with_the_choice_none_only_later_letters_are_collected(dovecot, connector):
    desk = make_desk(start=Start.NONE)
    address = connect_mailbox(desk, dovecot, connector=connector)
    dovecot.deliver(address, letter("Old"))
    assert visit(desk).stored == 0
    new = letter("New")
    dovecot.deliver(address, new)
    assert visit(desk).stored == 1
    assert blobs().read(RawMessage.objects.get(state=LetterState.RECEIVED).blob) == new


@pytest.mark.requirement("CH-12")
def test_the_archive_is_marked_as_such_and_later_letters_are_not(dovecot):
    desk = make_desk(start=Start.ARCHIVE)
    address = connect_mailbox(desk, dovecot)
    dovecot.deliver(address, letter("Old"))
    visit(desk)
    RawMessage.objects.update(arrived=None)
    assert RawMessage.objects.get().archive


@pytest.mark.requirement("CH-07")
@pytest.mark.parametrize("connector", ["imap", "pop3"])
def test_a_letter_above_the_limit_is_listed_with_its_head_and_fetched_on_demand(dovecot, connector):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot, connector=connector, max_size_mb=5)
    big = letter("Large", body="x" * 70 + "\r\n" + ("y" * 76 + "\r\n") * 80_000)
    dovecot.deliver(address, big)
    dovecot.deliver(address, letter("Small"))
    assert visit(desk).stored == 2
    row = RawMessage.objects.get(partial=True)
    assert row.size == len(big)
    assert big.startswith(blobs().read(row.blob)[:200])
    RawMessage.objects.filter(pk=row.pk).update(wanted=True)
    visit(desk)
    row.refresh_from_db()
    assert not row.partial
    assert blobs().read(row.blob) == big


@pytest.mark.requirement("RX-06")
def test_a_letter_at_which_the_server_breaks_off_is_put_aside_and_the_others_go_on(dovecot, monkeypatch):
    desk = make_desk()
    address = connect_mailbox(desk, dovecot)
    for i in range(5):
        dovecot.deliver(address, letter(f"Letter {i}"))
    suspects = Suspects()

    with open_inbox(desk.channel) as inbox:
        real = type(inbox).read

    def reads(self, refs):
        if any(ref.uid == "3" for ref in refs):
            raise ConnectorError("The server closed the connection.")
        return real(self, refs)

    with open_inbox(desk.channel) as inbox:
        monkeypatch.setattr(type(inbox), "read", reads)
    for _ in range(5):
        try:
            visit(desk, suspects)
            break
        except ConnectorError:
            continue
    states = dict(RawMessage.objects.values_list("uid", "state"))
    assert states == {"1": "received", "2": "received", "3": "stuck", "4": "received", "5": "received"}
