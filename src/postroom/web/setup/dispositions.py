"""The tree of dispositions: add below, rename, take out of use, delete what was never used. One page for all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from postroom.actions import dispositions as actions
from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import Disposition, Queue
from postroom.web.setup.access import administrators, person
from postroom.web.setup.answers import attempt
from postroom.web.setup.inputs import draw, number


@require_http_methods(["GET", "POST"])
@administrators
def tree(request: HttpRequest) -> HttpResponse:
    """The trees of all queues and of each; a POST adds one."""
    if request.method == "POST":
        return _add(request)
    return _page(request, {}, {})


@require_POST
@administrators
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename, or take in or out of use, or delete: the pressed button says which."""
    one = get_object_or_404(Disposition, pk=pk)
    act, by = request.POST.get("act", "rename"), person(request)
    name = request.POST.get("name", one.name)
    acts: dict[str, tuple[Callable[[], object], str]] = {
        "rename": (
            partial(actions.change_disposition, one, by=by, values={"name": name}),
            f"Renamed to {name}.",
        ),
        "use": (
            partial(actions.change_disposition, one, by=by, values={"active": True}),
            f"{one.name} is in use again.",
        ),
        "retire": (
            partial(actions.change_disposition, one, by=by, values={"active": False}),
            f"{one.name} is out of use.",
        ),
        "delete": (partial(actions.delete_disposition, one, by=by), f"{one.name} is deleted."),
    }
    do, done = acts.get(act, acts["rename"])
    attempt(request, do, done)
    return redirect(reverse("dispositions"))


def _add(request: HttpRequest) -> HttpResponse:
    values = {
        "name": request.POST.get("name", ""),
        "queue": number(request.POST.get("queue", "")) or None,
        "parent": number(request.POST.get("parent", "")) or None,
    }
    parent = Disposition.objects.filter(pk=values["parent"]).first() if values["parent"] else None
    if parent:
        values["queue"] = parent.queue_id
    try:
        actions.create_disposition(by=person(request), values=values)
    except NotAllowed as no:
        raise PermissionDenied(no.text) from no
    except Refused as no:
        return _page(request, no.errors or {"name": no.text}, values)
    return redirect("dispositions")


def _page(request: HttpRequest, errors: dict[str, str], values: dict[str, Any]) -> HttpResponse:
    every = list(Disposition.objects.select_related("queue"))
    queues: list[Queue | None] = [None, *Queue.objects.all()]
    trees: list[dict[str, Any]] = [
        {"queue": queue, "rows": list(_walk(every, queue.pk if queue else None, None, 1))} for queue in queues
    ]
    context = {
        "trees": [one for one in trees if one["rows"]],
        "queues": Queue.objects.all(),
        "parents": [row for one in trees for row in one["rows"] if row["level"] < actions.LEVELS],
        "errors": errors,
        "labels": draw(actions.FIELDS, values, errors),
        "values": values,
    }
    return render(request, "postroom/setup/dispositions.html", context, status=422 if errors else 200)


def _walk(
    every: list[Disposition], queue: int | None, parent: int | None, level: int
) -> Iterator[dict[str, Any]]:
    for one in every:
        if one.queue_id == queue and one.parent_id == parent:
            yield {"one": one, "level": level, "path": actions.path_of(one)}
            yield from _walk(every, queue, one.pk, level + 1)
