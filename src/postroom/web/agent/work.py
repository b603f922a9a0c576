"""What an agent does with an email besides writing: take, give back, snooze, transfer, finish, reopen. The rules are in actions/work."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from postroom.actions import work
from postroom.actions.refusals import Refused
from postroom.models import Case, Disposition, Interaction, InteractionState, Queue
from postroom.models.rights import visible_queues
from postroom.web.agent.answers import attempt, came_from, go_on, refuse, stay, view_of
from postroom.web.agent.finding import find_case
from postroom.web.agent.showing import case_context, case_url, view_url
from postroom.web.components.words import say_when
from postroom.web.signed import person, signed_in, wants_fragment

ASKS = ("finish", "snooze", "transfer")
SNOOZES = (
    ("hour", "In an hour"),
    ("evening", "This evening"),
    ("tomorrow", "Tomorrow morning"),
    ("week", "Next Monday"),
)


def active_of(case: Case) -> Interaction:
    """The work on a case that is not finished."""
    found = case.interactions.exclude(state=InteractionState.FINISHED).first()
    if found is None:
        raise Refused("Nothing is open on this case any more.")
    return found


@signed_in
@require_GET
def ask(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """The question of an act as a page of its own, for browsers without scripts."""
    if what not in ASKS:
        raise Http404
    user = person(request)
    found = find_case(user, pk)
    return render(
        request, "postroom/agent/ask.html", {**case_context(found, user, view_of(request)), "what": what}
    )


@signed_in
@require_POST
def pull(request: HttpRequest) -> HttpResponse:
    """Take the next waiting email: of one queue, or of all of one's queues."""
    user = person(request)
    given = request.POST.get("queue", "")
    queue = (
        visible_queues(user).filter(pk=int(given)).first() if given.isdecimal() and len(given) < 19 else None
    )
    try:
        taken = work.pull(by=user, queue=queue)
    except Refused as refused:
        messages.error(request, refused.text)
        return _to(request, came_from(request, view_url("mine")))
    return _to(request, case_url(taken.case, "mine"))


def _to(request: HttpRequest, url: str) -> HttpResponse:
    if wants_fragment(request):
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


@signed_in
@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take this waiting email."""
    user = person(request)
    found = find_case(user, pk)
    refused = attempt(request, lambda: work.pull(by=user, interaction=active_of(found)))
    return refuse(request, found, refused) if refused else stay(request, found, "It is yours.")


@signed_in
@require_POST
def give_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Return it to its queue."""
    user = person(request)
    found = find_case(user, pk)
    refused = attempt(request, lambda: work.give_back(active_of(found), by=user))
    return refuse(request, found, refused) if refused else go_on(request, found, "Given back to its queue.")


@signed_in
@require_POST
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Set it aside until a moment."""
    user = person(request)
    found = find_case(user, pk)
    until = snooze_moment(request.POST.get("until", ""), request.POST.get("at", ""))
    if until is None:
        return refuse(request, found, Refused(errors={"at": "Choose a day and a time."}))
    refused = attempt(request, lambda: work.park(active_of(found), by=user, until=until))
    return (
        refuse(request, found, refused)
        if refused
        else go_on(request, found, f"Snoozed until {say_when(until)}.")
    )


def snooze_moment(name: str, at: str) -> datetime | None:
    """The moment of one of the offered names, or the one typed; in the reader's time zone."""
    now = timezone.localtime()
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    named = {
        "hour": now + timedelta(hours=1),
        "evening": max(now + timedelta(hours=1), now.replace(hour=17, minute=0, second=0, microsecond=0)),
        "tomorrow": morning + timedelta(days=1),
        "week": morning + timedelta(days=7 - now.weekday()),
    }
    if name in named:
        return named[name]
    try:
        typed = parse_datetime(at)
    except ValueError:
        return None
    return typed and (timezone.make_aware(typed) if timezone.is_naive(typed) else typed)


@signed_in
@require_POST
def wake(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a snoozed email up again."""
    user = person(request)
    found = find_case(user, pk)
    refused = attempt(request, lambda: work.unpark(active_of(found), by=user))
    return refuse(request, found, refused) if refused else stay(request, found, "Back in your hands.")


@signed_in
@require_POST
def transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """Move it to another queue."""
    user = person(request)
    found = find_case(user, pk)
    given = request.POST.get("queue", "")
    queue = Queue.objects.filter(pk=int(given)).first() if given.isdecimal() and len(given) < 19 else None
    if queue is None:
        return refuse(request, found, Refused(errors={"queue": "Choose a queue."}))
    refused = attempt(request, lambda: work.transfer(active_of(found), by=user, queue=queue))
    return (
        refuse(request, found, refused) if refused else go_on(request, found, f"Transferred to {queue.name}.")
    )


@signed_in
@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    """End the work, with a disposition where the queue asks for one."""
    user = person(request)
    found = find_case(user, pk)
    waiting = request.POST.get("outcome") == "waiting"

    def act() -> None:
        work.finish(
            active_of(found), by=user, disposition=disposition_of(request), waiting_on_customer=waiting
        )

    refused = attempt(request, act)
    if refused:
        return refuse(request, found, refused)
    return go_on(request, found, "Waiting on the customer." if waiting else "Closed.")


def disposition_of(request: HttpRequest) -> Disposition | None:
    """The disposition a form names; None if it names none."""
    given = request.POST.get("disposition", "")
    if not given:
        return None
    found = (
        Disposition.objects.filter(pk=int(given)).first() if given.isdecimal() and len(given) < 19 else None
    )
    if found is None:
        raise Refused(errors={"disposition": "Choose one of the dispositions in the list."})
    return found


@signed_in
@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a finished case up again."""
    user = person(request)
    found = find_case(user, pk)
    refused = attempt(request, lambda: work.reopen(found, by=user))
    return (
        refuse(request, found, refused) if refused else stay(request, found, "Reopened; it is in your hands.")
    )
