"""Rows THR of the catalogue of bad input: what a header may and may not prove about the case a letter belongs to."""

from __future__ import annotations

import sys
import time

import pytest

from postroom.actions.drafts import Written, open_draft, save_draft
from postroom.actions.replies import send
from postroom.actions.work import finish, pull
from postroom.flow.outgoing import bytes_of
from postroom.mail.letter import read
from postroom.mail.quotes import show
from postroom.models import (
    Case,
    CaseState,
    Interaction,
    InteractionState,
    LetterState,
    Message,
    MessageKind,
    OutState,
    RawMessage,
    RecipientState,
)
from tests.catalogue.rows import count
from tests.desk import letter, make_desk
from tests.flow.test_file import arrive

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("CA-01")]

LATER = {"THR-05": "answering by mail is not offered yet"}


def test_every_row_is_shown_or_named():
    count("THR", sys.modules[__name__], "02 03 05 06 08 09 10 11 12 13 14 15 16 18 19 20", LATER)


def answered(desk, subject: str = "Mine") -> Message:
    """A case that was answered and closed; returns our answer."""
    arrive(desk, letter(subject, to=desk.channel.address))
    work = pull(by=desk.agent)
    draft = save_draft(
        open_draft(work.case, by=desk.agent, purpose="reply"), by=desk.agent, written=Written(text="Soon.")
    )
    message = send(draft, by=desk.agent)
    finish(work, by=desk.agent)
    Message.objects.filter(pk=message.pk).update(state=OutState.SENT)
    message.recipients.update(state=RecipientState.ACCEPTED)
    return message


def reply_to(desk, message, **more):
    return letter(
        "Re: Mine",
        to=desk.channel.address,
        **more,
        headers={"In-Reply-To": f"<{message.message_id}>", **more.pop("headers", {})},
    )


def test_THR_02_a_signed_id_from_somebody_else_changes_nothing_in_the_case():
    desk = make_desk()
    ours = answered(desk)
    arrive(desk, reply_to(desk, ours, sender="eve@elsewhere.example"))
    first, second = Case.objects.order_by("id")
    assert (first.contact.address, first.state) == ("jonas@customer.example", CaseState.CLOSED)
    assert "eve@elsewhere.example" not in first.participants
    assert (second.linked_to, second.contact.address) == (first, "eve@elsewhere.example")


@pytest.mark.parametrize("subject", ["[#{n}] help", "Re: {key}-{n}", "Ticket #{n}", "[{key}-{n}]"])
def test_THR_03_a_guessed_number_in_the_subject_is_ignored(subject):
    desk = make_desk()
    arrive(desk, letter("Mine"))
    case = Case.objects.get()
    arrive(desk, letter(subject.format(n=case.pk, key=desk.channel.key)))
    assert Case.objects.count() == 2


@pytest.mark.parametrize("place", [0, 199, 399])
def test_THR_06_400_references_are_bounded_and_the_first_and_last_are_used(place):
    desk = make_desk()
    arrive(desk, letter("Mine", message_id="known@customer.example"))
    ids = [f"<{'x' * 50}{n}@customer.example>" for n in range(400)]
    ids[place] = "<known@customer.example>"
    raw = letter("Re: Mine", headers={"References": "\r\n ".join(ids)})
    row = arrive(desk, raw)
    assert row.state == LetterState.FILED
    assert Case.objects.count() == (2 if place == 199 else 1)
    assert len(Message.objects.latest("id").references) <= 60


def test_THR_08_a_plain_id_of_another_teams_letter_gives_a_stranger_nothing():
    theirs, ours = make_desk(), make_desk()
    arrive(theirs, letter("Mine", to=theirs.channel.address, message_id="a@customer.example"))
    arrive(
        ours,
        letter(
            "Re: Mine",
            sender="eve@elsewhere.example",
            to=ours.channel.address,
            headers={"In-Reply-To": "<a@customer.example>"},
        ),
    )
    first, second = Case.objects.order_by("id")
    assert (first.queue, second.queue) == (theirs.queue, ours.queue)
    assert first.messages.count() == 1
    message = answered(theirs)
    arrive(ours, reply_to(ours, message))
    assert Message.objects.latest("id").case == message.case


def test_THR_09_the_same_id_with_other_content_is_kept_and_marked():
    desk = make_desk()
    arrive(desk, letter("One", message_id="same@customer.example", body="one\r\n"))
    row = arrive(desk, letter("Two", message_id="same@customer.example", body="two\r\n"))
    assert row.state == LetterState.FILED
    first, second = Message.objects.order_by("id")
    assert (first.text.strip(), second.text.strip()) == ("one", "two")
    assert ("dup-id" in first.flags, "dup-id" in second.flags) == (False, True)


def test_THR_10_the_same_letter_in_two_mailboxes_is_placed_in_both():
    one, two = make_desk(), make_desk()
    raw = letter(
        "To both", to=f"{one.channel.address}, {two.channel.address}", message_id="both@customer.example"
    )
    assert arrive(one, raw).state == arrive(two, raw).state == LetterState.FILED
    assert {case.queue for case in Case.objects.all()} == {one.queue, two.queue}
    assert not any("dup-id" in message.flags for message in Message.objects.all())


