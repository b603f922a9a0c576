"""Who may open these pages: the role is asked before the view runs. What a person may do is asked again by the action."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from postroom.models import User

View = Callable[..., HttpResponseBase]


def person(request: HttpRequest) -> User:
    """The person who is signed in."""
    return cast(User, request.user)


def administrators(view: View) -> View:
    """Only administrators; others get 403, strangers the sign-in page."""
    return _only(view, lambda user: user.is_administrator)


def supervisors(view: View) -> View:
    """Only supervisors and administrators."""
    return _only(view, lambda user: user.is_supervisor)


def everybody(view: View) -> View:
    """Anybody who is signed in."""
    return _only(view, lambda user: True)


def _only(view: View, allowed: Callable[[User], bool]) -> View:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not allowed(person(request)):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast(View, login_required(checked))
