"""Adding and changing a sender: one form, checked by its action; Validate goes up to "may send as" and sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from postroom.actions import protocols
from postroom.actions import senders as actions
from postroom.actions.checks import check_saved_sender, check_sender
from postroom.actions.refusals import NotAllowed, Refused
from postroom.actions.senders import FIELDS
from postroom.models import Sender
from postroom.web.setup import checks, connection, inputs
from postroom.web.setup.access import administrators, person

WHOLE_FORM = "postroom/setup/sender_form.html"


@require_http_methods(["GET", "POST"])
@administrators
def new(request: HttpRequest) -> HttpResponse:
    """Add a sender; it is ready at once, since it does nothing by itself."""
    if request.method == "POST":
        return _save(request, None)
    address = request.GET.get("address", "").strip()
    values = {
        **inputs.defaults(FIELDS),
        "address": address,
        "preset": protocols.guess_provider(address),
        "settings": {"login": address},
    }
    return _form(request, None, values, {})


@require_http_methods(["GET", "POST"])
@administrators
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a sender; the stored password is never shown."""
    sender = get_object_or_404(Sender, pk=pk)
    if request.method == "POST":
        return _save(request, sender)
    return _form(request, sender, inputs.stored(sender, FIELDS), {})


@require_POST
@administrators
def check(request: HttpRequest, pk: int = 0) -> HttpResponseBase:
    """Try the values on the screen, saved or not."""
    sender = get_object_or_404(Sender, pk=pk) if pk else None
    return checks.answer(
        request, check_sender(_typed(request), by=person(request), sender=sender), title="Sending email"
    )


@require_POST
@administrators
def check_saved(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Try the sender as it is stored."""
    sender = get_object_or_404(Sender, pk=pk)
    return checks.answer(request, check_saved_sender(sender, by=person(request)), title="Sending email")


def _save(request: HttpRequest, sender: Sender | None) -> HttpResponse:
    values = _typed(request)
    if "guess" in request.POST:
        better = connection.suggested(values)
        return _form(request, sender, better, {}) if better else HttpResponse(status=204)
    if "refresh" in request.POST:
        return _form(request, sender, connection.after_choice(values, protocols.outboxes()), {})
    by = person(request)
    try:
        saved = (
            actions.change_sender(sender, by=by, values=values)
            if sender
            else actions.create_sender(by=by, values=values)
        )
        wanted = {"on": True, "off": False}.get(request.POST.get("save", ""), saved.enabled)
        actions.switch_sender(saved, by=by, on=wanted)
    except NotAllowed as no:
        raise PermissionDenied(no.text) from no
    except Refused as no:
        return _form(request, sender, values, no.errors or {"": no.text})
    messages.success(request, f"{saved.name} is saved{' and on' if wanted else ', and off'}.")
    return redirect(f"{reverse('mailboxes')}?show=sender-{saved.pk}")


def _typed(request: HttpRequest) -> dict[str, Any]:
    """Everything of the form, as the action takes it."""
    return {
        **inputs.typed(request.POST, FIELDS),
        **connection.typed_connection(request.POST, protocols.outboxes()),
    }


def _form(
    request: HttpRequest, sender: Sender | None, values: Mapping[str, Any], errors: Mapping[str, str]
) -> HttpResponse:
    form = connection.build(protocols.outboxes(), values, errors, sender)
    fields = inputs.draw(FIELDS, values, errors)
    every = [*fields.values(), *form.server, *form.certificate, *form.more, form.password]
    context = {
        "sender": sender,
        "form": form,
        "fields": fields,
        "errors": errors,
        "labels": {one.name: one for one in every},
        "check_url": reverse("sender-check", args=[sender.pk]) if sender else reverse("sender-check-new"),
        "cancel_url": reverse("mailboxes"),
    }
    return render(request, WHOLE_FORM, context, status=422 if errors else 200)
