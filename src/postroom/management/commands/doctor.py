"""`postroom doctor`: runs the checks of every channel and sender, the same as Validate. Exit 0 well, 1 a check failed, 2 cannot run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from postroom.actions.checks import check_saved_channel, check_saved_sender
from postroom.connectors.base import Step
from postroom.management.database import prepare_database
from postroom.models import Channel, Sender

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL", "skipped": "skip"}


class Command(BaseCommand):
    help = "Check the way to every mailbox and server, step by step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "names", nargs="*", help="channels and senders to check; all that are on if left out"
        )
        parser.add_argument("--all", action="store_true", help="those that are off, too")
        parser.add_argument("--json", action="store_true", help="one JSON object per channel or sender")

    def handle(self, *args: Any, **options: Any) -> None:
        prepare_database()
        failed = False
        for kind, row in _rows(options["names"], everything=options["all"]):
            steps = []
            if not options["json"]:
                self.stdout.write(f"{kind} {row.name}")
            for step in (
                check_saved_channel(row, by=None)
                if isinstance(row, Channel)
                else check_saved_sender(row, by=None)
            ):
                steps.append(step)
                if not options["json"]:
                    self._tell(step)
            bad = any(step.state == "fail" for step in steps)
            failed = failed or bad
            if options["json"]:
                said = {
                    "kind": kind,
                    "name": row.name,
                    "on": row.enabled,
                    "ok": not bad,
                    "steps": [asdict(one) for one in steps],
                }
                self.stdout.write(json.dumps(said, ensure_ascii=False))
        if failed:
            sys.exit(1)

    def _tell(self, step: Step) -> None:
        self.stdout.write(
            f"  {MARKS.get(step.state, step.state)}  {step.title}: {step.detail} ({step.ms} ms)"
        )
        for label, text in (("server", step.server_line), ("fix", step.fix)):
            if text:
                self.stdout.write(f"        {label}: {text}")


def _rows(names: list[str], *, everything: bool) -> Iterator[tuple[str, Channel | Sender]]:
    channels, senders = Channel.objects.all(), Sender.objects.all()
    if names:
        channels, senders = channels.filter(name__in=names), senders.filter(name__in=names)
        known = {*channels.values_list("name", flat=True), *senders.values_list("name", flat=True)}
        missing = [name for name in names if name not in known]
        if missing:
            raise CommandError(f"There is no channel or sender named {', '.join(missing)}.", returncode=2)
    elif not everything:
        channels, senders = channels.filter(enabled=True), senders.filter(enabled=True)
    yield from (("channel", row) for row in channels)
    yield from (("sender", row) for row in senders)
