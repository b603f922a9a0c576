"""People: the list, the form with role, capacity and queues, passwords by one-time link, switching off."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postroom.actions import passwords
from postroom.actions import people as actions
from postroom.actions.people import FIELDS
from postroom.actions.queues import set_queues
from postroom.actions.refusals import NotAllowed, Refused
from postroom.conf.deployment import deployment
from postroom.models import InteractionState, Queue, Role, User
from postroom.web.setup import inputs
from postroom.web.setup.access import administrators, person
from postroom.web.setup.answers import attempt

PAGE = 100
LINK_HOURS = 48


@require_GET
@administrators
def table(request: HttpRequest) -> HttpResponse:
    """Everybody, with what they have in hand."""
    search, role = request.GET.get("q", "").strip(), request.GET.get("role", "")
    in_hand = Count(
        "interactions",
        filter=Q(interactions__state__in=[InteractionState.HANDLING, InteractionState.OFFERED]),
        distinct=True,
    )
    found = (
        User.objects.filter(Q(name__icontains=search) | Q(email__icontains=search))
        .annotate(in_hand=in_hand)
        .prefetch_related("queues")
    )
    if role in Role.values:
        found = found.filter(role=role)
    page = Paginator(found.order_by("-is_active", "name", "pk"), PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "postroom/setup/people.html",
        {"page": page, "search": search, "role": role, "roles": inputs.labels_of(Role)},
    )


@require_http_methods(["GET", "POST"])
@administrators
def new(request: HttpRequest) -> HttpResponse:
    """Add a person; they set their password by a one-time link shown once."""
    if request.method == "POST":
        return _save(request, None)
    return _form(request, None, inputs.defaults(FIELDS), {}, set())


@require_http_methods(["GET", "POST"])
@administrators
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a person and the queues they serve."""
    someone = get_object_or_404(User, pk=pk)
    if request.method == "POST":
        return _save(request, someone)
    return _form(
        request, someone, inputs.stored(someone, FIELDS), {}, set(someone.queues.values_list("pk", flat=True))
    )


@require_POST
@administrators
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a person sign in, or not."""
    someone, on = get_object_or_404(User, pk=pk), request.POST.get("on") == "1"
    done = (
        f"{someone.name} may sign in."
        if on
        else f"{someone.name} may not sign in any more; their emails went back to their queues."
    )
    attempt(request, partial(actions.switch_person, someone, by=person(request), on=on), done)
    return redirect("person", pk=pk)


@require_POST
@administrators
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a one-time link to set a password; it is shown once, on the next page, and only its hash is stored."""
    return _link(request, get_object_or_404(User, pk=pk))


def _link(request: HttpRequest, someone: User) -> HttpResponse:
    try:
        token = passwords.make_password_link(someone, by=person(request), hours=LINK_HOURS)
    except Refused as no:
        messages.error(request, no.text)
        return redirect("person", pk=someone.pk)
    answer = render(
        request,
        "postroom/setup/person_link.html",
        {"someone": someone, "link": _address(token), "hours": LINK_HOURS},
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
@administrators
def password(request: HttpRequest, pk: int) -> HttpResponse:
    """Set somebody's password by hand."""
    someone = get_object_or_404(User, pk=pk)
    act = partial(
        passwords.set_password, someone, by=person(request), password=request.POST.get("password", "")
    )
    attempt(request, act, f"The password of {someone.name} is set. Tell it to them in person.")
    return redirect("person", pk=pk)


@require_http_methods(["GET", "POST"])
@administrators
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then delete somebody who never worked here; the action says why it cannot be."""
    someone = get_object_or_404(User, pk=pk)
    if request.method == "POST":
        if attempt(
            request,
            partial(actions.delete_person, someone, by=person(request)),
            f"{someone.name} is deleted.",
        ):
            return redirect("people")
        return redirect("person", pk=pk)
    asked = {
        "title": f"Delete {someone.name}?",
        "text": "The account is removed for ever. To keep the name in the history, switch it off instead.",
        "act": "Delete",
    }
    return render(request, "postroom/setup/ask.html", {**asked, "back": "people"})


def _address(token: str) -> str:
    """The whole address of a password link."""
    return deployment.base_url + reverse("set-password", args=[token])


def _save(request: HttpRequest, someone: User | None) -> HttpResponse:
    values = inputs.typed(request.POST, FIELDS)
    chosen = inputs.numbers(request.POST.getlist("queues"))
    by = person(request)
    try:
        with transaction.atomic():
            saved = (
                actions.change_person(someone, by=by, values=values)
                if someone
                else actions.create_person(by=by, values=values)
            )
            set_queues(saved, by=by, queues=Queue.objects.filter(pk__in=chosen))
    except NotAllowed as no:
        raise PermissionDenied(no.text) from no
    except Refused as no:
        return _form(request, someone, values, no.errors or {"": no.text}, chosen)
    if someone is None:
        return _link(request, saved)
    messages.success(request, f"{saved.name} is saved.")
    return redirect("people")


def _form(
    request: HttpRequest,
    someone: User | None,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    queues: set[int],
) -> HttpResponse:
    languages = (("", "As the browser says"), *((code, str(name)) for code, name in settings.LANGUAGES))
    special: dict[str, dict[str, Any]] = {
        "role": {"choices": inputs.labels_of(Role)},
        "language": {"type": "select", "choices": languages},
    }
    fields = inputs.draw(FIELDS, values, errors, special)
    context = {
        "someone": someone,
        "fields": fields,
        "labels": fields,
        "errors": errors,
        "queues": Queue.objects.all(),
        "serves": queues,
        "is_self": someone is not None and someone.pk == person(request).pk,
    }
    return render(request, "postroom/setup/person_form.html", context, status=422 if errors else 200)
