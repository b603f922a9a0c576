"""Connecting and changing a channel: one form, checked by its action; Validate tries exactly what is on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from postroom.actions import channels as actions
from postroom.actions import protocols
from postroom.actions.channel_fields import FIELDS
from postroom.actions.checks import check_channel, check_saved_channel
from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import AfterCollect, Channel, Queue, Sender, Start
from postroom.web.setup import checks, connection, inputs
from postroom.web.setup.access import administrators, person

WHOLE_FORM = "postroom/setup/channel_form.html"
SERVER_PART = "postroom/setup/connection.html"
# What a protocol without folders cannot do is not offered.
FOLDERS_ONLY = ("folder", "all_folders", "move_to")
RARE = ("aliases", "description", "language", "key", "max_size_mb", "recipient_only", "poll_seconds", "node")
POP3_NOTES = {
    "gmail": "Gmail over POP3 shows neither spam nor letters already fetched elsewhere, and by its own setting keeps or deletes what was fetched. IMAP is the better choice.",
    "outlook365": "Exchange over POP3 shows the inbox only, and forgets letters after a limit of its own. IMAP is the better choice.",
    "outlook": "Outlook.com lets POP3 look only every 15 minutes, and deletes what was fetched unless its own setting says otherwise. IMAP is the better choice.",
}


@require_http_methods(["GET", "POST"])
@administrators
def new(request: HttpRequest) -> HttpResponse:
    """Connect a mailbox. The channel is made switched off; the second button switches it on."""
    if request.method == "POST":
        return _save(request, None)
    address = request.GET.get("address", "").strip()
    values = {
        **inputs.defaults(FIELDS),
        "address": address,
        "preset": protocols.guess_provider(address),
        "settings": {"login": address},
        "default_queue": inputs.only_row(Queue),
        "default_sender": inputs.only_row(Sender),
    }
    return _form(request, None, values, {})


@require_http_methods(["GET", "POST"])
@administrators
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a channel; the stored password is never shown."""
    channel = get_object_or_404(Channel, pk=pk)
    if request.method == "POST":
        return _save(request, channel)
    return _form(request, channel, inputs.stored(channel, FIELDS), {})


@require_POST
@administrators
def check(request: HttpRequest, pk: int = 0) -> HttpResponseBase:
    """Try the values on the screen, saved or not."""
    channel = get_object_or_404(Channel, pk=pk) if pk else None
    values = _typed(request)
    return checks.answer(
        request, check_channel(values, by=person(request), channel=channel), title="Collecting email"
    )


@require_POST
@administrators
def check_saved(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Try the channel as it is stored."""
    channel = get_object_or_404(Channel, pk=pk)
    return checks.answer(request, check_saved_channel(channel, by=person(request)), title="Collecting email")


def _save(request: HttpRequest, channel: Channel | None) -> HttpResponse:
    values = _typed(request)
    if "guess" in request.POST:
        better = connection.suggested(values)
        return _form(request, channel, better, {}) if better else HttpResponse(status=204)
    if "refresh" in request.POST:
        return _form(request, channel, connection.after_choice(values, protocols.inboxes()), {})
    on = request.POST.get("save") == "on"
    try:
        saved = (
            actions.change_channel(channel, by=person(request), values=values)
            if channel
            else actions.create_channel(by=person(request), values=values)
        )
    except NotAllowed as no:
        raise PermissionDenied(no.text) from no
    except Refused as no:
        return _form(request, channel, values, _errors(no))
    messages.success(request, f"{saved.name} is saved.")
    if on:
        try:
            actions.switch_channel(saved, by=person(request), on=True)
        except Refused as no:
            return _form(request, saved, values, _errors(no))
        messages.success(request, f"{saved.name} is on: collecting starts at once.")
    return redirect(f"{reverse('mailboxes')}?show=channel-{saved.pk}")


def _errors(no: Refused) -> Mapping[str, str]:
    return no.errors or {"": no.text}


def _typed(request: HttpRequest) -> dict[str, Any]:
    """Everything of the form, as the action takes it."""
    values = inputs.typed(request.POST, FIELDS)
    given = connection.typed_connection(request.POST, protocols.inboxes())
    if not protocols.inboxes()[given["connector"]].can_folders:
        values = {name: value for name, value in values.items() if name not in FOLDERS_ONLY}
    return {**values, **given}


def _form(
    request: HttpRequest, channel: Channel | None, values: Mapping[str, Any], errors: Mapping[str, str]
) -> HttpResponse:
    form = connection.build(protocols.inboxes(), values, errors, channel)
    fields = inputs.draw(FIELDS, values, errors, _special(form.protocol))
    left_out = () if form.protocol.can_folders else FOLDERS_ONLY
    context = {
        "channel": channel,
        "form": form,
        "fields": {name: one for name, one in fields.items() if name not in left_out},
        "rare": [fields[name] for name in RARE],
        "rare_open": any(fields[name].error for name in RARE),
        "errors": errors,
        "labels": {
            **{one.name: one for one in fields.values()},
            **{one.name: one for one in (*form.server, *form.certificate, *form.more, form.password)},
        },
        "pop3_note": POP3_NOTES.get(form.provider.name, "") if form.protocol.name == "pop3" else "",
        "check_url": reverse("channel-check", args=[channel.pk]) if channel else reverse("channel-check-new"),
        "has_started": bool(channel and channel.folders.exists()),
        "cancel_url": reverse("mailboxes"),
    }
    return render(request, WHOLE_FORM, context, status=422 if errors else 200)


def _special(protocol: protocols.Protocol) -> dict[str, dict[str, Any]]:
    """What the form says beyond the declaration: words for the choices, and when a field matters."""
    can = {AfterCollect.MARK_READ: protocol.can_mark, AfterCollect.MOVE: protocol.can_move}
    after = tuple(
        (str(value), str(label))
        for value, label in AfterCollect.choices
        if can.get(AfterCollect(value), True)
    )
    return {
        "after_collect": {"choices": after, "help": ""},
        "move_to": {"shown_if": ("after_collect", ("move",)), "help": "A folder that exists on the server"},
        "delete_days": {"shown_if": ("after_collect", ("delete-later",)), "help": "Days"},
        "start": {"choices": inputs.labels_of(Start), "type": "radio", "help": ""},
        "start_since": {"shown_if": ("start", ("since",)), "help": ""},
        "folder": {"shown_if": ("all_folders", ("false",)), "help": "The folder that is collected"},
    }
