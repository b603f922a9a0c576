"""The Django app that owns the tables."""

from django.apps import AppConfig


class PostroomConfig(AppConfig):
    """One app, neutral table prefix `post_`."""

    name = "postroom"
    label = "postroom"
    verbose_name = "Postroom"
