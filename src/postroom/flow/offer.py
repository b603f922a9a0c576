"""Offers: waiting work is offered to an available agent with room; what is not taken in time goes to the next.

due work + available agents --choose--> Offer made --> accepted | declined | expired | withdrawn
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone

from postroom.actions.presence import end_offer, set_presence
from postroom.actions.refusals import Refused
from postroom.actions.work import unpark
from postroom.conf.crash import point
from postroom.flow.choose import Agent, Choice, Work, choose
from postroom.models import (
    Interaction,
    InteractionState,
    Offer,
    OfferState,
    Presence,
    Queue,
    QueueMember,
    User,
)
from postroom.models.event import record
from postroom.models.rights import in_hand

BUSY = "All agents of the queue are busy"
NOBODY = "No agent of the queue is available"
CLOSED = "The queue is closed"
LOOK_AHEAD = 100
"""Waiting interactions of one queue looked at in one round; an agent gets at most one offer in it."""
MISSED_BEFORE_AWAY = 2
GONE_AFTER = timedelta(seconds=45)
"""No sign of life from the browser for so long means that nobody sits there."""


def offer_waiting() -> int:
    """Make the offers that can be made now; returns how many."""
    agents = available()
    if not any(agent.room > 0 for agent in agents):
        return 0
    chosen, _ = choose(
        waiting({queue for agent in agents if agent.room > 0 for queue in agent.queues}), agents
    )
    return sum(make(one) for one in chosen)


def explain_waiting() -> int:
    """Write on waiting work why it waits, where that has changed: never limbo. Returns how many changed."""
    staffed = {queue for agent in available() for queue in agent.queues}
    waiting_now = Interaction.objects.filter(state=InteractionState.WAITING)
    pushed = waiting_now.filter(queue__is_open=True, queue__push=True)
    return (
        pushed.filter(queue__in=staffed).exclude(reason=BUSY).update(reason=BUSY)
        + pushed.exclude(queue__in=staffed).exclude(reason=NOBODY).update(reason=NOBODY)
        + waiting_now.filter(queue__is_open=False).exclude(reason=CLOSED).update(reason=CLOSED)
    )


def waiting(queues: set[int]) -> list[Work]:
    """Waiting interactions of these queues where they are open and push, most urgent first, with who has turned each down.

    Each queue is looked at by itself: a long one must not hide what waits in another.
    """
    found: list[tuple[int, int, int, datetime]] = []
    for queue in Queue.objects.filter(pk__in=queues, is_open=True, push=True).values_list("pk", flat=True):
        rows = Interaction.objects.filter(state=InteractionState.WAITING, queue=queue)
        found += rows.order_by("priority", "waiting_since", "id").values_list(
            "id", "queue_id", "priority", "waiting_since"
        )[:LOOK_AHEAD]
    turned_down: dict[int, set[int]] = defaultdict(set)
    past = Offer.objects.filter(
        interaction_id__in=[f[0] for f in found], state__in=[OfferState.DECLINED, OfferState.EXPIRED]
    )
    for interaction, agent in past.values_list("interaction_id", "agent_id"):
        turned_down[interaction].add(agent)
    return [
        Work(pk, queue, priority, since, frozenset(turned_down[pk])) for pk, queue, priority, since in found
    ]


def available() -> list[Agent]:
    """Agents who are there, with the room they have; who is looking at an offer has none for another."""
    members: dict[int, set[int]] = defaultdict(set)
    for user, queue in QueueMember.objects.values_list("user_id", "queue_id"):
        members[user].add(queue)
    users = User.objects.filter(is_active=True, presence=Presence.AVAILABLE).annotate(
        in_hand=Count(
            "interactions",
            filter=Q(interactions__state__in=[InteractionState.HANDLING, InteractionState.OFFERED]),
            distinct=True,
        )
    )
    looking = set(Offer.objects.filter(state=OfferState.MADE).values_list("agent_id", flat=True))
    return [
        Agent(u.pk, frozenset(members[u.pk]), 0 if u.pk in looking else u.capacity - u.in_hand, u.idle_since)
        for u in users
    ]


def make(choice: Choice) -> bool:
    """Write one offer, if nothing has changed since the snapshot."""
    now = timezone.now()
    try:
        with transaction.atomic():
            agent = User.objects.select_for_update(of=("self",)).get(pk=choice.agent)
            interaction = (
                Interaction.objects.select_for_update(of=("self",))
                .select_related("queue", "case")
                .get(pk=choice.work)
            )
            if interaction.state != InteractionState.WAITING or not _may_be_offered(agent, interaction):
                return False
            offer = Offer.objects.create(
                interaction=interaction,
                agent=agent,
                made=now,
                expires=now + timedelta(seconds=interaction.queue.offer_seconds),
            )
            interaction.state, interaction.agent, interaction.reason = (
                InteractionState.OFFERED,
                agent,
                f"Offered to {agent.name}: {choice.why}"[:300],
            )
            interaction.save(update_fields=["state", "agent", "reason"])
            record(
                "offer.made",
                user=agent,
                case=interaction.case,
                interaction=interaction,
                queue=interaction.queue,
                offer=offer.pk,
                why=choice.why,
            )
            point("offer-written")
    except IntegrityError:  # Another engine made an offer for it at the same moment; its row stands.
        return False
    point("offer-committed")
    return True


def _may_be_offered(agent: User, interaction: Interaction) -> bool:
    """Still true, with the agent's row locked, what was true in the snapshot."""
    queue = interaction.queue
    return (
        agent.is_active
        and agent.presence == Presence.AVAILABLE
        and queue.is_open
        and queue.push
        and QueueMember.objects.filter(queue=queue, user=agent).exists()
        and not Offer.objects.filter(agent=agent, state=OfferState.MADE).exists()
        and in_hand(agent).count() < agent.capacity
    )


