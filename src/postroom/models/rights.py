"""Who may see and do what: the one policy that pages, API, search and event stream ask."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from postroom.models.case import Case
from postroom.models.interaction import Interaction, InteractionState
from postroom.models.people import User
from postroom.models.queue import Queue


def visible_queues(user: User) -> QuerySet[Queue]:
    """Supervisors see every queue, agents the ones they serve."""
    return Queue.objects.all() if user.is_supervisor else Queue.objects.filter(members=user)


def visible_cases(user: User) -> QuerySet[Case]:
    """Cases of the visible queues, and those the person has worked on."""
    if user.is_supervisor:
        return Case.objects.all()
    return Case.objects.filter(Q(queue__in=visible_queues(user)) | Q(interactions__agent=user)).distinct()


def may_see(user: User, case: Case) -> bool:
    """True if the person may read this case."""
    return visible_cases(user).filter(pk=case.pk).exists()


def may_work_on(user: User, case: Case) -> bool:
    """Writing needs the case to be in one's hands; supervisors may always; nobody's case may be answered by its queue's agents."""
    if user.is_supervisor:
        return True
    active = case.interactions.exclude(state=InteractionState.FINISHED).first()
    if active is None or active.state == InteractionState.WAITING:
        return may_see(user, case)
    return active.agent_id == user.pk


def in_hand(user: User) -> QuerySet[Interaction]:
    """What counts against the person's capacity: offered and handling."""
    return Interaction.objects.filter(
        agent=user, state__in=[InteractionState.HANDLING, InteractionState.OFFERED]
    )
