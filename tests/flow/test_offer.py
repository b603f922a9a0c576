"""Offers: to the longest idle agent with room, one at a time, with a countdown; nothing waits without a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from postroom.actions.presence import set_presence
from postroom.actions.refusals import NotAllowed, Refused
from postroom.actions.work import accept, decline, finish, give_back, park, pull, transfer
from postroom.flow import offer
from postroom.flow.choose import Agent, Work, choose
from postroom.models import (
    Case,
    Disposition,
    Interaction,
    InteractionState,
    Offer,
    OfferState,
    Presence,
    Queue,
    User,
)
from tests.desk import make_agent, make_desk

pytestmark = pytest.mark.django_db


def wait_in(queue: Queue, *, minutes: int = 0, priority: int = 5) -> Interaction:
    since = timezone.now() - timedelta(minutes=minutes)
    case = Case.objects.create(subject="Parcel", queue=queue)
    return Interaction.objects.create(case=case, queue=queue, waiting_since=since, priority=priority)


@pytest.mark.requirement("RO-03", "RO-04")
def test_the_longest_idle_agent_gets_the_oldest_email():
    desk = make_desk()
    fresh, idle = make_agent(desk.queue, available=True), make_agent(desk.queue, available=True)
    User.objects.filter(pk=idle.pk).update(idle_since=timezone.now() - timedelta(hours=1))
    wait_in(desk.queue, minutes=1)
    oldest = wait_in(desk.queue, minutes=9)
    assert offer.offer_waiting() == 2
    assert Offer.objects.get(agent=idle).interaction == oldest
    assert Offer.objects.filter(agent=fresh).count() == 1


def test_priority_comes_before_age():
    desk = make_desk()
    make_agent(desk.queue, available=True)
    wait_in(desk.queue, minutes=60)
    urgent = wait_in(desk.queue, minutes=1, priority=1)
    offer.offer_waiting()
    assert Offer.objects.get().interaction == urgent


@pytest.mark.requirement("RO-03")
def test_capacity_is_never_exceeded_by_offers_but_may_be_by_pulling():
    desk = make_desk()
    agent = make_agent(desk.queue, available=True, capacity=2)
    for _ in range(4):
        wait_in(desk.queue)
    for _ in range(2):
        assert offer.offer_waiting() == 1
        accept(Offer.objects.get(state=OfferState.MADE), by=agent)
    assert offer.offer_waiting() == 0
    offer.explain_waiting()
    assert set(Interaction.objects.filter(state="waiting").values_list("reason", flat=True)) == {
        "All agents of the queue are busy"
    }
    pull(by=agent)
    assert Interaction.objects.filter(agent=agent).count() == 3


def test_work_nobody_is_there_for_says_so():
    desk = make_desk()
    work = wait_in(desk.queue)
    offer.explain_waiting()
    work.refresh_from_db()
    assert work.reason == "No agent of the queue is available"


@pytest.mark.requirement("RO-04")
def test_an_offer_not_taken_in_time_goes_to_the_next_and_two_misses_mean_away():
    desk = make_desk()
    first = make_agent(desk.queue, available=True)
    User.objects.filter(pk=first.pk).update(idle_since=timezone.now() - timedelta(hours=1))
    second = make_agent(desk.queue, available=True)
    work = wait_in(desk.queue)
    offer.offer_waiting()
    with time_machine.travel(timezone.now() + timedelta(seconds=31)):
        assert offer.expire() == 1
        work.refresh_from_db()
        assert work.state == InteractionState.WAITING
        offer.offer_waiting()
        assert Offer.objects.get(state=OfferState.MADE).agent == second
    with time_machine.travel(timezone.now() + timedelta(seconds=90)):
        offer.expire()
        set_presence(second, Presence.PAUSED)
        offer.offer_waiting()
    with time_machine.travel(timezone.now() + timedelta(seconds=200)):
        offer.expire()
    first.refresh_from_db()
    assert (first.presence, first.presence_reason) == (Presence.AWAY, "Missed 2 offers")


def test_a_declined_email_is_offered_to_somebody_else():
    desk = make_desk()
    first, second = make_agent(desk.queue, available=True), make_agent(desk.queue, available=True)
    wait_in(desk.queue)
    offer.offer_waiting()
    made = Offer.objects.get()
    other = second if made.agent == first else first
    decline(made, by=made.agent, reason="not my language")
    offer.offer_waiting()
    assert Offer.objects.get(state=OfferState.MADE).agent == other


def test_an_offer_belongs_to_one_agent_and_ends_once():
    desk = make_desk()
    agent = make_agent(desk.queue, available=True)
    wait_in(desk.queue)
    offer.offer_waiting()
    made = Offer.objects.get()
    with pytest.raises(NotAllowed):
        accept(made, by=desk.agent)
    accept(made, by=agent)
    with pytest.raises(Refused):
        accept(made, by=agent)


@pytest.mark.requirement("RO-11")
def test_pausing_gives_the_open_offer_back():
    desk = make_desk()
    agent = make_agent(desk.queue, available=True)
    work = wait_in(desk.queue)
    offer.offer_waiting()
    set_presence(agent, Presence.PAUSED, reason="Lunch")
    work.refresh_from_db()
    assert (work.state, work.agent) == (InteractionState.WAITING, None)
    assert Offer.objects.get().state == OfferState.WITHDRAWN


def test_a_closed_browser_makes_its_agent_away():
    desk = make_desk()
    agent = make_agent(desk.queue, available=True)
    User.objects.filter(pk=agent.pk).update(last_seen=timezone.now() - timedelta(minutes=5))
    assert offer.mark_gone() == 1
    agent.refresh_from_db()
    assert agent.presence == Presence.AWAY


def test_what_was_parked_comes_back_to_the_same_agent_at_its_time():
    desk = make_desk()
    wait_in(desk.queue)
    work = pull(by=desk.agent)
    park(work, by=desk.agent, until=timezone.now() + timedelta(hours=2))
    assert offer.wake_parked() == 0
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        assert offer.wake_parked() == 1
    work.refresh_from_db()
    assert (work.state, work.agent) == (InteractionState.HANDLING, desk.agent)


@pytest.mark.requirement("RO-12")
def test_finishing_needs_a_disposition_where_the_queue_says_so():
    desk = make_desk()
    desk.queue.disposition_required = True
    desk.queue.save()
    solved = Disposition.objects.create(name="Solved", queue=desk.queue)
    foreign = Disposition.objects.create(name="Other", queue=Queue.objects.create(name="Other"))
    wait_in(desk.queue)
    work = pull(by=desk.agent)
    for wrong in (None, foreign):
        with pytest.raises(Refused) as refused:
            finish(work, by=desk.agent, disposition=wrong)
        assert "disposition" in refused.value.errors
    assert finish(work, by=desk.agent, disposition=solved).state == InteractionState.FINISHED


def test_only_its_holder_or_a_supervisor_moves_an_email():
    desk = make_desk()
    wait_in(desk.queue)
    work = pull(by=desk.agent)
    other = make_agent(desk.queue)
    with pytest.raises(NotAllowed):
        give_back(work, by=other)
    target = Queue.objects.create(name="Second line")
    assert transfer(work, by=desk.supervisor, queue=target).queue == target


def test_a_decision_is_the_same_for_the_same_snapshot():
    now = timezone.now()
    agents = [Agent(i, frozenset({i % 3}), 1, now - timedelta(minutes=i)) for i in range(30)]
    work = [Work(i, i % 3, 5, now - timedelta(minutes=i)) for i in range(60)]
    chosen, left = choose(work, agents)
    assert (chosen, left) == choose(list(reversed(work)), list(reversed(agents)))
    assert len(chosen) == 30
    assert len({c.agent for c in chosen}) == 30
