"""Puts together what the workspace shows: list, thread, context and composer, as a whole page or as the parts a script asked for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from postroom.models import Case, Message, Offer, OfferState, OutState, Queue, User
from postroom.models.rights import may_work_on
from postroom.reports.thread import about, dispositions, thread
from postroom.reports.workspace import Listing, contact_name, listing, sidebar
from postroom.web.agent.composing import composer
from postroom.web.agent.pieces import piece_of
from postroom.web.feed import newest_event
from postroom.web.signed import person

# What differs in every rendering and says nothing.
CHANGING = re.compile(r'(?:name="(?:csrfmiddlewaretoken|key)" value|data-now)="[^"]*"')
# What changes a list or a sidebar: the nouns of the events.
LIST_EVENTS = "offer interaction message letter case note queue presence"


def workspace(
    request: HttpRequest, view: str, case: Case | None = None, *, query: str = "", status: int = 200
) -> HttpResponse | None:
    """The whole page; None if there is no such view."""
    user = person(request)
    cursor = newest_event()
    side = sidebar(user)
    found = listing(user, view, query=query, side=side)
    if found is None:
        return None
    request.view_name, request.side = view, side  # type: ignore[attr-defined]
    context = {
        **list_context(found, user, case, query),
        **(
            case_context(case, user, view, problem=_problem(request))
            if case
            else {"case": None, "view": view}
        ),
        "alone": is_alone(found, case),
        "live_last": cursor,
        "offers": offers(user),
        "held": held(user),
        "now": timezone.now(),
        "page_title": case.subject if case else found.view.title,
        "live_events": LIST_EVENTS,
    }
    return render(request, "postroom/agent/workspace.html", context, status=status)


def _problem(request: HttpRequest) -> Mapping[str, str]:
    """What a form without scripts was refused for, kept over the redirect."""
    problem: dict[str, str] = request.session.pop("problem", {}) if "problem" in request.session else {}
    return problem


def is_alone(found: Listing, case: Case | None) -> bool:
    """True for an open case that is not in the list beside it: the list's script keeps the others up to date."""
    return case is not None and all(row.case.pk != case.pk for row in (*found.rows, *found.next_rows))


def list_context(found: Listing, user: User, case: Case | None, query: str = "") -> dict[str, Any]:
    """What list.html reads."""
    return {
        "listing": found,
        "view": found.view.name,
        "chosen": case.pk if case else 0,
        "query": query,
        "list_url": reverse("list", args=[found.view.name]),
        "live_events": LIST_EVENTS,
    }


def case_context(
    case: Case, user: User, view: str, *, before: int = 0, problem: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What thread.html and context.html read."""
    shown = thread(case, user, before=before)
    facts = about(case, user)
    active = facts.active
    mine = bool(active and active.agent_id == user.pk)
    works = may_work_on(user, case)
    return {
        "case": case,
        "view": view,
        "thread": shown,
        "items": [piece_of(item, user) for item in shown.items],
        "about": facts,
        "active": active,
        "mine": mine,
        "may_work": works,
        "may_act": mine or (user.is_supervisor and active is not None),
        "may_take": active is not None
        and active.state == "waiting"
        and (user.is_supervisor or active.queue.pull),
        "dispositions": dispositions(case.queue),
        "disposition_required": bool(active and active.queue.disposition_required),
        "queues": list(Queue.objects.filter(is_open=True).exclude(pk=active.queue_id)) if active else [],
        "composer": composer(case, user, newest=shown.newest, active=active, works=works),
        "problem": problem or {},
        "seen_url": reverse("seen", args=[case.pk]),
        "now": timezone.now(),
    }


def fragment(request: HttpRequest, case: Case, view: str) -> HttpResponse:
    """`#thread` and `#context` for the scripts; 304 when they are what the browser has."""
    html = render_to_string(
        "postroom/agent/fragment.html",
        {**case_context(case, person(request), view), "fragment": True},
        request,
    )
    tag = f'"{hashlib.sha256(CHANGING.sub("", html).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    return HttpResponse(html, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def swap(request: HttpRequest, case: Case | None, view: str, *, said: str = "") -> HttpResponse:
    """After an act by script: the thread that is next, and everything around it that may have changed."""
    user = person(request)
    found = listing(user, view) or listing(user, "mine")
    assert found is not None
    context = {
        **list_context(found, user, case),
        **(case_context(case, user, view) if case else {"case": None, "view": view}),
        "alone": is_alone(found, case),
        "held": held(user),
        "now": timezone.now(),
        "said": said,
        "fragment": True,
    }
    response = render(request, "postroom/agent/swap.html", context)
    response.headers["HX-Retarget"] = "#thread"
    response.headers["HX-Reswap"] = "outerHTML"
    response.headers["HX-Push-Url"] = case_url(case, view) if case else view_url(view)
    return response


def view_url(view: str) -> str:
    """The address of a list."""
    return reverse("workspace") if view == "mine" else reverse("view", args=[view])


def case_url(case: Case, view: str) -> str:
    """The address of a case beside a list."""
    return f"{reverse('case', args=[case.pk])}?in={view}"


def held(user: User) -> list[dict[str, Any]]:
    """One's messages in their undo window: the counter survives a reload."""
    waiting = Message.objects.filter(
        author=user, state=OutState.HELD, held_until__gt=timezone.now()
    ).order_by("held_until")
    return [
        {"id": pk, "until": until, "undo_url": reverse("undo", args=[pk])}
        for pk, until in waiting.values_list("pk", "held_until")
    ]


def offers(user: User) -> list[dict[str, Any]]:
    """The cards of the open offers of this person."""
    now = timezone.now()
    made = Offer.objects.filter(agent=user, state=OfferState.MADE, expires__gt=now)
    made = made.select_related("interaction__case__contact", "interaction__queue").prefetch_related(
        "interaction__case__contact__addresses"
    )
    return [_card(offer, now) for offer in made.order_by("expires")]


def _card(offer: Offer, now: datetime) -> dict[str, Any]:
    work = offer.interaction
    return {
        "id": offer.pk,
        "until": offer.expires,
        "now": now,
        "seconds": max(1, round((offer.expires - offer.made).total_seconds())),
        "queue": work.queue.name,
        "waiting": (now - work.waiting_since).total_seconds(),
        "priority": "High" if work.priority <= 2 else "",
        "urgent": work.priority <= 2,
        "subject": work.case.subject or "(no subject)",
        "who": contact_name(work.case),
        "accept_url": reverse("offer-accept", args=[offer.pk]),
        "decline_url": reverse("offer-decline", args=[offer.pk]),
    }
