"""`postroom read FILE... --json`: letters on disk as Postroom understands them. Reads files, writes nothing.

The understanding is in `postroom.mail.describe`, which needs no Django.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from postroom.mail import describe

UNREADABLE = 2
"""Exit status when a file could not be read; the others are printed all the same."""


class Command(BaseCommand):
    help = (
        "Prints letters as Postroom understands them: one JSON object per line with --json, else for people."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="a letter as bytes (.eml); '-' is standard input"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object per letter and line")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = False
        for position, name in enumerate(options["files"]):
            try:
                raw = _read(name)
            except OSError as error:
                self.stderr.write(f"postroom read: {name}: {error.strerror or error}")
                failed = True
                continue
            self._print(describe.describe_bytes(raw), as_json=options["json"], first=position == 0)
        if failed:
            sys.exit(UNREADABLE)

    def _print(self, described: describe.Described, *, as_json: bool, first: bool) -> None:
        if as_json:
            self.stdout.write(describe.to_json(described, ascii_only=not self._speaks_utf8()))
            return
        encoding = self._encoding()
        text = describe.summarise(described).encode(encoding, "replace").decode(encoding)
        self.stdout.write(text if first else "\n" + "-" * 72 + "\n" + text)

    def _encoding(self) -> str:
        return getattr(self.stdout, "encoding", None) or "utf-8"

    def _speaks_utf8(self) -> bool:
        return self._encoding().lower().replace("-", "") == "utf8"


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
