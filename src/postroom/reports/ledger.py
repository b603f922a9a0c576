"""Where is my mail? Finds letters of the ledger by what a person remembers of them (RX-03). Read only; see actions/letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from postroom.models import LetterState, RawMessage

PAGE = 50


@dataclass(frozen=True)
class Wanted:
    """What is remembered of a letter; empty means anything. `first` and `last` are days, `before` an id to go on below."""

    search: str = ""
    sender: str = ""
    subject: str = ""
    message_id: str = ""
    first: date | None = None
    last: date | None = None
    channel: int = 0
    state: str = ""
    before: int = 0

    @property
    def is_detailed(self) -> bool:
        """True when more than the one search field is used."""
        return bool(self.sender or self.subject or self.message_id or self.first or self.last)


def matching(wanted: Wanted) -> QuerySet[RawMessage]:
    """The letters asked for, without regard to their state."""
    rows = RawMessage.objects.all()
    if wanted.search:
        bare = _bare(wanted.search)
        rows = rows.filter(
            Q(sender__icontains=wanted.search)
            | Q(subject__icontains=wanted.search)
            | Q(message_id__icontains=bare)
        )
    if wanted.sender:
        rows = rows.filter(sender__icontains=wanted.sender)
    if wanted.subject:
        rows = rows.filter(subject__icontains=wanted.subject)
    if wanted.message_id:
        rows = rows.filter(message_id__icontains=_bare(wanted.message_id))
    if wanted.channel:
        rows = rows.filter(channel=wanted.channel)
    return _between(rows, wanted.first, wanted.last)


def page(wanted: Wanted) -> tuple[list[RawMessage], bool]:
    """The newest letters asked for, and whether there are more below."""
    rows = matching(wanted)
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.before:
        rows = rows.filter(pk__lt=wanted.before)
    first = list(rows.select_related("channel", "message__case__channel").order_by("-pk")[: PAGE + 1])
    return first[:PAGE], len(first) > PAGE


def counts(wanted: Wanted) -> dict[str, int]:
    """How many letters are in each state under the other conditions; '' is all of them."""
    per_state = dict(matching(wanted).order_by().values_list("state").annotate(n=Count("pk")))
    return {**{state: per_state.get(state, 0) for state in LetterState.values}, "": sum(per_state.values())}


def _bare(message_id: str) -> str:
    """A pasted Message-ID with or without its angle brackets."""
    return message_id.strip().strip("<>")


def _between(rows: QuerySet[RawMessage], first: date | None, last: date | None) -> QuerySet[RawMessage]:
    """By the day it was collected, sent or arrived: a person remembers any of them."""
    any_of_them = Q()
    for column in ("collected", "arrived", "sent"):
        within = Q(**{f"{column}__isnull": False})
        if first:
            within &= Q(**{f"{column}__gte": _midnight(first)})
        if last:
            within &= Q(**{f"{column}__lt": _midnight(last + timedelta(days=1))})
        any_of_them |= within
    return rows.filter(any_of_them) if first or last else rows


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
