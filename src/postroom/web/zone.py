"""Shows times as the reader's clock has them: the zone of their profile, else the one their browser told us by a cookie."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from postroom.models import User

COOKIE = "tz"


class ReaderZone:
    """Middleware; it stands after the authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_of(request)):
            return self.get_response(request)


def zone_of(request: HttpRequest) -> ZoneInfo:
    """The zone to show; UTC if none is known or the name is nonsense."""
    chosen = (
        request.user.preferences.get("zone")
        if isinstance(request.user, User) and request.user.is_authenticated
        else ""
    )
    try:
        return ZoneInfo(chosen or request.COOKIES.get(COOKIE) or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
