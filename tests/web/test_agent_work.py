"""Taking, giving back, snoozing, transferring, finishing and reopening from the pages; offers and pulling."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postroom.actions import work
from postroom.flow.offer import offer_waiting
from postroom.models import Case, CaseState, Interaction, InteractionState, Offer, OfferState
from postroom.web.agent.work import snooze_moment
from tests.web.seed import Desk, letter, receive

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}


@pytest.fixture
def case(office: Desk, client: Client) -> Case:
    """A case in Maya's hands, who is signed in."""
    client.force_login(office.maya)
    return work.pull(by=office.maya, interaction=receive(office, letter()).interactions.get()).case


def state() -> str:
    return Interaction.objects.get().state


@pytest.mark.requirement("AG-01")
def test_an_offer_is_shown_and_accepted_by_a_plain_form(client: Client, office: Desk) -> None:
    case = receive(office, letter())
    assert offer_waiting() == 1
    offer = Offer.objects.get()
    client.force_login(office.maya)
    page = client.get("/").content.decode()
    assert f"/offers/{offer.pk}/accept" in page
    assert "waiting" in page
    answer = client.post(f"/offers/{offer.pk}/accept")
    assert answer["Location"] == f"/case/{case.pk}?in=mine"
    assert state() == InteractionState.HANDLING
    assert "Offered to you by Billing, accepted after" in client.get(answer["Location"]).content.decode()


def test_a_declined_offer_goes_back_and_one_stays_where_one_was(client: Client, office: Desk) -> None:
    receive(office, letter())
    offer_waiting()
    offer = Offer.objects.get()
    client.force_login(office.maya)
    answer = client.post(f"/offers/{offer.pk}/decline", headers={"Referer": "http://testserver/in/drafts"})
    assert answer["Location"] == "/in/drafts"
    offer.refresh_from_db()
    assert (offer.state, state()) == (OfferState.DECLINED, InteractionState.WAITING)


def test_an_offer_that_ran_out_says_so(client: Client, office: Desk) -> None:
    receive(office, letter())
    offer_waiting()
    offer = Offer.objects.get()
    client.force_login(office.maya)
    client.post(f"/offers/{offer.pk}/decline", headers=HX)
    assert "has run out" in client.post(f"/offers/{offer.pk}/accept", follow=True).content.decode()
    assert "pr-offer" not in client.get("/offers").content.decode()


def test_the_offer_of_a_colleague_is_not_there(client: Client, office: Desk) -> None:
    receive(office, letter())
    offer_waiting()
    client.force_login(office.ben)
    assert client.post(f"/offers/{Offer.objects.get().pk}/accept").status_code == 404
    assert client.post(f"/offers/{Offer.objects.get().pk}/decline").status_code == 404
    assert state() == InteractionState.OFFERED


def test_pulling_takes_the_next_of_a_queue_and_opens_it(client: Client, office: Desk) -> None:
    case = receive(office, letter(), queue=office.orders)
    receive(office, letter("Of another queue", address="b@mailbox.example"), queue=office.returns)
    client.force_login(office.maya)
    answer = client.post("/pull", {"queue": str(office.orders.pk)})
    assert answer["Location"] == f"/case/{case.pk}?in=mine"
    assert (
        "Nothing is waiting in your queues."
        in client.post("/pull", {"queue": ""}, follow=True).content.decode()
    )
    assert Interaction.objects.get(queue=office.returns).state == InteractionState.WAITING


def test_a_waiting_email_is_taken_from_its_page(client: Client, office: Desk) -> None:
    case = receive(office, letter())
    client.force_login(office.maya)
    assert "Take it" in client.get(f"/case/{case.pk}").content.decode()
    answer = client.post(f"/case/{case.pk}/take", {"in": "mine"}, headers=HX)
    assert answer.status_code == 200
    assert state() == InteractionState.HANDLING
    # Ben opened the same page a moment earlier.
    office.ben.queues.add(office.billing)
    client.force_login(office.ben)
    refused = client.post(f"/case/{case.pk}/take", headers=HX)
    assert refused.status_code == 422
    assert "Somebody else has just taken it." in refused.content.decode()


def test_given_back_it_waits_again(client: Client, case: Case) -> None:
    assert client.post(f"/case/{case.pk}/give-back", {"in": "mine"})["Location"] == "/"
    assert state() == InteractionState.WAITING


@pytest.mark.parametrize("name", ["hour", "evening", "tomorrow", "week"])
def test_snoozed_it_comes_back_at_a_moment_in_the_future(client: Client, case: Case, name: str) -> None:
    answer = client.post(f"/case/{case.pk}/snooze", {"until": name}, headers=HX)
    assert answer.status_code == 200
    assert "Snoozed until" in answer.content.decode()
    found = Interaction.objects.get()
    assert found.state == InteractionState.PARKED
    assert found.wake
    assert found.wake > timezone.now()
    assert client.post(f"/case/{case.pk}/wake", headers=HX).status_code == 200
    assert state() == InteractionState.HANDLING


