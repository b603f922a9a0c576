"""Addresses of the pages: one include per part. The event stream and the health check are answered before Django (see server.py)."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("postroom.web.account.urls")),
    path("", include("postroom.web.setup.urls")),
    path("", include("postroom.web.agent.urls")),
]
