"""The signed-in person of a request, and the answers every page gives to a refusal. Not the policy: that is models/rights."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from postroom.models import User

View = Callable[..., HttpResponse]


def signed_in(view: View) -> View:
    """Strangers are sent to the sign-in page; a script of a lapsed session is told so (401) and sends the person itself."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, User):
            return view(request, *args, **kwargs)
        if request.headers.get("HX-Request") == "true" or request.headers.get("X-Requested-With") == "fetch":
            return HttpResponse("Sign in first.", status=401, content_type="text/plain")
        return redirect_to_login(request.get_full_path())

    return checked


def person(request: HttpRequest) -> User:
    """Who asks. Only for views behind `signed_in`, where nobody else can be."""
    assert isinstance(request.user, User)
    return request.user


def wants_fragment(request: HttpRequest) -> bool:
    """True when a script asks for a part of the page; a browser that restores its history wants the whole."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )
