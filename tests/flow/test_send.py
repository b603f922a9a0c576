"""Sending: a receipt per recipient, retries by policy, and `unknown` where the answer was lost; never twice by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from postroom.actions import outbox as by_hand
from postroom.actions.drafts import Written, add_file, open_draft, save_draft
from postroom.actions.refusals import Refused
from postroom.actions.replies import Newer, send, undo
from postroom.connectors.base import AnswerLost, ConnectorError, Kind, Outbox, Receipt, Verdict
from postroom.flow import send as sending
from postroom.mail.letter import read
from postroom.models import Case, Health, Message, MessageKind, OutState, RecipientState
from postroom.models.blob import blobs
from tests.desk import letter, make_desk
from tests.flow.test_file import arrive

pytestmark = pytest.mark.django_db


class Scripted(Outbox):
    """An outbox that answers as the test says; remembers what reached the dot."""

    Settings = object

    def __init__(self, answer):
        super().__init__(None, None)
        self.answer, self.taken = answer, []

    def connect(self):
        pass

    def close(self):
        pass

    def check(self, **more):
        yield from ()

    def send(self, envelope, raw, *, before_final=lambda: None):
        return self.answer(self, envelope, raw, before_final)


def accepts(outbox, envelope, raw, before_final):
    before_final()
    outbox.taken.append((envelope, raw))
    return Receipt(
        tuple(Verdict(a, "accepted", 250, "2.0.0", "ok") for a in envelope.recipients),
        "250 2.0.0 queued as 1",
    )


def loses(outbox, envelope, raw, before_final):
    before_final()
    outbox.taken.append((envelope, raw))
    raise AnswerLost("The connection was lost after the final dot.")


def fails(kind):
    def answer(outbox, envelope, raw, before_final):
        raise ConnectorError("It did not work.", kind=kind, server_line="451 later")

    return answer


def write_reply(desk, *, text="Here it is.", to=None) -> Message:
    arrive(desk, letter("Mine", to=desk.channel.address, message_id="x" * 90 + "@customer.example"))
    case = Case.objects.order_by("-id")[0]
    draft = open_draft(case, by=desk.agent, purpose="reply")
    return save_draft(draft, by=desk.agent, written=Written(text=text, to=to))


def later(message: Message):
    return time_machine.travel(timezone.now() + timedelta(seconds=11))


def send_once(answer) -> tuple[str, Scripted]:
    outbox = Scripted(answer)
    claimed = sending.claim("test")
    assert claimed is not None
    return sending.send(claimed, outbox), outbox


@pytest.mark.requirement("SE-08", "SE-09")
def test_a_reply_leaves_after_the_undo_window_threaded_and_literal():
    desk = make_desk()
    message = send(write_reply(desk), by=desk.agent)
    assert sending.claim("test") is None
    with later(message):
        state, outbox = send_once(accepts)
    assert state == OutState.SENT
    envelope, raw = outbox.taken[0]
    assert envelope.recipients == ("jonas@customer.example",)
    parsed = read(raw)
    assert parsed.in_reply_to == ("x" * 90 + "@customer.example",)
    assert b"In-Reply-To: <" + b"x" * 90 in raw
    assert (
        b"=?"
        not in raw.partition(b"\r\n\r\n")[0]
        .partition(b"References:")[2]
        .partition(b"\r\n\r\n")[0]
        .split(b"\r\n")[0]
    )
    assert "Here it is." in parsed.text
    assert "> where is it?" in parsed.text
    message.refresh_from_db()
    assert (message.server_line, message.recipients.get().state) == (
        "250 2.0.0 queued as 1",
        RecipientState.ACCEPTED,
    )


def test_a_message_can_be_taken_back_while_it_is_held_and_not_later():
    desk = make_desk()
    message = send(write_reply(desk), by=desk.agent)
    assert undo(message, by=desk.agent).state == OutState.DRAFT
    message = send(message, by=desk.agent)
    with later(message):
        send_once(accepts)
        with pytest.raises(Refused):
            undo(message, by=desk.agent)


@pytest.mark.requirement("SE-09")
def test_a_lost_answer_is_unknown_and_never_sent_again_by_itself():
    desk = make_desk()
    message = send(write_reply(desk), by=desk.agent)
    with later(message):
        state, _ = send_once(loses)
        assert state == OutState.UNKNOWN
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert sending.claim("test") is None
        by_hand.retry(message, by=desk.agent)
        state, outbox = send_once(accepts)
    assert state == OutState.SENT
    assert read(outbox.taken[0][1]).message_id == message.message_id


@pytest.mark.parametrize("marked", [False, True])
def test_a_worker_that_died_leaves_unknown_only_after_the_marker(marked):
    desk = make_desk()
    message = send(write_reply(desk), by=desk.agent)
    with later(message):
        claimed = sending.claim("dead worker")
        if marked:
            sending.mark(claimed)
        assert sending.recover(lambda owner: owner == "dead worker") == 1
        message.refresh_from_db()
        assert message.state == (OutState.UNKNOWN if marked else OutState.QUEUED)
        with pytest.raises(sending.ClaimLost):
            sending.mark(claimed)


def test_only_the_recipients_that_were_put_off_are_tried_again():
    desk = make_desk()
    message = send(write_reply(desk, to="a@x.example, b@x.example, c@x.example"), by=desk.agent)
    states = {"a@x.example": "accepted", "b@x.example": "deferred", "c@x.example": "refused"}

    def some(outbox, envelope, raw, before_final):
        before_final()
        outbox.taken.append((envelope, raw))
        return Receipt(
            tuple(Verdict(a, states[a], line=f"{a} {states[a]}") for a in envelope.recipients), "250 ok"
        )

    with later(message):
        state, first = send_once(some)
    assert state == OutState.DEFERRED
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        state, second = send_once(accepts)
    assert second.taken[0][0].recipients == ("b@x.example",)
    assert second.taken[0][1] == first.taken[0][1]
    assert state == OutState.PARTIAL
    assert set(message.recipients.values_list("address", "state")) == {
        ("a@x.example", "accepted"), ("b@x.example", "accepted"), ("c@x.example", "bounced")
    }  # fmt: skip


@pytest.mark.requirement("RX-07")
def test_trouble_of_the_server_defers_and_is_given_up_after_a_day():
    desk = make_desk()
    message = send(write_reply(desk), by=desk.agent)
    with later(message):
        assert send_once(fails(Kind.TRANSIENT))[0] == OutState.DEFERRED
    desk.sender.refresh_from_db()
    assert desk.sender.health == Health.RETRYING
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert send_once(fails(Kind.TRANSIENT))[0] == OutState.FAILED


def test_a_message_the_server_will_never_take_fails_at_once():
    desk = make_desk()
    message = send(write_reply(desk), by=desk.agent)
    with later(message):
        assert send_once(fails(Kind.MESSAGE))[0] == OutState.FAILED
    assert message.recipients.get().state == RecipientState.BOUNCED


@pytest.mark.requirement("AG-02")
def test_something_new_in_the_case_stops_the_send_once():
    desk = make_desk()
    draft = write_reply(desk)
    first = Message.objects.get(kind=MessageKind.IN)
    arrive(
        desk, letter("Re: Mine", body="One more thing\r\n", headers={"In-Reply-To": f"<{first.message_id}>"})
    )
    with pytest.raises(Newer) as newer:
        send(draft, by=desk.agent)
    assert [m.text.strip() for m in newer.value.messages] == ["One more thing"]
    assert send(draft, by=desk.agent, anyway=True).state == OutState.HELD


def test_a_double_click_makes_one_message():
    desk = make_desk()
    draft = write_reply(desk)
    send(draft, by=desk.agent)
    with pytest.raises(Refused):
        send(draft, by=desk.agent)
    assert Message.objects.filter(kind=MessageKind.OUT).count() == 1


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (Written(to=""), "to"),
        (Written(to="nobody"), "to"),
        (Written(text=" "), "text"),
        (Written(cc="a@b, half@"), "cc"),
        (Written(sender=0), "sender"),
    ],
)
def test_what_is_missing_is_named_by_its_field(written, field):
    desk = make_desk()
    draft = save_draft(write_reply(desk), by=desk.agent, written=written)
    with pytest.raises(Refused) as refused:
        send(draft, by=desk.agent)
    assert field in refused.value.errors
    assert Message.objects.get(pk=draft.pk).state == OutState.DRAFT


@pytest.mark.requirement("SE-05")
def test_a_file_that_makes_the_message_too_large_is_refused_with_the_numbers():
    desk = make_desk()
    draft = write_reply(desk)
    desk.sender.size_limit_mb = 1
    desk.sender.save()
    draft.sender.refresh_from_db()
    with pytest.raises(Refused) as refused:
        add_file(
            draft, by=desk.agent, name="big.bin", type="application/octet-stream", content=b"x" * 900_000
        )
    assert "the limit is 1 MB" in refused.value.errors["file"]
    add_file(draft, by=desk.agent, name="small.txt", type="text/plain", content="žluť".encode())
    message = send(draft, by=desk.agent)
    with later(message):
        _, outbox = send_once(accepts)
    attachment = read(outbox.taken[0][1]).attachments[0]
    assert (attachment.name, attachment.part.content()) == ("small.txt", "žluť".encode())


def test_a_forward_carries_the_files_of_the_letter():
    desk = make_desk()
    raw = (
        b"From: Jonas <jonas@customer.example>\r\nTo: help@example.test\r\nSubject: Scan\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee file\r\n--b\r\n"
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=scan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n"
    )
    arrive(desk, raw)
    draft = open_draft(Case.objects.get(), by=desk.agent, purpose="forward")
    save_draft(draft, by=desk.agent, written=Written(to="lab@other.example", text="Please look."))
    message = send(draft, by=desk.agent)
    with later(message):
        _, outbox = send_once(accepts)
    parsed = read(outbox.taken[0][1])
    assert parsed.attachments[0].part.content() == b"%PDF-"
    assert "See file" in parsed.text
    assert parsed.in_reply_to == ()
    assert blobs().read(Message.objects.get(pk=message.pk).blob) == outbox.taken[0][1]
