"""What the agent's sidebar and list show: the views with their counts, and the rows of one view. Read only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils import timezone

from postroom.models import Case, CaseState, Interaction, InteractionState, Message, OutState, Queue, User
from postroom.models.rights import visible_cases, visible_queues
from postroom.models.search import search

MOST_ROWS = 100
SOON = timedelta(hours=1)
LEAVING = (OutState.HELD, OutState.QUEUED, OutState.SENDING)
TROUBLED = (OutState.FAILED, OutState.UNKNOWN, OutState.PARTIAL)


@dataclass(frozen=True)
class View:
    """One list of the sidebar. `name` is its part of the address."""

    name: str
    title: str
    icon: str = ""
    colour: str = ""
    count: int = 0
    hot: bool = False
    empty: str = ""


@dataclass(frozen=True)
class Sidebar:
    """Counts of the signed-in person."""

    mine: tuple[View, ...]
    queues: tuple[View, ...]
    in_hand: int


@dataclass(frozen=True)
class Row:
    """One line of a list: a case, the work on it, and what is going on there."""

    case: Case
    interaction: Interaction | None
    name: str
    due: datetime | None = None
    late: bool = False
    soon: bool = False
    draft: bool = False
    leaving: bool = False
    trouble: bool = False
    returned: bool = False
    busy: str = ""

    @property
    def unread(self) -> bool:
        """True until its agent has looked at the newest letter."""
        return self.interaction is not None and self.interaction.unread


@dataclass(frozen=True)
class Listing:
    """A view with its rows; `more` says that there are others."""

    view: View
    rows: Sequence[Row]
    more: bool = False
    next_queue: View | None = None
    next_rows: Sequence[Row] = field(default_factory=tuple)


EMPTY = {
    "mine": "Nothing in your hands. Pull the next email, or wait for one to be offered.",
    "waiting": "No customer owes you an answer.",
    "snoozed": "Nothing is snoozed. Press H on an email to see it again later.",
    "drafts": "No unfinished texts.",
}


def sidebar(user: User) -> Sidebar:
    """The views of this person with their counts: four queries."""
    states = dict(
        Interaction.objects.filter(agent=user)
        .exclude(state=InteractionState.FINISHED)
        .values_list("state")
        .annotate(Count("id"))
    )
    handling, offered = states.get(InteractionState.HANDLING, 0), states.get(InteractionState.OFFERED, 0)
    mine = (
        View("mine", "My open", "inbox", count=handling, empty=EMPTY["mine"]),
        View(
            "waiting", "Waiting on customer", "hourglass", count=pending(user).count(), empty=EMPTY["waiting"]
        ),
        View(
            "snoozed",
            "Snoozed",
            "snooze",
            count=states.get(InteractionState.PARKED, 0),
            empty=EMPTY["snoozed"],
        ),
        View("drafts", "Drafts", "pen", count=drafts(user).count(), empty=EMPTY["drafts"]),
    )
    return Sidebar(mine, tuple(map(queue_view, queues(user))), handling + offered)


def queues(user: User) -> QuerySet[Queue]:
    """The queues this person serves (supervisors: all), with what waits in each."""
    waiting = Q(interactions__state__in=[InteractionState.WAITING, InteractionState.OFFERED])
    late = waiting & Q(interactions__due__lt=timezone.now())
    return visible_queues(user).annotate(
        waiting_count=Count("interactions", filter=waiting, distinct=True),
        late_count=Count("interactions", filter=late, distinct=True),
    )


def queue_view(queue: Queue) -> View:
    """A queue as a view."""
    empty = f"Nothing is waiting in {queue.name}."
    return View(
        f"queue-{queue.pk}",
        queue.name,
        colour=queue.colour,
        count=getattr(queue, "waiting_count", 0),
        hot=bool(getattr(queue, "late_count", 0)),
        empty=empty,
    )


def pending(user: User) -> QuerySet[Case]:
    """Cases that wait for the customer and whose last work was this person's."""
    last = Interaction.objects.filter(case=OuterRef("pk")).order_by("-id").values("agent")[:1]
    return (
        Case.objects.filter(state=CaseState.PENDING, interactions__agent=user)
        .annotate(last_agent=Subquery(last))
        .filter(last_agent=user.pk)
        .distinct()
    )


def drafts(user: User) -> QuerySet[Case]:
    """Cases on which this person has begun to write."""
    return Case.objects.filter(
        Exists(Message.objects.filter(case=OuterRef("pk"), author=user, state=OutState.DRAFT))
    )


def listing(user: User, name: str, *, query: str = "", side: Sidebar | None = None) -> Listing | None:
    """The rows of a view; None if there is no such view for this person. `side` saves counting again."""
    side = side or sidebar(user)
    view = next((v for v in (*side.mine, *side.queues) if v.name == name), None)
    if name == "search":
        return _found(user, query)
    if view is None:
        return None
    if name.startswith("queue-"):
        return _of_interactions(user, view, _waiting(int(name[6:])))
    if name in ("mine", "snoozed"):
        state = InteractionState.HANDLING if name == "mine" else InteractionState.PARKED
        work = Interaction.objects.filter(agent=user, state=state)
        if name == "mine":
            return _mine(user, view, work.order_by(F("due").asc(nulls_last=True), "id"), side)
        return _of_interactions(user, view, work.order_by("wake"))
    cases = pending(user) if name == "waiting" else drafts(user)
    return _of_cases(user, view, cases.order_by("-updated"))