def test_a_typed_moment_is_of_the_readers_clock() -> None:
    with timezone.override("Europe/Prague"):
        moment = snooze_moment("at", "2027-07-01T09:30")
    assert moment
    assert moment.isoformat() == "2027-07-01T09:30:00+02:00"
    assert snooze_moment("at", "soon") is None
    assert snooze_moment("at", "2027-02-31T09:30") is None
    assert snooze_moment("", "") is None


@pytest.mark.parametrize("at", ["", "2001-01-01T09:00", "rubbish", "9" * 50])
def test_an_impossible_snooze_is_refused_beside_the_field(client: Client, case: Case, at: str) -> None:
    answer = client.post(f"/case/{case.pk}/snooze", {"until": "at", "at": at}, headers=HX)
    assert answer.status_code == 422
    assert "Choose a" in answer.content.decode()
    assert state() == InteractionState.HANDLING


def test_transferred_it_waits_in_the_other_queue(client: Client, case: Case, office: Desk) -> None:
    assert "Returns" in client.get(f"/case/{case.pk}/ask/transfer").content.decode()
    assert client.post(f"/case/{case.pk}/transfer", {"queue": str(office.returns.pk)})["Location"] == "/"
    found = Interaction.objects.get()
    assert (found.state, found.queue) == (InteractionState.WAITING, office.returns)


@pytest.mark.parametrize("queue", ["", "0", "999999", "abc", "9" * 40])
def test_a_transfer_to_nowhere_is_refused(client: Client, case: Case, queue: str) -> None:
    answer = client.post(f"/case/{case.pk}/transfer", {"queue": queue}, headers=HX)
    assert answer.status_code == 422
    assert "Choose a queue." in answer.content.decode()


@pytest.mark.parametrize(
    ("outcome", "expected"), [("closed", CaseState.CLOSED), ("waiting", CaseState.PENDING)]
)
def test_finished_it_is_closed_or_waits_for_the_customer(
    client: Client, case: Case, office: Desk, outcome: str, expected: str
) -> None:
    answer = client.post(
        f"/case/{case.pk}/finish", {"outcome": outcome, "disposition": str(office.solved.pk)}, headers=HX
    )
    assert answer.status_code == 200
    case.refresh_from_db()
    assert (case.state, Interaction.objects.get().disposition) == (expected, office.solved)
    assert client.post(f"/case/{case.pk}/reopen", headers=HX).status_code == 200
    case.refresh_from_db()
    assert case.state == CaseState.OPEN


def test_a_mandatory_disposition_is_asked_for(client: Client, case: Case, office: Desk) -> None:
    type(office.billing).objects.update(disposition_required=True)
    assert "required" in client.get(f"/case/{case.pk}/ask/finish").content.decode()
    answer = client.post(f"/case/{case.pk}/finish", {"outcome": "closed"}, headers=HX)
    assert answer.status_code == 422
    assert "choose a disposition" in answer.content.decode()
    for wrong in ("999999", "abc", "9" * 40):
        assert client.post(f"/case/{case.pk}/finish", {"disposition": wrong}, headers=HX).status_code == 422
    assert state() == InteractionState.HANDLING


def test_what_somebody_else_has_is_not_moved(client: Client, case: Case, office: Desk) -> None:
    office.ben.queues.add(office.billing)
    client.force_login(office.ben)
    for act, fields in (
        ("finish", {}),
        ("give-back", {}),
        ("snooze", {"until": "hour"}),
        ("transfer", {"queue": str(office.orders.pk)}),
        ("wake", {}),
        ("reopen", {}),
    ):
        assert client.post(f"/case/{case.pk}/{act}", fields, headers=HX).status_code == 422, act
    found = Interaction.objects.get()
    assert (found.state, found.agent) == (InteractionState.HANDLING, office.maya)


def test_a_supervisor_may_step_in(client: Client, case: Case, office: Desk) -> None:
    client.force_login(office.sam)
    assert (
        client.post(f"/case/{case.pk}/transfer", {"queue": str(office.returns.pk)}, headers=HX).status_code
        == 200
    )


def test_an_act_on_finished_work_says_that_nothing_is_open(client: Client, case: Case, office: Desk) -> None:
    work.finish(case.interactions.get(), by=office.maya)
    answer = client.post(f"/case/{case.pk}/finish", headers=HX)
    assert answer.status_code == 422
    assert "Nothing is open on this case any more." in answer.content.decode()


def test_the_row_of_a_due_email_says_how_long_is_left_and_overdue_queues_are_hot(
    client: Client, case: Case, office: Desk
) -> None:
    Interaction.objects.update(due=timezone.now() - timedelta(minutes=8))
    assert "8 min overdue" in client.get("/").content.decode()
    work.give_back(case.interactions.get(), by=office.maya)
    assert "cnt hot" in client.get("/").content.decode()
