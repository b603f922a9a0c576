"""The desk that a command works on: brought up to date, or refused with exit code 2 and one sentence. Not the preparing itself."""

from __future__ import annotations

from django.core.management import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from postroom.management.preparing import prepare
from postroom.models.secret import KeyMissing


def require_tables() -> None:
    """Refuse to work on tables of another version. Raises CommandError with the command that mends it."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError(
            "The tables of this database are not of this version. Run: postroom migrate", returncode=2
        )


def prepare_database() -> None:
    """Make or update the tables and check the key. Raises CommandError."""
    try:
        prepare()
    except KeyMissing as missing:
        raise CommandError(str(missing), returncode=2) from None