def _waiting(queue: int) -> QuerySet[Interaction]:
    work = Interaction.objects.filter(
        queue_id=queue, state__in=[InteractionState.WAITING, InteractionState.OFFERED]
    )
    return work.order_by("priority", F("due").asc(nulls_last=True), "waiting_since")


def _mine(user: User, view: View, work: QuerySet[Interaction], side: Sidebar) -> Listing:
    """One's own work, and below it the queue that waits most, so that pulling needs no search."""
    waiting = [one for one in side.queues if one.count]
    own = _with_case(work, MOST_ROWS + 1)
    if not waiting:
        return Listing(view, _rows(user, _pairs(own[:MOST_ROWS])), len(own) > MOST_ROWS)
    queue = max(waiting, key=lambda one: (one.hot, one.count))
    below = _with_case(_waiting(int(queue.name[6:])), 5)
    rows = _rows(user, _pairs([*own[:MOST_ROWS], *below]))
    split = min(len(own), MOST_ROWS)
    return Listing(view, rows[:split], len(own) > MOST_ROWS, next_queue=queue, next_rows=rows[split:])


def _pairs(work: list[Interaction]) -> list[tuple[Case, Interaction | None]]:
    return [(one.case, one) for one in work]


def _with_case(work: QuerySet[Interaction], most: int) -> list[Interaction]:
    return list(
        work.select_related("case__contact", "case__channel", "queue", "agent").prefetch_related(
            "case__contact__addresses"
        )[:most]
    )


def _of_interactions(user: User, view: View, work: QuerySet[Interaction]) -> Listing:
    found = _with_case(work, MOST_ROWS + 1)
    return Listing(view, _rows(user, _pairs(found[:MOST_ROWS])), len(found) > MOST_ROWS)


def _of_cases(user: User, view: View, cases: QuerySet[Case], most: int = MOST_ROWS) -> Listing:
    newest = Prefetch("interactions", Interaction.objects.select_related("queue", "agent").order_by("-id"))
    found = list(
        cases.select_related("contact", "channel").prefetch_related("contact__addresses", newest)[: most + 1]
    )
    return Listing(
        view,
        _rows(user, [(case, next(iter(case.interactions.all()), None)) for case in found[:most]]),
        len(found) > most,
    )


def _found(user: User, query: str) -> Listing:
    """Cases by text, by reference or by address: only what the person may see."""
    view = View(
        "search",
        "Search",
        "search",
        empty=f"Nothing found for “{query}”."
        if query
        else "Type what you look for: words, an address, or a reference.",
    )
    messages = search(query, limit=300) if query.strip() else []
    wanted = Q(pk__in=Message.objects.filter(pk__in=messages).values("case"))
    number = query.strip().rpartition("-")[2]
    if number.isascii() and number.isdigit() and len(number) < 19:
        wanted |= _by_reference(query.strip(), int(number))
    if "@" in query:
        wanted |= Q(contact__addresses__key=query.strip().lower())
    if not query.strip():
        return Listing(view, ())
    return _of_cases(user, view, visible_cases(user).filter(wanted).distinct().order_by("-updated"))


def _by_reference(text: str, number: int) -> Q:
    key = text.rpartition("-")[0]
    return Q(pk=number, channel__key__iexact=key) if key and key.upper() != "C" else Q(pk=number)


def _rows(user: User, pairs: Iterable[tuple[Case, Interaction | None]]) -> list[Row]:
    pairs = list(pairs)
    going_on: dict[int, list[Message]] = {}
    states = [OutState.DRAFT, *LEAVING, *TROUBLED]
    messages = Message.objects.filter(case__in=[case.pk for case, _ in pairs], state__in=states)
    for message in messages.select_related("author").only(
        "case_id", "state", "flags", "author__name", "author_id"
    ):
        going_on.setdefault(message.case_id, []).append(message)
    return [_row(user, case, work, going_on.get(case.pk, [])) for case, work in pairs]


def _row(user: User, case: Case, work: Interaction | None, going_on: list[Message]) -> Row:
    now = timezone.now()
    due = work.due if work and work.state != InteractionState.FINISHED and not work.first_reply else None
    others = [
        m.author.name for m in going_on if m.state == OutState.DRAFT and m.author_id != user.pk and m.author
    ]
    return Row(
        case=case,
        interaction=work,
        name=contact_name(case),
        due=due,
        late=due is not None and due < now,
        soon=due is not None and now <= due < now + SOON,
        draft=any(m.state == OutState.DRAFT and m.author_id == user.pk for m in going_on),
        leaving=any(m.state in LEAVING for m in going_on),
        trouble=any(m.state in TROUBLED for m in going_on),
        returned=any(m.state in TROUBLED and "bounced" in m.flags for m in going_on),
        busy=others[0] if others else "",
    )


def contact_name(case: Case) -> str:
    """The name of the person outside, else the address; the addresses must be prefetched."""
    if case.contact is None:
        return "Unknown sender"
    if case.contact.name:
        return case.contact.name
    first = min(case.contact.addresses.all(), key=lambda a: a.pk, default=None)
    return first.address if first else "Unknown sender"
