"""What every start of the product does first: the schema, the key, and the way in for the first administrator."""

from __future__ import annotations

import fcntl
import os

from django.core.management import call_command
from django.urls import reverse

from postroom.conf.deployment import deployment
from postroom.models import OneTimeLink, Role, User
from postroom.models.secret import verify_key


def prepare(*, verbosity: int = 0) -> None:
    """Migrate (one process at a time) and verify the key. Raises KeyMissing."""
    descriptor = os.open(deployment.home / "migrate.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        call_command("migrate", interactive=False, verbosity=verbosity)
        verify_key()
    finally:
        os.close(descriptor)


def first_administrator_link() -> str:
    """The one-time address that makes the first administrator; '' once there is one. Older unused links end."""
    if User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exists():
        return ""
    OneTimeLink.objects.filter(purpose="administrator", used=None).delete()
    return deployment.base_url + reverse("welcome", args=[OneTimeLink.make("administrator")])
