"""`postroom demo_world`: the mail server and customers of the demo, as a process of their own. `postroom demo` starts it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from postroom.demo.run import run


class Command(BaseCommand):
    """Run the demo world until told to end."""

    help = "The mail server and the customers of the demo (started by demo)"
    # it has no database and knows nothing of the desk
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, required=True, help="where its mail lies")
        parser.add_argument("--pace", type=float, default=40, help="usual seconds between two new letters")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(options["folder"], pace=options["pace"], seed=options["seed"])
        except OSError as wrong:
            raise CommandError(f"The demo world cannot start: {wrong}") from None
