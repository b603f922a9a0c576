"""The demo world is a mail provider like any other, and its customers behave like people."""

from __future__ import annotations

import select
import smtplib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroom.connectors.base import ConnectorError, Kind, Settle
from postroom.demo.customers import Habit, Look, customers
from postroom.demo.letters import Sheet, write_letter
from postroom.demo.world import FIRST_LETTERS
from postroom.mail import letter
from postroom.mail.automatic import AutomaticKind, automatic_kind, list_name
from postroom.mail.bounce_values import BounceKind
from postroom.mail.bounces import read_bounce
from postroom.mail.quotes import show
from tests.demo.conftest import HELP, LiveWorld
from tests.servers.ports import wait_until

PEOPLE = list(customers().values())


def test_there_are_forty_customers_in_six_languages():
    assert len(PEOPLE) >= 40
    assert {one.language for one in PEOPLE} == {"en", "de", "fr", "cs", "es", "ar"}
    assert {one.habit for one in PEOPLE} == set(Habit)
    assert {matter.look for one in PEOPLE for matter in one.matters} == set(Look)
    assert all(one.domain.endswith(".example") for one in PEOPLE)


@pytest.mark.parametrize("customer", PEOPLE, ids=lambda one: one.address)
def test_every_story_can_be_read(customer):
    for matter in customer.matters:
        raw = write_letter(
            Sheet(customer=customer, to=HELP, subject=matter.subject.format(order="N-1"), text=matter.letters[0].format(order="N-1"),
                  order="N-1", when=datetime.now(UTC), look=matter.look, file=matter.file)
        )  # fmt: skip
        read = letter.read(raw)
        assert read.subject == matter.subject.format(order="N-1").translate(
            {0x2019: "'", 0x2013: "-"} if matter.look is Look.UNLABELLED else {}
        )
        assert read.from_ is not None
        assert (read.from_.name, read.from_.address) == (customer.name, customer.address)
        first_words = " ".join(matter.letters[0].format(order="N-1").split()[:4]).replace("’", "'")
        assert first_words in " ".join(show(read).text.split()).replace("’", "'")
        assert bool(read.attachments) == bool(matter.file)
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_our_connector_finds_nothing_wrong_with_a_mailbox(still_world: LiveWorld):
    steps = list(still_world.inbox().check(how=Settle.MOVE, move_to="Archive"))
    assert [step.name for step in steps if step.state == "fail"] == []
    assert steps[-1].name == "count"
    assert steps[-1].detail.startswith(tuple("123456789"))


def test_letters_wait_at_the_start_and_come_byte_for_byte(still_world: LiveWorld, tmp_path: Path):
    kept = {path.read_bytes() for path in (tmp_path / "world" / "mail" / HELP).glob("*.eml")}
    with still_world.inbox() as inbox:
        inbox.open("INBOX")
        refs = inbox.list()
        assert {one.raw for one in inbox.read(refs)} == kept
        assert all(ref.size and ref.arrived and ref.arrived < datetime.now(UTC) for ref in refs)
    everywhere = sum(len(list(folder.glob("*.eml"))) for folder in (tmp_path / "world" / "mail").iterdir())
    assert everywhere == FIRST_LETTERS


def test_marks_and_moves_are_kept(still_world: LiveWorld):
    with still_world.inbox() as inbox:
        inbox.open("INBOX")
        first, second, *rest = inbox.list()
        inbox.settle([first], Settle.MARK_READ)
        inbox.settle([second], Settle.MOVE, folder="Archive")
    with still_world.inbox() as inbox:
        inbox.open("INBOX")
        assert [ref.uid for ref in inbox.list()] == [ref.uid for ref in (first, *rest)]
        assert b"\\Seen" in inbox.talk.ask(f"UID FETCH {first.uid} (FLAGS)".encode()).untagged[0][0]
        inbox.open("Archive")
        assert len(inbox.list()) == 1


def test_a_waiting_client_hears_of_a_new_letter_at_once(world: LiveWorld):
    with world.inbox() as inbox:
        inbox.open("INBOX")
        before = inbox.list()
        parked = inbox.park()
        assert parked is not None
        heard = lambda: parked.pending() or bool(select.select([parked.fileno()], [], [], 0)[0])  # noqa: E731
        wait_until(lambda: heard() and parked.read(), what="EXISTS in IDLE")
        parked.unpark()
        assert len(inbox.list()) > len(before)


def test_a_wrong_password_is_told_apart(still_world: LiveWorld):
    with pytest.raises(ConnectorError) as wrong:
        still_world.inbox(password="not it").connect()
    assert wrong.value.kind is Kind.SIGN_IN
    with (
        smtplib.SMTP("127.0.0.1", still_world.smtp_port, timeout=10) as client,
        pytest.raises(smtplib.SMTPAuthenticationError) as refused,
    ):
        client.login(HELP, "not it")
    assert refused.value.smtp_code == 535


def test_strangers_may_write_to_the_firm_and_nowhere_else(still_world: LiveWorld):
    with smtplib.SMTP("127.0.0.1", still_world.smtp_port, timeout=10) as client:
        client.ehlo()
        client.mail("stranger@elsewhere.example")
        assert client.rcpt("harriet.boyd@fernmail.example")[0] == 554
        assert client.rcpt("nobody@nordlys.example")[0] == 550
        assert client.rcpt("help+lamp@nordlys.example")[0] == 250
        client.data(b"Subject: a walk-in letter\r\n\r\nHello\r\n")
    still_world.find(lambda one: one.subject == "a walk-in letter")


