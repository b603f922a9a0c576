"""The desk that a command works on: brought up to date, or refused with exit code 2 and one sentence. Not the preparing itself."""

from __future__ import annotations

from django.core.management import CommandError

from postroom.management.preparing import prepare
from postroom.models.secret import KeyMissing


def prepare_database() -> None:
    """Make or update the tables and check the key. Raises CommandError."""
    try:
        prepare()
    except KeyMissing as missing:
        raise CommandError(str(missing), returncode=2) from None
