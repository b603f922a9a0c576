"""How an act of the workspace answers: parts of the page to a script, a redirect and a toast to a plain form."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from postroom.actions.refusals import Refused
from postroom.models import Case
from postroom.reports.workspace import listing
from postroom.web.agent.finding import find_case
from postroom.web.agent.showing import case_url, swap, view_url
from postroom.web.signed import person, wants_fragment


def view_of(request: HttpRequest) -> str:
    """The list beside which the act was done."""
    return request.POST.get("in") or request.GET.get("in") or "mine"


def attempt(request: HttpRequest, act: Callable[[], object]) -> Refused | None:
    """Do it; a refusal is returned."""
    try:
        act()
    except Refused as refused:
        return refused
    return None


def stay(request: HttpRequest, case: Case, said: str) -> HttpResponse:
    """Done; the same case again."""
    if wants_fragment(request):
        return swap(request, find_case(person(request), case.pk), view_of(request), said=said)
    if said:
        messages.success(request, said)
    return redirect(case_url(case, view_of(request)))


def go_on(request: HttpRequest, case: Case, said: str) -> HttpResponse:
    """Done with this one: the next of the list, if there is one."""
    view = view_of(request)
    following = next_case(request, case, view)
    if wants_fragment(request):
        return swap(request, following, view, said=said)
    if said:
        messages.success(request, said)
    return redirect(case_url(following, view) if following else view_url(view))


def next_case(request: HttpRequest, case: Case, view: str) -> Case | None:
    """What stands first in the list now."""
    user = person(request)
    found = listing(user, view if view != "search" else "mine")
    rows = [row for row in found.rows if row.case.pk != case.pk] if found else []
    return find_case(user, rows[0].case.pk) if rows else None


def refuse(request: HttpRequest, case: Case, refused: Refused, *, to: str = "") -> HttpResponse:
    """Say why not: as a part for the dialog that asked, else as a toast on the page one came from."""
    if wants_fragment(request):
        return render(
            request,
            "postroom/agent/problem.html",
            {"errors": refused.errors, "text": refused.text},
            status=422,
        )
    messages.error(request, refused.text)
    return redirect(to or case_url(case, view_of(request)))


def came_from(request: HttpRequest, fallback: str) -> str:
    """The page of ours the form was on."""
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()}):
        return fallback
    parts = urlsplit(page)
    return parts.path + (f"?{parts.query}" if parts.query else "")
