"""The Django app of templates and static files only; it owns no table."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages."""

    name = "postroom.web"
    label = "postroom_web"
