"""Signing in and out, and the page that the one-time link of the first start leads to."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from postroom.actions.account import ADMINISTRATOR_LINK, make_first_administrator
from postroom.actions.passwords import find_password_link, set_password_by_link
from postroom.actions.presence import set_presence
from postroom.actions.refusals import Refused
from postroom.models import OneTimeLink, Presence, User
from postroom.web.account.throttle import count_failure, forget_failures, is_blocked

WRONG = "The email address or the password is wrong, or this account may not sign in."
TOO_MANY = "Too many attempts. Wait a quarter of an hour and try again."


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """The first page for everybody."""
    if request.user.is_authenticated:
        return redirect(_next(request))
    if request.method == "GET":
        return _sign_in_page(request)
    email, password = request.POST.get("email", ""), request.POST.get("password", "")
    if is_blocked(request, email):
        return _sign_in_page(request, problem=TOO_MANY, status=429)
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        count_failure(request, email)
        return _sign_in_page(request, problem=WRONG, status=422)
    forget_failures(email)
    return _begin_session(request, user, _next(request))


def _sign_in_page(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    values = {"email": request.POST.get("email", ""), "next": _next(request)}
    return render(
        request, "postroom/account/sign_in.html", {"values": values, "problem": problem}, status=status
    )


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: only to our own pages."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else "/"


def _begin_session(request: HttpRequest, user: User, to: str) -> HttpResponse:
    login(request, user)
    if user.presence == Presence.LOGGED_OUT:
        starts = Presence.AVAILABLE if user.preferences.get("start") == "available" else Presence.PAUSED
        set_presence(user, starts)
    response = redirect(to)
    if user.language:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language, samesite="Lax")
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Leaves: offers go back to their queues, mail in hand stays in hand."""
    if isinstance(request.user, User):
        set_presence(request.user, Presence.LOGGED_OUT)
    logout(request)
    return redirect("sign-in")


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Makes the first administrator."""
    if OneTimeLink.find(token, ADMINISTRATOR_LINK) is None:
        return render(request, "postroom/account/link_gone.html", status=404)
    given = {name: request.POST.get(name, "") for name in ("name", "email", "password", "again")}
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            user = make_first_administrator(token, **given)
        except Refused as refused:
            errors = refused.errors or {"": refused.text}
        else:
            user.backend = settings.AUTHENTICATION_BACKENDS[0]  # type: ignore[attr-defined]
            return _begin_session(request, user, "/")
    values = {"name": given["name"], "email": given["email"]}
    return render(
        request,
        "postroom/account/welcome.html",
        {"values": values, "errors": errors},
        status=422 if errors else 200,
    )


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def set_password(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link of an invitation leads: one sets a password and is signed in."""
    link = find_password_link(token)
    if link is None or link.user is None:
        return render(request, "postroom/account/link_gone.html", {"password": True}, status=404)
    errors: dict[str, str] = {}
    if request.method == "POST":
        given, again = request.POST.get("password", ""), request.POST.get("again", "")
        try:
            if given != again:
                raise Refused(errors={"again": "The two passwords differ. Type the same one again."})
            user = set_password_by_link(token, password=given)
        except Refused as refused:
            errors = refused.errors or {"password": refused.text}
        else:
            user.backend = settings.AUTHENTICATION_BACKENDS[0]  # type: ignore[attr-defined]
            return _begin_session(request, user, "/")
    context = {"name": link.user.name, "email": link.user.email, "errors": errors}
    return render(request, "postroom/account/set_password.html", context, status=422 if errors else 200)
