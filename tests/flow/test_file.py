"""Filing: a stored letter becomes a message of a case, with work in a queue, or says why not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from postroom.actions.drafts import Written, open_draft, save_draft
from postroom.actions.replies import send
from postroom.actions.work import finish, pull
from postroom.flow import file
from postroom.mail.ids import make_message_id
from postroom.models import (
    Case,
    CaseState,
    Contact,
    Interaction,
    InteractionState,
    LetterState,
    Message,
    OutState,
    RawMessage,
    Recipient,
    RecipientState,
    search,
)
from postroom.models.blob import blobs
from tests.desk import letter, make_desk

pytestmark = pytest.mark.django_db


def store(desk, raw: bytes, **columns) -> RawMessage:
    reference, digest = blobs().append(raw)
    uid = str(RawMessage.objects.count() + 1)
    return RawMessage.objects.create(
        channel=desk.channel,
        uid=uid,
        validity="1",
        blob=reference,
        sha256=digest.hex(),
        size=len(raw),
        **columns,
    )


def file_all() -> None:
    blobs().sync()
    while file.file_next():
        pass


def arrive(desk, raw: bytes, **columns) -> RawMessage:
    row = store(desk, raw, **columns)
    file_all()
    row.refresh_from_db()
    return row


@pytest.mark.requirement("CA-01", "CH-01")
def test_a_letter_becomes_a_case_that_waits_in_the_default_queue():
    desk = make_desk()
    row = arrive(desk, letter("Wo ist mein Päckchen?", to=desk.channel.address, body="Grüße aus Graz\r\n"))
    assert row.state == LetterState.FILED
    case = Case.objects.get()
    assert (case.subject, case.state, case.queue) == ("Wo ist mein Päckchen?", CaseState.OPEN, desk.queue)
    assert case.contact.address == "jonas@customer.example"
    work = Interaction.objects.get()
    assert (work.state, work.queue, work.case) == (InteractionState.WAITING, desk.queue, case)
    assert [step for step, _, _ in row.trail] == ["recipient", "contact", "thread", "queue", "enqueue"]
    assert search.search("graz") == [Message.objects.get().pk]


def test_letters_of_one_batch_thread_among_themselves():
    desk = make_desk()
    store(desk, letter("First", message_id="a@customer.example"))
    store(
        desk,
        letter("Re: First", message_id="b@customer.example", headers={"In-Reply-To": "<a@customer.example>"}),
    )
    store(desk, letter("Re: First", headers={"References": "<a@customer.example> <b@customer.example>"}))
    file_all()
    assert Case.objects.count() == 1
    assert Interaction.objects.count() == 1
    assert Contact.objects.count() == 1
    assert Message.objects.count() == 3


def test_an_answer_that_arrives_before_its_letter_is_joined_by_it():
    desk = make_desk()
    arrive(desk, letter("Re: First", headers={"In-Reply-To": "<late@customer.example>"}))
    arrive(desk, letter("First", message_id="late@customer.example"))
    assert Case.objects.count() == 1


@pytest.mark.requirement("CA-01")
def test_a_stranger_who_knows_an_id_gets_a_case_of_their_own_that_is_linked():
    desk = make_desk()
    arrive(desk, letter("Mine", message_id="a@customer.example"))
    arrive(
        desk,
        letter("Re: Mine", sender="eve@elsewhere.example", headers={"In-Reply-To": "<a@customer.example>"}),
    )
    first, second = Case.objects.order_by("id")
    assert second.linked_to == first


def test_a_forged_id_of_ours_is_not_believed():
    desk = make_desk()
    arrive(desk, letter("Mine"))
    forged = make_message_id(
        b"another key of 32 bytes, not ours", case=Case.objects.get().pk, message=1, domain="example.test"
    )
    arrive(desk, letter("Re: Mine", headers={"In-Reply-To": f"<{forged}>"}))
    assert Case.objects.count() == 2


def answer(desk, text: str = "It is on its way.") -> Message:
    work = pull(by=desk.agent)
    draft = open_draft(work.case, by=desk.agent, purpose="reply")
    save_draft(draft, by=desk.agent, written=Written(text=text))
    message = send(draft, by=desk.agent)
    finish(work, by=desk.agent)
    Message.objects.filter(pk=message.pk).update(state=OutState.SENT)
    message.recipients.update(state=RecipientState.ACCEPTED)
    return message


@pytest.mark.requirement("CA-02")
def test_the_customers_answer_reopens_the_finished_case():
    desk = make_desk()
    arrive(desk, letter("Mine", to=desk.channel.address))
    message = answer(desk)
    assert Case.objects.get().state == CaseState.CLOSED
    arrive(
        desk, letter("Re: Mine", to=desk.channel.address, headers={"In-Reply-To": f"<{message.message_id}>"})
    )
    case = Case.objects.get()
    assert case.state == CaseState.OPEN
    assert [i.state for i in case.interactions.order_by("id")] == [
        InteractionState.FINISHED,
        InteractionState.WAITING,
    ]


@pytest.mark.requirement("CA-02")
def test_after_the_reopening_time_a_linked_new_case_begins():
    desk = make_desk()
    arrive(desk, letter("Mine", to=desk.channel.address))
    message = answer(desk)
    Case.objects.update(closed=timezone.now() - timedelta(days=desk.queue.reopen_days + 1))
    arrive(desk, letter("Re: Mine", headers={"In-Reply-To": f"<{message.message_id}>"}))
    assert [c.linked_to_id for c in Case.objects.order_by("id")] == [
        None,
        Case.objects.order_by("id").first().pk,
    ]


REPORT = """From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{n}.report@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; jonas@customer.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: <{original}>
Subject: Re: Mine

