"""`postroom export`: writes the desk as a setup file for `postroom apply`, without passwords. Not a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from postroom.actions.setup import export_text
from postroom.management.database import prepare_database


class Command(BaseCommand):
    help = "Write the setup of the desk as TOML, without passwords."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="where to write; standard output if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        prepare_database()
        text = export_text()
        if not options["file"]:
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["file"]).write_text(text, encoding="utf-8")
        except OSError as wrong:
            raise CommandError(
                f"{options['file']}: The file cannot be written: {wrong.strerror}.", returncode=2
            ) from None
