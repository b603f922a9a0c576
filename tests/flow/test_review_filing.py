"""Filing under suspicion: forged writers, two filers, people who act at the same moment, and letters that are filed again."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from postroom.actions.drafts import Written, open_draft, save_draft
from postroom.actions.replies import send
from postroom.actions.work import finish, pull, transfer
from postroom.flow import file
from postroom.flow.bounced import apply_bounce
from postroom.flow.file import set_aside
from postroom.mail.bounces import Bounce, BouncedRecipient
from postroom.models import (
    Case,
    CaseState,
    Interaction,
    InteractionState,
    LetterState,
    Message,
    MessageKind,
    OutState,
    Queue,
    RawMessage,
    RecipientState,
)
from tests.desk import letter, make_desk
from tests.flow.test_file import arrive, file_all, store

pytestmark = pytest.mark.django_db


def answering(message_id: str, **more) -> bytes:
    return letter("Re: Mine", headers={"In-Reply-To": f"<{message_id}>"}, **more)


@pytest.mark.requirement("CA-01")
@pytest.mark.parametrize("signed", [False, True])
def test_a_forged_address_of_ours_joins_no_case(signed):
    desk = make_desk()
    arrive(desk, letter("Mine", to=desk.channel.address, message_id="a@customer.example"))
    case = Case.objects.get()
    quoted = "a@customer.example"
    if signed:
        draft = save_draft(
            open_draft(case, by=desk.agent, purpose="reply"), by=desk.agent, written=Written(text="Here.")
        )
        quoted = send(draft, by=desk.agent).message_id
    arrive(desk, answering(quoted, sender=f"Desk <{desk.sender.address}>", to=desk.channel.address))
    forged = Message.objects.filter(kind=MessageKind.IN).latest("id")
    assert (forged.case_id != case.pk, forged.case.linked_to) == (True, case)
    arrive(desk, answering(quoted))
    assert Message.objects.latest("id").case == case


def test_the_people_of_a_case_are_bounded_and_the_first_stay():
    desk = make_desk()
    arrive(desk, letter("Mine", to=desk.channel.address, message_id="a@customer.example"))
    for n in range(7):
        crowd = ", ".join(f"p{n}.{i}@crowd.example" for i in range(199))
        arrive(desk, answering("a@customer.example", to=crowd))
    case = Case.objects.get()
    assert len(case.participants) == file.MOST_PARTICIPANTS
    assert "jonas@customer.example" in case.participants


@pytest.mark.requirement("RX-03")
def test_a_filer_that_was_overtaken_does_not_take_the_letter_back():
    desk = make_desk()
    row = arrive(desk, letter("Mine"))
    for _ in range(5):
        set_aside(row, RuntimeError("another filer was faster"))
        row.refresh_from_db()
    assert (row.state, row.attempts) == (LetterState.FILED, 0)


@pytest.mark.requirement("CH-07")
def test_the_rest_of_a_large_letter_does_not_open_a_finished_case_again():
    desk = make_desk()
    row = arrive(desk, letter("Large"), partial=True)
    finish(pull(by=desk.agent), by=desk.agent)
    RawMessage.objects.filter(pk=row.pk).update(state=LetterState.RECEIVED, partial=False)
    file_all()
    row.refresh_from_db()
    assert row.state == LetterState.FILED
    assert (Case.objects.get().state, Interaction.objects.get().state) == (
        CaseState.CLOSED,
        InteractionState.FINISHED,
    )


@pytest.mark.requirement("CA-10", "SE-09")
def test_a_bounce_of_one_recipient_does_not_end_the_message_for_those_still_waiting():
    desk = make_desk()
    arrive(desk, letter("Mine", to=desk.channel.address))
    draft = open_draft(Case.objects.get(), by=desk.agent, purpose="reply")
    written = Written(to="a@x.example, b@x.example", text="Here.")
    message = send(save_draft(draft, by=desk.agent, written=written), by=desk.agent)
    Message.objects.filter(pk=message.pk).update(state=OutState.DEFERRED)
    message.recipients.filter(address="a@x.example").update(state=RecipientState.ACCEPTED)
    message.refresh_from_db()
    gone = BouncedRecipient(
        address="a@x.example", action="failed", status="5.1.1", diagnostic="550 unknown", final=True
    )
    apply_bounce(Bounce(kind="dsn", recipients=(gone,)), message, None)
    message.refresh_from_db()
    assert message.state == OutState.DEFERRED
    assert dict(message.recipients.values_list("address", "state")) == {
        "a@x.example": RecipientState.BOUNCED,
        "b@x.example": RecipientState.PENDING,
    }


class Meanwhile:
    """Does something in another thread while a batch is decided but not yet written."""

    def __init__(self, monkeypatch, act):
        self.thread = threading.Thread(target=self._run, args=(act,))
        monkeypatch.setattr(file, "point", self._point)
        self.started = False

    def _run(self, act) -> None:
        try:
            act()
        finally:
            connection.close()

    def _point(self, label: str) -> None:
        if label == "file-decided" and not self.started:
            self.started = True
            self.thread.start()
            self.thread.join(0.5)  # It either waits for us, or is done by then.

    def over(self) -> None:
        self.thread.join(20)
        assert self.started
        assert not self.thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_work_that_is_finished_while_its_letter_is_filed_leaves_no_case_open_without_work(monkeypatch):
    desk = make_desk()
    arrive(desk, letter("Mine", message_id="a@customer.example"))
    work = pull(by=desk.agent)
    store(desk, answering("a@customer.example"))
    meanwhile = Meanwhile(monkeypatch, lambda: finish(work, by=desk.agent))
    file_all()
    meanwhile.over()
    case = Case.objects.get()
    is_worked_on = case.interactions.exclude(state=InteractionState.FINISHED).exists()
    assert (case.state == CaseState.OPEN) == is_worked_on


@pytest.mark.django_db(transaction=True)
def test_a_transfer_while_a_letter_is_filed_is_not_undone(monkeypatch):
    desk = make_desk()
    other = Queue.objects.create(name="Other")
    arrive(desk, letter("Mine", message_id="a@customer.example"))
    work = pull(by=desk.agent)
    store(desk, answering("a@customer.example"))
    meanwhile = Meanwhile(monkeypatch, lambda: transfer(work, by=desk.agent, queue=other))
    file_all()
    meanwhile.over()
    assert Case.objects.get().queue == Interaction.objects.get().queue == other


@pytest.mark.django_db(transaction=True)
def test_who_is_written_to_while_a_letter_is_filed_takes_part_in_the_case(monkeypatch):
    desk = make_desk()
    arrive(desk, letter("Mine", message_id="a@customer.example"))
    pull(by=desk.agent)
    draft = open_draft(Case.objects.get(), by=desk.agent, purpose="reply")
    written = Written(cc="lawyer@firm.example", text="Here.")
    draft = save_draft(draft, by=desk.agent, written=written)
    store(desk, answering("a@customer.example", to="third@customer.example"))
    meanwhile = Meanwhile(monkeypatch, lambda: send(draft, by=desk.agent, anyway=True))
    file_all()
    meanwhile.over()
    assert {"lawyer@firm.example", "third@customer.example"} <= set(Case.objects.get().participants)