--b--
"""


def report(desk, message: Message, action: str, status: str) -> bytes:
    text = REPORT.format(
        to=desk.sender.address,
        original=message.message_id,
        action=action,
        status=status,
        n=RawMessage.objects.count(),
    )
    return text.replace("\n", "\r\n").encode()


@pytest.mark.requirement("CA-10")
def test_a_bounce_finds_its_message_and_recipient_and_reopens_the_case():
    desk = make_desk()
    arrive(desk, letter("Mine", to=desk.channel.address))
    message = answer(desk)
    arrive(desk, report(desk, message, "failed", "5.1.1"))
    recipient = Recipient.objects.get(message=message)
    assert (recipient.state, recipient.status) == (RecipientState.BOUNCED, "5.1.1")
    message.refresh_from_db()
    assert message.state == OutState.FAILED
    assert Case.objects.get().state == CaseState.OPEN
    assert Interaction.objects.filter(state=InteractionState.WAITING).count() == 1


@pytest.mark.requirement("CA-10")
def test_a_delay_is_shown_as_delayed_and_makes_no_work():
    desk = make_desk()
    arrive(desk, letter("Mine", to=desk.channel.address))
    message = answer(desk)
    arrive(desk, report(desk, message, "delayed", "4.4.1"))
    assert Recipient.objects.get(message=message).state == RecipientState.DELAYED
    assert not Interaction.objects.filter(state=InteractionState.WAITING).exists()


def test_a_copy_of_our_own_message_is_left_aside():
    desk = make_desk()
    arrive(desk, letter("Mine", to=desk.channel.address))
    message = answer(desk)
    row = arrive(desk, letter("Re: Mine", sender=desk.sender.address, message_id=message.message_id))
    assert (row.state, row.reason) == (LetterState.IGNORED, f"A copy of our own message {message.pk}")


@pytest.mark.requirement("CH-09")
def test_with_recipient_only_other_letters_are_listed_with_the_reason():
    desk = make_desk(recipient_only=True, aliases=["sales@example.test"])
    assert arrive(desk, letter(to="list@example.org")).state == LetterState.IGNORED
    assert (
        arrive(desk, letter(to="list@example.org", headers={"Delivered-To": desk.channel.address})).state
        == LetterState.FILED
    )
    assert arrive(desk, letter(to="Sales <SALES@example.test>")).state == LetterState.FILED


@pytest.mark.requirement("CH-12")
def test_archive_letters_make_cases_but_no_work():
    desk = make_desk()
    arrive(desk, letter("Long ago"), archive=True)
    assert Case.objects.get().state == CaseState.CLOSED
    assert not Interaction.objects.exists()


@pytest.mark.requirement("RX-06")
def test_one_letter_that_cannot_be_filed_is_stuck_and_the_others_go_on(monkeypatch):
    desk = make_desk()

    def choke(filing, real=file.run_steps):
        if filing.letter.subject == "Poison":
            raise ValueError("cannot swallow this")

    real = file.run_steps
    monkeypatch.setattr(file, "run_steps", lambda filing, d: (choke(filing), real(filing, d))[1])
    rows = [store(desk, letter(s)) for s in ("One", "Poison", "Two")]
    for _ in range(6):
        file_all()
        RawMessage.objects.update(next_try=None)
    states = [RawMessage.objects.get(pk=r.pk).state for r in rows]
    assert states == [LetterState.FILED, LetterState.STUCK, LetterState.FILED]
    poison = RawMessage.objects.get(pk=rows[1].pk)
    assert "cannot swallow this" in poison.reason
    assert Case.objects.count() == 2


def test_a_channel_that_lost_its_queue_says_so_on_the_letter():
    desk = make_desk()
    desk.channel.default_queue = None
    desk.channel.save()
    row = arrive(desk, letter())
    assert row.state == LetterState.STUCK
    assert "default queue" in row.reason


def test_a_letter_whose_channel_was_deleted_is_stuck_and_holds_up_nobody():
    desk, other = make_desk(), make_desk()
    orphan = store(desk, letter("Orphan"))
    RawMessage.objects.filter(pk=orphan.pk).update(channel=None)
    assert arrive(other, letter("After it")).state == LetterState.FILED
    orphan.refresh_from_db()
    assert (orphan.state, orphan.reason) == (
        LetterState.STUCK,
        "Its channel was deleted before it could be filed.",
    )


def test_odd_bytes_are_filed_too():
    desk = make_desk()
    for raw in (
        b"",
        b"\x00" * 100,
        b"no header at all",
        b"\xff\xfe\xfd" * 50,
        b"From: \xf0\x28\x8c\x28 <a@b>\r\nSubject: =?x?b?!!!?=\r\n\r\n\x80",
    ):
        assert arrive(desk, raw).state == LetterState.FILED
