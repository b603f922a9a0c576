"""Answers to an offer, and where one is: available, paused."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from postroom.actions import work
from postroom.actions.presence import set_presence
from postroom.actions.refusals import Refused
from postroom.models import Offer
from postroom.web.agent.answers import came_from
from postroom.web.agent.showing import case_url, offers
from postroom.web.signed import person, signed_in, wants_fragment


@signed_in
@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Take it and open it."""
    user = person(request)
    offer = get_object_or_404(Offer, pk=pk, agent=user)
    try:
        taken = work.accept(offer, by=user)
    except Refused as refused:
        messages.error(request, refused.text)
        return _to(request, came_from(request, "/"))
    return _to(request, case_url(taken.case, "mine"))


@signed_in
@require_POST
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave it to others; one stays where one is."""
    user = person(request)
    offer = get_object_or_404(Offer, pk=pk, agent=user)
    try:
        work.decline(offer, by=user, reason=request.POST.get("reason", "")[:200])
    except Refused as refused:
        if not wants_fragment(request):
            messages.error(request, refused.text)
    if wants_fragment(request):
        return render(request, "postroom/agent/offers.html", {"offers": offers(user)})
    return redirect(came_from(request, "/"))


def _to(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": url}) if wants_fragment(request) else redirect(url)


@signed_in
@require_POST
def presence(request: HttpRequest) -> HttpResponse:
    """Available, or paused with a reason: `state` is `available`, `paused` or `paused:Lunch`."""
    state, _, reason = request.POST.get("state", "").partition(":")
    try:
        set_presence(person(request), state, reason=reason[:80])
    except Refused as refused:
        messages.error(request, refused.text)
    return redirect(came_from(request, "/"))
