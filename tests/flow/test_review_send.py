"""Sending under suspicion: claims that end too early, parts that are gone, second copies, messages without a sender."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from postroom.actions import outbox as by_hand
from postroom.actions.drafts import Written, add_file, open_draft, save_draft
from postroom.actions.refusals import Refused
from postroom.actions.replies import send
from postroom.engine.connections import Connections
from postroom.flow import send as sending
from postroom.models import Attachment, Case, Message, OutState, RecipientState, Sender, search
from tests.desk import letter, make_desk
from tests.flow.test_file import arrive
from tests.flow.test_send import Scripted, accepts, later, loses, send_once, write_reply

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("SE-09")
def test_the_claim_of_a_large_message_lasts_as_long_as_its_upload_may_take():
    desk = make_desk()
    draft = write_reply(desk)
    add_file(draft, by=desk.agent, name="scan.bin", type="application/octet-stream", content=bytes(9_000_000))
    message = send(draft, by=desk.agent)

    def slowly(outbox, envelope, raw, before_final):
        with time_machine.travel(timezone.now() + timedelta(minutes=18)):
            assert sending.recover() == 0
            return accepts(outbox, envelope, raw, before_final)

    with later(message):
        assert send_once(slowly)[0] == OutState.SENT


def test_the_claim_lasts_while_a_server_thinks_about_the_dot_as_long_as_the_sender_allows():
    desk = make_desk()
    desk.sender.settings = {"final_timeout": 3600}
    desk.sender.save()
    message = send(write_reply(desk), by=desk.agent)

    def thinks(outbox, envelope, raw, before_final):
        receipt = accepts(outbox, envelope, raw, before_final)
        with time_machine.travel(timezone.now() + timedelta(minutes=59)):
            assert sending.recover() == 0
        return receipt

    with later(message):
        assert send_once(thinks)[0] == OutState.SENT


@pytest.mark.requirement("SE-09")
def test_a_message_whose_file_cannot_be_read_fails_with_the_reason_and_is_not_begun_for_ever():
    desk = make_desk()
    draft = write_reply(desk)
    add_file(draft, by=desk.agent, name="scan.txt", type="text/plain", content=b"scan")
    Attachment.objects.filter(message=draft).update(blob="0" * 32 + ":0:4")
    message = send(draft, by=desk.agent)
    with later(message):
        state, outbox = send_once(accepts)
    message.refresh_from_db()
    assert (state, outbox.taken) == (OutState.FAILED, [])
    assert "cannot be read" in message.error


def test_a_message_is_found_by_its_words_after_its_first_worker_died():
    desk = make_desk()
    message = send(write_reply(desk, text="Xylophone"), by=desk.agent)
    with later(message):
        sending.claim("dead")
        sending.recover(lambda owner: owner == "dead")
        assert send_once(accepts)[0] == OutState.SENT
    assert search.search("xylophone") == [message.pk]


def test_a_message_that_is_sent_again_by_hand_is_found_once():
    desk = make_desk()
    message = send(write_reply(desk, text="Xylophone"), by=desk.agent)
    with later(message):
        send_once(loses)
        by_hand.retry(message, by=desk.agent)
        send_once(accepts)
    assert search.search("xylophone") == [message.pk]


@pytest.mark.requirement("SE-09")
def test_a_delayed_recipient_gets_no_second_copy_when_another_is_tried_again():
    desk = make_desk()
    message = send(write_reply(desk, to="slow@x.example, bad@x.example"), by=desk.agent)
    with later(message):
        send_once(accepts)
        message.recipients.filter(address="slow@x.example").update(state=RecipientState.DELAYED)
        message.recipients.filter(address="bad@x.example").update(state=RecipientState.BOUNCED)
        Message.objects.filter(pk=message.pk).update(state=OutState.PARTIAL)
        by_hand.retry(message, by=desk.agent)
        _, outbox = send_once(accepts)
    assert outbox.taken[0][0].recipients == ("bad@x.example",)


def test_a_message_whose_sender_was_deleted_is_not_queued_for_ever():
    desk = make_desk()
    message = send(write_reply(desk), by=desk.agent)
    with later(message):
        send_once(loses)
        Message.objects.filter(pk=message.pk).update(sender=None)
        with pytest.raises(Refused, match="sender"):
            by_hand.retry(message, by=desk.agent)
        other = Sender.objects.create(
            name="Other", address="other@example.test", connector="smtp", enabled=True
        )
        by_hand.change_sender(message, by=desk.agent, sender=other)
        by_hand.retry(message, by=desk.agent)
        _, outbox = send_once(accepts)
    assert outbox.taken[0][0].sender == "other@example.test"


def test_an_address_in_two_spellings_gets_one_copy():
    desk = make_desk()
    draft = write_reply(desk, to="Ann@X.example")
    save_draft(draft, by=desk.agent, written=Written(cc="ann@x.example", bcc="ANN@x.example"))
    message = send(draft, by=desk.agent)
    assert list(message.recipients.values_list("address", flat=True)) == ["Ann@X.example"]


def test_bcc_is_in_the_envelope_and_not_in_the_bytes():
    desk = make_desk()
    draft = write_reply(desk, to="a@x.example")
    save_draft(draft, by=desk.agent, written=Written(bcc="secret@x.example"))
    message = send(draft, by=desk.agent)
    with later(message):
        _, outbox = send_once(accepts)
    envelope, raw = outbox.taken[0]
    assert envelope.recipients == ("a@x.example", "secret@x.example")
    assert b"secret@x.example" not in raw


@pytest.mark.parametrize(
    ("headers", "to"),
    [
        ({"Reply-To": "{ours}"}, ["jonas@customer.example"]),
        ({"Reply-To": "{ours}, office@customer.example"}, ["office@customer.example"]),
        ({"From": ""}, []),
        ({"From": "", "Reply-To": "office@customer.example"}, ["office@customer.example"]),
    ],
)
def test_an_answer_never_goes_to_ourselves_or_to_nobody(headers, to):
    desk = make_desk()
    ours = desk.channel.address
    arrive(desk, letter("Mine", to=ours, headers={k: v.replace("{ours}", ours) for k, v in headers.items()}))
    for purpose in ("reply", "reply-all"):
        draft = open_draft(Case.objects.get(), by=desk.agent, purpose=purpose)
        assert [p["address"] for p in draft.to] == to
        assert ours not in [p["address"] for p in draft.cc]


def test_a_connection_is_closed_when_its_worker_was_overtaken(monkeypatch):
    desk = make_desk()
    message = send(write_reply(desk), by=desk.agent)
    closed = []

    def overtaken(outbox, envelope, raw, before_final):
        Message.objects.filter(pk=message.pk).update(fence=99)
        before_final()

    outbox = Scripted(overtaken)
    outbox.close = lambda: closed.append(True)
    monkeypatch.setattr("postroom.engine.connections.outbox_of", lambda sender: outbox)
    with later(message), pytest.raises(sending.ClaimLost):
        Connections().use(sending.claim("slow"))
    assert closed == [True]
