"""`postroom engine`: collects, files, routes and sends; no pages."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from postroom.engine.run import AlreadyRunning, run
from postroom.management.database import require_tables
from postroom.models.secret import KeyMissing


class Command(BaseCommand):
    """Run the engine until it is told to end."""

    help = "Collect, file, route and send, without pages"

    def handle(self, *args: Any, **options: Any) -> None:
        require_tables()
        try:
            run()
        except (KeyMissing, AlreadyRunning) as wrong:
            raise CommandError(str(wrong)) from None
