"""The signed-in person of a request, and the answers every page gives to a refusal. Not the policy: that is models/rights."""

from __future__ import annotations

from django.http import HttpRequest

from postroom.models import User


def person(request: HttpRequest) -> User:
    """Who asks. Only for views behind `login_required`, where nobody else can be."""
    assert isinstance(request.user, User)
    return request.user


def wants_fragment(request: HttpRequest) -> bool:
    """True when a script asks for a part of the page; a browser that restores its history wants the whole."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"