@pytest.mark.parametrize("fate", ["closed", "erased", "left without a queue"])
def test_THR_11_an_answer_to_what_became_of_a_case_is_never_an_error(fate):
    desk = make_desk()
    ours = answered(desk)
    if fate == "erased":
        RawMessage.objects.update(message_id="")
        Case.objects.all().delete()
    if fate == "left without a queue":
        Case.objects.update(queue=None)
    assert arrive(desk, reply_to(desk, ours)).state == LetterState.FILED
    case = Case.objects.get()
    assert (case.state, case.queue) == (CaseState.OPEN, desk.queue)
    assert Interaction.objects.filter(state=InteractionState.WAITING).count() == 1


@pytest.mark.parametrize("length", [20, 76, 80, 200, 900])
def test_THR_12_ids_of_any_length_leave_literally(length):
    desk = make_desk()
    theirs = "x" * length + "@customer.example"
    arrive(desk, letter("Mine", to=desk.channel.address, message_id=theirs))
    draft = open_draft(Case.objects.get(), by=desk.agent, purpose="reply")
    raw = bytes_of(send(save_draft(draft, by=desk.agent, written=Written(text="Yes.")), by=desk.agent))
    head = raw.partition(b"\r\n\r\n")[0]
    for name in (b"In-Reply-To: ", b"References: "):
        value = (
            head.partition(b"\r\n" + name)[2].partition(b"\r\n")[0]
            or head.partition(b"\r\n" + name)[2].split(b"\r\n")[1]
        )
        assert f"<{theirs}>".encode() in value, (name, value)
        assert b"=?" not in value
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert read(raw).in_reply_to == (theirs,)


def test_THR_13_a_thread_index_proves_nothing():
    desk = make_desk()
    headers = {"Thread-Index": "AQHZ0000000000000000000000000000000000==", "Thread-Topic": "Mine"}
    arrive(desk, letter("Mine", headers=headers))
    arrive(desk, letter("Re: Mine", headers=headers))
    assert Case.objects.count() == 2


def test_THR_14_a_marker_in_the_customers_own_words_cuts_nothing():
    desk = make_desk()
    body = "Please tell me\r\n##- Please type your reply above this line -##\r\nwhat this line means.\r\n"
    arrive(desk, letter("Marker", body=body))
    message = Message.objects.get()
    assert "what this line means" in message.text + message.folded
    assert "Please tell me" in message.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("> Where do you live?\r\nIn Graz.\r\n> And your name?\r\nJonas.\r\n", "In Graz."),
        ("On Monday, Maya wrote:\r\n> Where do you live?\r\n\r\nIn Graz.\r\n", "In Graz."),
        ("> everything is quoted\r\n> and nothing is new\r\n", "everything is quoted"),
        ("-- \r\nonly a signature\r\n", "only a signature"),
    ],
)
def test_THR_15_an_answer_below_or_inside_the_quote_is_seen_and_no_message_is_empty(body, words):
    desk = make_desk()
    arrive(desk, letter("Re: Mine", body=body))
    assert words in Message.objects.get().text


@pytest.mark.parametrize(
    "body", [" " * 1_000_000, ">" * 1_000_000, "> " * 500_000, "On Monday, Maya wrote:\r\n" * 100_000, ">\r\n" * 300_000, "-- \r\n" * 200_000],
    ids=["spaces", "marks", "marks and spaces", "attributions", "quoted lines", "signatures"],
)  # fmt: skip
def test_THR_16_text_made_to_choke_the_folding_is_done_in_time(body):
    parsed = read(letter("Choke", body=body))
    start = time.process_time()
    show(parsed)
    took = time.process_time() - start
    assert took <= 2, f"{took:.2f} s"


def test_THR_18_an_absence_notice_is_kept_in_its_case_which_stays_closed():
    desk = make_desk()
    ours = answered(desk)
    arrive(
        desk,
        letter(
            "Out of office: Mine",
            to=desk.channel.address,
            headers={"In-Reply-To": f"<{ours.message_id}>", "Auto-Submitted": "auto-replied"},
        ),
    )
    case = Case.objects.get()
    assert case.state == CaseState.CLOSED
    assert case.messages.filter(kind=MessageKind.IN).count() == 2
    assert any(flag.startswith("automatic") for flag in Message.objects.latest("id").flags)
    assert not Interaction.objects.filter(state=InteractionState.WAITING).exists()
    assert Message.objects.filter(kind=MessageKind.OUT).count() == 1


def report(message_id: str, *, recipient: str = "jonas@customer.example") -> bytes:
    """A failure report that quotes nothing of the message but its id."""
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: help@example.test\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\n--b--\r\n"
    ).encode()


def test_THR_19_a_bounce_that_quotes_only_our_id_is_matched_and_another_is_marked():
    desk = make_desk()
    ours = answered(desk)
    arrive(desk, report(ours.message_id))
    ours.refresh_from_db()
    assert (ours.state, ours.recipients.get().state) == (OutState.FAILED, RecipientState.BOUNCED)
    row = arrive(desk, report("unknown@elsewhere.example"))
    assert row.state == LetterState.FILED
    assert Message.objects.latest("id").case != ours.case
    assert "bounce" in Message.objects.latest("id").flags
    assert any("no message of ours" in words for _, _, words in row.trail)


def test_THR_20_a_forged_bounce_changes_nothing():
    desk = make_desk()
    ours = answered(desk)
    local, _, domain = ours.message_id.partition("@")
    forged = f"{local[:-4]}{'aaaa' if not local.endswith('aaaa') else 'bbbb'}@{domain}"
    assert arrive(desk, report(forged)).state == LetterState.FILED
    ours.refresh_from_db()
    assert (ours.state, ours.recipients.get().state) == (OutState.SENT, RecipientState.ACCEPTED)
    assert ours.case.state == CaseState.CLOSED
