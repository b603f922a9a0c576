"""`postroom apply FILE`: makes the desk what a setup file says. Exit 0 applied, 2 refused and nothing written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from postroom.actions.setup import SetupErrors, apply_text
from postroom.management.database import prepare_database


class Command(BaseCommand):
    help = "Apply a setup file (TOML): queues, people, senders, channels. A second time it changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the setup file; - reads it from standard input")
        parser.add_argument("--dry-run", action="store_true", help="tell what would change, write nothing")
        parser.add_argument(
            "--prune", action="store_true", help="switch off what the file does not name; nothing is deleted"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        text, folder = _read(options["file"])
        prepare_database()
        try:
            lines = apply_text(text, folder=folder, dry_run=options["dry_run"], prune=options["prune"])
        except SetupErrors as wrong:
            for problem in wrong.problems:
                self.stderr.write(f"{options['file']}: {problem}")
            raise CommandError(
                f"{_count(len(wrong.problems), 'error')}, nothing was written.", returncode=2
            ) from None
        for line in lines:
            self.stdout.write(line)
        would = " would be made" if options["dry_run"] else ""
        self.stdout.write(_count(len(lines), "change") + would)


def _read(name: str) -> tuple[str, Path]:
    if name == "-":
        return sys.stdin.read(), Path()
    path = Path(name)
    try:
        return path.read_text(encoding="utf-8"), path.absolute().parent
    except OSError as wrong:
        raise CommandError(f"{name}: The file cannot be read: {wrong.strerror}.", returncode=2) from None
    except UnicodeDecodeError:
        raise CommandError(f"{name}: The file is not UTF-8 text. Save it as UTF-8.", returncode=2) from None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