def test_an_answer_gets_a_threaded_follow_up_that_quotes_it(world: LiveWorld):
    first = world.find(lambda one: one.from_ and one.from_.address == "harriet.boyd@fernmail.example")
    answer = world.submit(
        "harriet.boyd@fernmail.example",
        "It will come on Friday.\n\nNordlys",
        subject=f"Re: {first.subject}",
        about=first,
    )
    second = world.find(lambda one: answer in one.in_reply_to)
    assert second.subject == f"Re: {first.subject}"
    assert second.references == (first.message_id, answer)
    shown = show(second)
    assert "left with my neighbour" in " ".join(shown.text.split())
    assert "It will come on Friday." not in shown.text
    assert "> It will come on Friday." in second.text

    again = world.submit(
        "harriet.boyd@fernmail.example", "Yes, it is arranged.", subject=second.subject, about=second
    )
    third = world.find(lambda one: again in one.in_reply_to)
    assert "just been delivered" in " ".join(show(third).text.split())


def test_an_address_that_does_not_exist_comes_back_as_a_report(world: LiveWorld):
    sent = world.submit(
        "bea.holloway@closedbox.example", "We have changed it.", subject="Re: Adresse geändert – ok"
    )
    report = read_bounce(world.find(lambda one: automatic_kind(one) is AutomaticKind.BOUNCE))
    assert report is not None
    assert report.kind is BounceKind.BOUNCE
    assert [(one.address, one.status, one.action) for one in report.recipients] == [
        ("bea.holloway@closedbox.example", "5.1.1", "failed")
    ]
    assert report.original_message_id == sent


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("horst.pfeiffer@vollespostfach.example", "5.2.2"),
        ("who@fernmail.example", "5.1.1"),
        ("who@nowhere.example", "5.1.2"),
    ],
)
def test_other_troubles_have_their_own_status(world: LiveWorld, to: str, status: str):
    sent = world.submit(to, "Hello")
    report = read_bounce(world.find(lambda one: automatic_kind(one) is AutomaticKind.BOUNCE))
    assert report is not None
    assert [one.status for one in report.recipients] == [status]
    assert report.original_message_id == sent


def test_a_slow_server_reports_a_delay_and_the_customer_answers_later(world: LiveWorld):
    sent = world.submit("declan.murphy@slowcoach.example", "We do ship to Ireland.")
    report = read_bounce(world.find(lambda one: automatic_kind(one) is AutomaticKind.BOUNCE))
    assert report is not None
    assert report.kind is BounceKind.DELAYED
    assert report.original_message_id == sent
    assert world.find(lambda one: sent in one.in_reply_to and automatic_kind(one) is AutomaticKind.NONE)


def test_somebody_away_answers_automatically_first(world: LiveWorld):
    sent = world.submit("ewhitcombe@hollowoak.example", "Two orders, please.")
    away = world.find(lambda one: sent in one.in_reply_to)
    assert automatic_kind(away) is AutomaticKind.AUTO_REPLY
    assert away.headers.get("return-path") == "<>"
    assert (
        automatic_kind(world.find(lambda one: sent in one.in_reply_to and one.message_id != away.message_id))
        is AutomaticKind.NONE
    )


def test_nothing_answers_a_machine_or_the_null_sender(still_world: LiveWorld):
    before = len(still_world.letters())
    still_world.submit(
        "ewhitcombe@hollowoak.example", "We have got your mail.", Auto_Submitted="auto-replied"
    )
    still_world.submit("who@nowhere.example", "A report.", mail_from="")
    assert still_world.world.memory.events == []
    assert len(still_world.letters()) == before


def test_the_newsletter_is_a_list(still_world: LiveWorld):
    news = still_world.find(lambda one: one.from_ and one.from_.address == "news@nordicliving.example")
    assert automatic_kind(news) is AutomaticKind.LIST
    assert list_name(news)


def test_a_pace_of_nought_stops_what_an_earlier_run_had_begun(tmp_path: Path):
    lively = LiveWorld(tmp_path / "world", pace=500)
    wait_until(lambda: lively.world.memory.events, what="the next new matter")
    lively.end()
    still = LiveWorld(tmp_path / "world", pace=0)
    try:
        wait_until(lambda: still.world.memory.events == [], what="the end of what had begun")
    finally:
        still.end()


def test_a_second_run_has_the_same_letters_under_a_new_numbering(tmp_path: Path):
    first = LiveWorld(tmp_path / "world", pace=0)
    validity, letters = first.world.mailboxes.validity(HELP), [one.message_id for one in first.letters()]
    first.submit("declan.murphy@slowcoach.example", "We do ship to Ireland.")
    pending = [(event.what, event.customer) for event in first.world.memory.events]
    first.end()
    second = LiveWorld(tmp_path / "world", pace=0)
    try:
        assert second.world.mailboxes.validity(HELP) != validity
        assert [one.message_id for one in second.letters()] == letters
        assert [(event.what, event.customer) for event in second.world.memory.events] == pending
        assert len(pending) == 2
    finally:
        second.end()
