"""One's own account: name, language, password, theme, keys and sounds."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from postroom.actions.account import PREFERENCES, change_password, save_preferences, save_profile
from postroom.actions.refusals import Refused
from postroom.web.signed import person, signed_in

YEAR = 365 * 24 * 3600


@signed_in
@require_GET
def profile(request: HttpRequest) -> HttpResponse:
    """The page."""
    return _page(request)


@signed_in
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Saves name, language and time zone."""
    given = {name: request.POST.get(name, "") for name in ("name", "language", "zone")}
    try:
        user = save_profile(person(request), **given)
    except Refused as refused:
        return _page(request, values=given, errors=refused.errors)
    messages.success(request, "Saved.")
    response = redirect("profile")
    if user.language:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language, max_age=YEAR, samesite="Lax")
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return response


@signed_in
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Saves how the pages behave. A box that is not ticked is not sent, so each box has a hidden `off` before it."""
    chosen = {name: request.POST.getlist(name)[-1] for name in PREFERENCES if name in request.POST}
    try:
        save_preferences(person(request), chosen)
    except Refused as refused:
        return _page(request, errors=refused.errors)
    messages.success(request, "Saved.")
    response = redirect("profile")
    if "theme" in chosen:
        response.set_cookie("theme", chosen["theme"], max_age=YEAR, samesite="Lax")
    return response


@signed_in
@sensitive_post_parameters("current", "password", "again")
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """Changes the password and keeps this browser signed in."""
    user = person(request)
    given = {name: request.POST.get(name, "") for name in ("current", "password", "again")}
    try:
        change_password(user, **given)
    except Refused as refused:
        return _page(request, errors=refused.errors)
    user.refresh_from_db()
    update_session_auth_hash(request, user)
    messages.success(request, "Your password has been changed. Other browsers are signed out.")
    return redirect("profile")


def _page(
    request: HttpRequest, *, values: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> HttpResponse:
    user = person(request)
    chosen = {name: user.preferences.get(name, offered[0]) for name, offered in PREFERENCES.items()}
    chosen["theme"] = request.COOKIES.get("theme", chosen["theme"])
    context = {
        "values": values
        or {"name": user.name, "language": user.language, "zone": user.preferences.get("zone", "")},
        "errors": errors or {},
        "chosen": chosen,
        "languages": settings.LANGUAGES,
        "zones": sorted(available_timezones()),
    }
    return render(request, "postroom/account/profile.html", context, status=422 if errors else 200)
