"""What every form here does after an act: a line for the person, and back to where they were. Not a page of its own."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from postroom.actions.refusals import NotAllowed, Refused


def back(request: HttpRequest, fallback: str) -> HttpResponse:
    """To the page named by the form's `next`, if it is ours, else to the fallback (the name of a page)."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return redirect(wanted)
    return redirect(reverse(fallback))


def attempt(request: HttpRequest, act: Callable[[], object], done: str) -> bool:
    """Do it and say `done`, or say why it was refused. A lack of rights is a 403."""
    try:
        act()
    except NotAllowed as no:
        raise PermissionDenied(no.text) from no
    except Refused as no:
        messages.error(request, no.text)
        return False
    if done:
        messages.success(request, done)
    return True
