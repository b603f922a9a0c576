"""Working on an interaction: accept, decline, pull, give back, park, finish, reopen, transfer.

Every move is settled in the database by an UPDATE that names the state it starts from: of two people who press at the same
moment one wins, and the other is told who.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from postroom.actions.presence import end_offer
from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import (
    Case,
    CaseState,
    Disposition,
    Interaction,
    InteractionState,
    Message,
    Offer,
    OfferState,
    OutState,
    Queue,
    User,
)
from postroom.models.event import record
from postroom.models.rights import may_see, visible_queues

State = InteractionState


@transaction.atomic
def accept(offer: Offer, *, by: User) -> Interaction:
    """Take an offer. Refused if it ran out or belongs to somebody else."""
    if offer.agent_id != by.pk:
        raise NotAllowed("This email was offered to somebody else.")
    if not Offer.objects.filter(pk=offer.pk, state=OfferState.MADE).update(
        state=OfferState.ACCEPTED, ended=timezone.now()
    ):
        raise Refused("This offer has run out. The email went back to its queue.")
    interaction = _take(offer.interaction_id, by=by, expected=State.OFFERED)
    User.objects.filter(pk=by.pk).update(missed_offers=0)
    record(
        "offer.accepted",
        actor=by,
        user=by,
        case=interaction.case,
        interaction=interaction,
        queue=interaction.queue,
        offer=offer.pk,
    )
    return interaction


@transaction.atomic
def decline(offer: Offer, *, by: User, reason: str = "") -> None:
    """Say no to an offer; the email goes back to the head of its queue and to the next agent."""
    if offer.agent_id != by.pk:
        raise NotAllowed("This email was offered to somebody else.")
    locked = (
        Offer.objects.select_for_update(of=("self",))
        .select_related("interaction", "interaction__case", "agent")
        .get(pk=offer.pk)
    )
    if locked.state != OfferState.MADE:
        raise Refused("This offer has run out already.")
    end_offer(locked, OfferState.DECLINED, reason=reason or f"{by.name} declined", actor=by)
    User.objects.filter(pk=by.pk).update(missed_offers=0)


@transaction.atomic
def pull(*, by: User, queue: Queue | None = None, interaction: Interaction | None = None) -> Interaction:
    """Take the next waiting email of one's queues, of one queue, or a chosen one; may exceed the capacity."""
    waiting = pullable(by)
    if queue is not None:
        waiting = waiting.filter(queue=queue)
    if interaction is not None:
        waiting = waiting.filter(pk=interaction.pk)
    for candidate in waiting.order_by("priority", "waiting_since", "id")[:5]:
        try:
            taken = _take(candidate.pk, by=by, expected=State.WAITING)
        except Refused:
            continue
        record("interaction.pulled", actor=by, user=by, case=taken.case, interaction=taken, queue=taken.queue)
        return taken
    raise Refused("Somebody else has just taken it." if interaction else "Nothing is waiting in your queues.")


def pullable(user: User) -> QuerySet[Interaction]:
    """What this person may take by hand."""
    queues = visible_queues(user)
    if not user.is_supervisor:
        queues = queues.filter(pull=True)
    return Interaction.objects.filter(state=State.WAITING, queue__in=queues)


def _take(pk: int, *, by: User, expected: str) -> Interaction:
    now = timezone.now()
    # The state in the WHERE clause settles the race of two agents taking the same email.
    moved = Interaction.objects.filter(pk=pk, state=expected).update(
        state=State.HANDLING, agent=by, accepted=now, unread=False, reason="", wake=None
    )
    if not moved:
        raise Refused("Somebody else has just taken it.")
    User.objects.filter(pk=by.pk).update(idle_since=now)
    return Interaction.objects.select_related("case", "queue").get(pk=pk)


@transaction.atomic
def give_back(interaction: Interaction, *, by: User, reason: str = "") -> Interaction:
    """Return an email to its queue, where it keeps its place."""
    held = _held(interaction, by)
    _wait(held, held.queue, reason=reason or f"{by.name} gave it back")
    record(
        "interaction.returned", actor=by, case=held.case, interaction=held, queue=held.queue, reason=reason
    )
    return held


@transaction.atomic
def transfer(interaction: Interaction, *, by: User, queue: Queue) -> Interaction:
    """Move an email to another queue; drafts stay visible to the next agent."""
    held = _active(interaction, by)
    if not queue.is_open:
        raise Refused(errors={"queue": f"{queue.name} is closed. Choose another queue."})
    before = held.queue
    _wait(held, queue, reason=f"Transferred from {before.name} by {by.name}")
    Case.objects.filter(pk=held.case_id).update(queue=queue)
    record(
        "interaction.transferred",
        actor=by,
        case=held.case,
        interaction=held,
        queue=queue,
        before=before.name,
        after=queue.name,
    )
    return held


def _wait(interaction: Interaction, queue: Queue, *, reason: str) -> None:
    for offer in Offer.objects.filter(interaction=interaction, state=OfferState.MADE):
        offer.state, offer.ended, offer.reason = OfferState.WITHDRAWN, timezone.now(), reason[:200]
        offer.save(update_fields=["state", "ended", "reason"])
    interaction.state, interaction.agent, interaction.queue, interaction.reason = (
        State.WAITING,
        None,
        queue,
        reason[:300],
    )
    interaction.wake, interaction.unread = None, True
    interaction.save(update_fields=["state", "agent", "queue", "reason", "wake", "unread"])


