"""The outbox: outgoing messages with the evidence of what became of them, per recipient (SE-09). Read only; see actions/outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from postroom.models import Message, MessageKind, OutState, Recipient, RecipientState, User

PAGE = 50
ON_THE_WAY = (OutState.HELD, OutState.QUEUED, OutState.SENDING, OutState.DEFERRED)
NEEDS_A_PERSON = (OutState.FAILED, OutState.PARTIAL, OutState.UNKNOWN)
SHOWN = (*NEEDS_A_PERSON, *ON_THE_WAY, OutState.SENT, OutState.CANCELLED)


@dataclass(frozen=True)
class Wanted:
    """What the list is asked for; `state` may also be `trouble`, `waiting` or `returned`, `before` is the id to go on below."""

    state: str = ""
    sender: int = 0
    search: str = ""
    before: int = 0


def outgoing(user: User) -> QuerySet[Message]:
    """What this person may see: supervisors everything, agents what they wrote."""
    rows = Message.objects.filter(kind=MessageKind.OUT, state__in=SHOWN)
    return rows if user.is_supervisor else rows.filter(author=user)


def matching(user: User, wanted: Wanted) -> QuerySet[Message]:
    """The messages asked for, without regard to the state."""
    rows = outgoing(user)
    if wanted.sender:
        rows = rows.filter(sender=wanted.sender)
    if wanted.search:
        addressed = Message.objects.filter(recipients__address__icontains=wanted.search).values("pk")
        rows = rows.filter(
            Q(subject__icontains=wanted.search) | Q(message_id__icontains=wanted.search) | Q(pk__in=addressed)
        )
    return rows


def page(user: User, wanted: Wanted) -> tuple[list[Message], bool]:
    """The newest messages asked for, and whether there are more below."""
    rows = _in_state(matching(user, wanted), wanted.state)
    if wanted.before:
        rows = rows.filter(pk__lt=wanted.before)
    found = (
        rows.select_related("case", "case__channel", "sender", "author")
        .prefetch_related("recipients")
        .order_by("-pk")
    )
    first = list(found[: PAGE + 1])
    return first[:PAGE], len(first) > PAGE


def counts(user: User, wanted: Wanted) -> dict[str, int]:
    """How many messages are in each state under the other conditions, and in the groups `trouble`, `waiting`, `returned`."""
    per_state = dict(matching(user, wanted).order_by().values_list("state").annotate(n=Count("pk")))
    return {
        **per_state,
        "": sum(per_state.values()),
        "trouble": sum(per_state.get(state, 0) for state in NEEDS_A_PERSON),
        "waiting": sum(per_state.get(state, 0) for state in ON_THE_WAY),
        "returned": matching(user, wanted).filter(pk__in=_returned()).count(),
    }


def _in_state(rows: QuerySet[Message], state: str) -> QuerySet[Message]:
    if state == "trouble":
        return rows.filter(state__in=NEEDS_A_PERSON)
    if state == "waiting":
        return rows.filter(state__in=ON_THE_WAY)
    if state == "returned":
        return rows.filter(pk__in=_returned())
    return rows.filter(state=state) if state else rows


def _returned() -> QuerySet[Recipient, Any]:
    """Ids of messages of which a recipient's server sent a bounce."""
    return Recipient.objects.filter(state=RecipientState.BOUNCED).values_list("message", flat=True)
