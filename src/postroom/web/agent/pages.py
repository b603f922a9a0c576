"""The workspace: a list, the thread beside it, the panel about the customer; whole pages and the parts scripts ask for."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from postroom.actions.seen import mark_seen
from postroom.reports.workspace import listing
from postroom.web.agent.finding import find_case
from postroom.web.agent.showing import case_context, fragment, list_context, offers, workspace
from postroom.web.signed import person, signed_in


@signed_in
@never_cache
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """What is in one's hands, and what comes next."""
    return view(request, "mine")


@signed_in
@never_cache
@require_GET
def view(request: HttpRequest, name: str) -> HttpResponse:
    """One of the lists of the sidebar."""
    page = workspace(request, name)
    if page is None:
        raise Http404
    return page


@signed_in
@never_cache
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Cases by words, by address, by reference."""
    page = workspace(request, "search", query=request.GET.get("q", "")[:200])
    assert page is not None
    return page


@signed_in
@never_cache
@require_GET
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """A case beside the list it was opened from."""
    found = find_case(person(request), pk)
    page = workspace(request, request.GET.get("in", "mine"), found, query=request.GET.get("q", "")[:200])
    page = page or workspace(request, "mine", found)
    assert page is not None
    return page


@signed_in
@require_GET
def thread(request: HttpRequest, pk: int) -> HttpResponse:
    """The thread and the panel, for the scripts."""
    return fragment(request, find_case(person(request), pk), request.GET.get("in", "mine"))


@signed_in
@require_GET
def earlier(request: HttpRequest, pk: int) -> HttpResponse:
    """Twenty messages before one: in place for scripts, a whole page without them."""
    user = person(request)
    found = find_case(user, pk)
    before = request.GET.get("before", "")
    at = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0
    context = {**case_context(found, user, request.GET.get("in", "mine"), before=at), "fragment": True}
    return render(request, "postroom/agent/earlier.html", context)


@signed_in
@require_GET
def rows(request: HttpRequest, name: str) -> HttpResponse:
    """The list again, after something changed."""
    user = person(request)
    query = request.GET.get("q", "")[:200]
    found = listing(user, name, query=query)
    if found is None:
        raise Http404
    context = {**list_context(found, user, None, query), "chosen": open_case(request)}
    return render(request, "postroom/agent/list.html", context)


@signed_in
@require_GET
def side(request: HttpRequest) -> HttpResponse:
    """The sidebar's counts and presence again."""
    request.view_name = request.GET.get("view", "")  # type: ignore[attr-defined]
    return render(request, "postroom/agent/side.html")


@signed_in
@require_GET
def offer_cards(request: HttpRequest) -> HttpResponse:
    """The open offers again."""
    return render(request, "postroom/agent/offers.html", {"offers": offers(person(request))})


@signed_in
@require_POST
def seen(request: HttpRequest, pk: int) -> HttpResponse:
    """The agent looks at this case: it is no longer bold in their list."""
    user = person(request)
    mark_seen(find_case(user, pk), by=user)
    return HttpResponse(status=204)


def open_case(request: HttpRequest) -> int:
    """The case that stands open in the browser that asks: its address says so."""
    path = urlsplit(request.headers.get("HX-Current-URL", "")).path
    try:
        match = resolve(path)
    except Resolver404:
        return 0
    return int(match.kwargs["pk"]) if match.url_name == "case" else 0
