"""Queues: the list with what waits, the form with its members, deleting. Dispositions have a page of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from postroom.actions import queues as actions
from postroom.actions.queues import FIELDS
from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import Queue, User
from postroom.reports.queues import queue_lines
from postroom.web.setup import inputs
from postroom.web.setup.access import administrators, person
from postroom.web.setup.answers import attempt


@require_GET
@administrators
def table(request: HttpRequest) -> HttpResponse:
    """Every queue with its counts."""
    return render(
        request,
        "postroom/setup/queues.html",
        {"queues": queue_lines(request.GET.get("q", "").strip()), "search": request.GET.get("q", "")},
    )


@require_http_methods(["GET", "POST"])
@administrators
def new(request: HttpRequest) -> HttpResponse:
    """Make a queue."""
    if request.method == "POST":
        return _save(request, None)
    return _form(request, None, inputs.defaults(FIELDS), {}, set())


@require_http_methods(["GET", "POST"])
@administrators
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a queue and who serves it."""
    queue = get_object_or_404(Queue, pk=pk)
    if request.method == "POST":
        return _save(request, queue)
    return _form(
        request, queue, inputs.stored(queue, FIELDS), {}, set(queue.members.values_list("pk", flat=True))
    )


@require_http_methods(["GET", "POST"])
@administrators
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then delete; the action says why it cannot be."""
    queue = get_object_or_404(Queue, pk=pk)
    if request.method == "POST":
        if attempt(
            request, lambda: actions.delete_queue(queue, by=person(request)), f"{queue.name} is deleted."
        ):
            return redirect("queues")
        return redirect("queue", pk=pk)
    asked = {
        "title": f"Delete the queue {queue.name}?",
        "text": "Its settings and its members are removed for ever.",
        "act": "Delete",
    }
    return render(request, "postroom/setup/ask.html", {**asked, "back": "queues"})


def _save(request: HttpRequest, queue: Queue | None) -> HttpResponse:
    values = inputs.typed(request.POST, FIELDS)
    chosen = inputs.numbers(request.POST.getlist("members"))
    by = person(request)
    try:
        with transaction.atomic():
            saved = (
                actions.change_queue(queue, by=by, values=values)
                if queue
                else actions.create_queue(by=by, values=values)
            )
            actions.set_members(saved, by=by, people=User.objects.filter(pk__in=chosen))
    except NotAllowed as no:
        raise PermissionDenied(no.text) from no
    except Refused as no:
        return _form(request, queue, values, no.errors or {"": no.text}, chosen)
    messages.success(request, f"{saved.name} is saved.")
    return redirect("queues")


def _form(
    request: HttpRequest,
    queue: Queue | None,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    members: set[int],
) -> HttpResponse:
    fields = inputs.draw(
        FIELDS,
        values,
        errors,
        {
            "colour": {
                "choices": tuple(
                    (value, str(label)) for value, label in Queue._meta.get_field("colour").choices or ()
                )
            }
        },
    )
    context = {
        "queue": queue,
        "fields": fields,
        "labels": fields,
        "errors": errors,
        "people": _people(),
        "members": members,
        "channels": list(queue.channels.all()) if queue else [],
    }
    return render(request, "postroom/setup/queue_form.html", context, status=422 if errors else 200)


def _people() -> QuerySet[User]:
    """Who may serve a queue, with how many they serve."""
    return (
        User.objects.filter(Q(is_active=True) | Q(queues__isnull=False))
        .distinct()
        .annotate(serves=Count("queues"))
    )
