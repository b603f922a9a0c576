"""Offering under suspicion: long queues that hide short ones, and what changes between the snapshot and the offer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from postroom.actions.presence import end_offer
from postroom.actions.work import accept
from postroom.flow import offer
from postroom.flow.choose import Choice
from postroom.models import (
    Case,
    Interaction,
    InteractionState,
    Offer,
    OfferState,
    Presence,
    Queue,
    QueueMember,
    User,
)
from tests.desk import make_agent, make_desk

pytestmark = pytest.mark.django_db


def fill(queue: Queue, count: int, *, age: timedelta) -> list[Interaction]:
    since = timezone.now() - age
    return [
        Interaction.objects.create(case=Case.objects.create(queue=queue), queue=queue, waiting_since=since)
        for _ in range(count)
    ]


@pytest.mark.requirement("RO-04")
@pytest.mark.parametrize("staffed", [False, True])
def test_a_long_queue_does_not_hide_what_waits_in_another(staffed, monkeypatch):
    monkeypatch.setattr(offer, "LOOK_AHEAD", 5)
    desk = make_desk()
    crowded = Queue.objects.create(name="Crowded")
    fill(crowded, 10, age=timedelta(hours=9))
    (mine,) = fill(desk.queue, 1, age=timedelta(minutes=1))
    agent = make_agent(desk.queue, available=True)
    if staffed:
        make_agent(crowded, available=True)
    offer.offer_waiting()
    mine.refresh_from_db()
    assert (mine.state, mine.agent) == (InteractionState.OFFERED, agent)


@pytest.mark.parametrize("change", ["member", "capacity", "closed", "pull only", "inactive", "looking"])
def test_what_changed_since_the_snapshot_stops_the_offer(change):
    desk = make_desk()
    agent = make_agent(desk.queue, available=True, capacity=1)
    work, other = fill(desk.queue, 2, age=timedelta(minutes=1))
    if change == "member":
        QueueMember.objects.filter(user=agent).delete()
    elif change == "capacity":
        Interaction.objects.filter(pk=other.pk).update(state=InteractionState.HANDLING, agent=agent)
    elif change == "closed":
        Queue.objects.filter(pk=desk.queue.pk).update(is_open=False)
    elif change == "pull only":
        Queue.objects.filter(pk=desk.queue.pk).update(push=False)
    elif change == "inactive":
        User.objects.filter(pk=agent.pk).update(is_active=False)
    else:
        User.objects.filter(pk=agent.pk).update(capacity=5)
        assert offer.make(Choice(other.pk, agent.pk, "first"))
    assert not offer.make(Choice(work.pk, agent.pk, "longest idle"))
    work.refresh_from_db()
    assert work.state == InteractionState.WAITING


def test_an_agent_whose_browser_never_spoke_is_away_after_a_while():
    desk = make_desk()
    agent = make_agent(desk.queue, available=True)
    assert offer.mark_gone() == 0
    User.objects.filter(pk=agent.pk).update(presence_since=timezone.now() - timedelta(minutes=5))
    assert offer.mark_gone() == 1
    agent.refresh_from_db()
    assert agent.presence == Presence.AWAY


def test_an_offer_that_was_accepted_at_this_moment_stays_accepted():
    desk = make_desk()
    agent = make_agent(desk.queue, available=True)
    fill(desk.queue, 1, age=timedelta(minutes=1))
    offer.offer_waiting()
    stale = Offer.objects.select_related("interaction", "interaction__case").get()
    accept(Offer.objects.get(), by=agent)
    end_offer(stale, OfferState.WITHDRAWN, reason="The agent is away")
    assert Offer.objects.get().state == OfferState.ACCEPTED
    assert Interaction.objects.get().state == InteractionState.HANDLING


def test_work_that_was_taken_up_at_this_moment_does_not_stop_the_others_from_waking(monkeypatch):
    desk = make_desk()
    past = timezone.now() - timedelta(minutes=1)
    first, second = fill(desk.queue, 2, age=timedelta(hours=1))
    Interaction.objects.update(state=InteractionState.PARKED, agent=desk.agent, wake=past)

    def unpark(interaction, real=offer.unpark):
        if interaction.pk == min(first.pk, second.pk):
            Interaction.objects.filter(pk=interaction.pk).update(state=InteractionState.HANDLING, wake=None)
        return real(interaction)

    monkeypatch.setattr(offer, "unpark", unpark)
    assert offer.wake_parked() == 1
    assert set(Interaction.objects.values_list("state", flat=True)) == {InteractionState.HANDLING}