def expire() -> int:
    """End offers whose time is over; an agent who misses two in a row is set away."""
    over = Offer.objects.filter(state=OfferState.MADE, expires__lte=timezone.now()).values_list(
        "pk", flat=True
    )
    return sum(_expire(pk) for pk in list(over))


@transaction.atomic
def _expire(pk: int) -> bool:
    offer = (
        Offer.objects.select_for_update(of=("self",))
        .select_related("interaction", "interaction__case", "interaction__queue", "agent")
        .get(pk=pk)
    )
    if offer.state != OfferState.MADE:
        return False
    end_offer(offer, OfferState.EXPIRED, reason=f"{offer.agent.name} did not answer in time")
    agent = User.objects.select_for_update(of=("self",)).get(pk=offer.agent_id)
    agent.missed_offers += 1
    agent.save(update_fields=["missed_offers"])
    if agent.missed_offers >= MISSED_BEFORE_AWAY and agent.presence == Presence.AVAILABLE:
        set_presence(agent, Presence.AWAY, reason=f"Missed {agent.missed_offers} offers")
    return True


def wake_parked() -> int:
    """Bring back what was set aside until now."""
    due = Interaction.objects.filter(state=InteractionState.PARKED, wake__lte=timezone.now())
    woken = 0
    for interaction in due[:200]:
        with suppress(Refused):  # Somebody has just taken it up again.
            unpark(interaction)
            woken += 1
    return woken


def mark_gone() -> int:
    """Agents whose browser has been silent for long are away, so that nothing is offered to an empty chair."""
    before = timezone.now() - GONE_AFTER
    never = Q(last_seen=None, presence_since__lt=before)
    silent = User.objects.filter(Q(last_seen__lt=before) | never, presence=Presence.AVAILABLE)
    gone = list(silent)
    for user in gone:
        set_presence(user, Presence.AWAY, reason="The browser was closed")
    return len(gone)


def next_moment() -> object:
    """When the next timer of an offer or a snooze is due, or None."""
    offers = (
        Offer.objects.filter(state=OfferState.MADE)
        .order_by("expires")
        .values_list("expires", flat=True)
        .first()
    )
    parked = (
        Interaction.objects.filter(state=InteractionState.PARKED)
        .order_by("wake")
        .values_list("wake", flat=True)
        .first()
    )
    return min((m for m in (offers, parked) if m), default=None)