@transaction.atomic
def park(interaction: Interaction, *, by: User, until: datetime) -> Interaction:
    """Set aside until a moment (shown as Snooze); it comes back to the same agent."""
    if until <= timezone.now():
        raise Refused(errors={"until": "Choose a moment in the future."})
    held = _held(interaction, by)
    held.state, held.wake = State.PARKED, until
    held.save(update_fields=["state", "wake"])
    record(
        "interaction.parked",
        actor=by,
        case=held.case,
        interaction=held,
        queue=held.queue,
        until=until.isoformat(),
    )
    return held


@transaction.atomic
def unpark(interaction: Interaction, *, by: User | None = None) -> Interaction:
    """Take up again before, or at, the moment that was set."""
    held = (
        Interaction.objects.select_for_update(of=("self",))
        .select_related("case", "queue", "agent")
        .get(pk=interaction.pk)
    )
    if held.state != State.PARKED:
        raise Refused("This email is not snoozed.")
    if by is not None and held.agent_id != by.pk and not by.is_supervisor:
        raise NotAllowed(f"{held.agent} has this email.")
    held.state, held.wake, held.unread = State.HANDLING, None, True
    held.save(update_fields=["state", "wake", "unread"])
    record("interaction.woken", actor=by, user=held.agent, case=held.case, interaction=held, queue=held.queue)
    return held


@transaction.atomic
def finish(
    interaction: Interaction,
    *,
    by: User,
    disposition: Disposition | None = None,
    waiting_on_customer: bool = False,
) -> Interaction:
    """End the work. Replies still in their undo window leave on their own; drafts stay as drafts."""
    held = _active(interaction, by)
    check_disposition(held.queue, disposition)
    now = timezone.now()
    _withdraw(held)
    held.state, held.finished, held.disposition, held.wake = State.FINISHED, now, disposition, None
    held.agent = held.agent or by
    held.save(update_fields=["state", "finished", "disposition", "wake", "agent"])
    state = CaseState.PENDING if waiting_on_customer else CaseState.CLOSED
    Case.objects.filter(pk=held.case_id).update(
        state=state, closed=None if waiting_on_customer else now, updated=now
    )
    User.objects.filter(pk=by.pk).update(idle_since=now)
    record(
        "interaction.finished",
        actor=by,
        case=held.case,
        interaction=held,
        queue=held.queue,
        disposition=disposition.name if disposition else "",
        case_state=str(state),
    )
    return held


def _withdraw(interaction: Interaction) -> None:
    Offer.objects.filter(interaction=interaction, state=OfferState.MADE).update(
        state=OfferState.WITHDRAWN, ended=timezone.now(), reason="The email was finished"
    )


def check_disposition(queue: Queue, disposition: Disposition | None) -> None:
    """Refuse a missing disposition where the queue asks for one, and one that is not of this queue."""
    if disposition is None:
        if queue.disposition_required:
            raise Refused(
                errors={"disposition": f"{queue.name} asks how the email ended: choose a disposition."}
            )
        return
    if not disposition.active or disposition.queue_id not in (None, queue.pk):
        raise Refused(errors={"disposition": f"{disposition.name} is not a disposition of {queue.name}."})


@transaction.atomic
def reopen(case: Case, *, by: User) -> Interaction:
    """Take up a finished case again by hand; it lands with the person who reopens it."""
    if not may_see(by, case):
        raise NotAllowed("You do not serve the queue of this case.")
    case = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if case.interactions.exclude(state=State.FINISHED).exists():
        raise Refused("This case is being worked on already.")
    queue = case.queue or Queue.objects.filter(is_open=True).first()
    if queue is None:
        raise Refused("There is no open queue to reopen this case in.")
    now = timezone.now()
    interaction = Interaction.objects.create(
        case=case, queue=queue, state=State.HANDLING, agent=by, accepted=now, unread=False
    )
    Case.objects.filter(pk=case.pk).update(state=CaseState.OPEN, closed=None, updated=now)
    record("case.reopened", actor=by, case=case, interaction=interaction, queue=queue)
    return interaction


def due_moment(queue: Queue, since: datetime) -> datetime:
    """When the first reply is due."""
    return since + timedelta(minutes=queue.target_minutes)


def _held(interaction: Interaction, by: User) -> Interaction:
    held = (
        Interaction.objects.select_for_update(of=("self",))
        .select_related("case", "queue")
        .get(pk=interaction.pk)
    )
    if held.state != State.HANDLING:
        raise Refused("This email is not in work.")
    if held.agent_id != by.pk and not by.is_supervisor:
        raise NotAllowed(f"{held.agent} has this email.")
    return held


def _active(interaction: Interaction, by: User) -> Interaction:
    held = (
        Interaction.objects.select_for_update(of=("self",))
        .select_related("case", "queue")
        .get(pk=interaction.pk)
    )
    if held.state == State.FINISHED:
        raise Refused("This email is finished already.")
    if held.agent_id != by.pk and not by.is_supervisor:
        raise NotAllowed(f"{held.agent.name} has this email." if held.agent else "Take this email first.")
    return held


def unsent(case: Case) -> QuerySet[Message]:
    """Messages of a case that have not left yet."""
    return Message.objects.filter(case=case, state__in=[OutState.HELD, OutState.QUEUED, OutState.DEFERRED])
