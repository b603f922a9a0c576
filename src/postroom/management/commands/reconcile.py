"""`postroom reconcile CHANNEL`: compares a mailbox with the ledger through the running engine."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Min, Sum
from django.utils import timezone

from postroom.actions.letters import ask_reconciliation
from postroom.actions.refusals import Refused
from postroom.models import Channel, ChannelFolder


class Command(BaseCommand):
    """Ask the engine, wait for its answer, print the numbers."""

    help = "Compare the mailbox of a channel with the ledger; the engine must be running"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("channel", help="the channel's name, key or address")
        parser.add_argument("--seconds", type=int, default=120, help="how long to wait for the engine")

    def handle(self, *args: Any, **options: Any) -> None:
        channel = find(options["channel"])
        asked = timezone.now()
        try:
            ask_reconciliation(channel, by=None)
        except Refused as refused:
            raise CommandError(refused.text) from None
        if not wait(channel, asked, options["seconds"]):
            raise CommandError(f"The engine has not answered within {options['seconds']} s. Is it running?")
        numbers = ChannelFolder.objects.filter(channel=channel).aggregate(
            listed=Sum("listed"), accounted=Sum("accounted")
        )
        self.stdout.write(f"{numbers['accounted']} of {numbers['listed']} accounted for")


def find(name: str) -> Channel:
    """The channel of this name, key or address. Raises CommandError naming the known ones."""
    for field in ("name", "key", "address"):
        found = Channel.objects.filter(**{f"{field}__iexact": name}).first()
        if found:
            return found
    known = ", ".join(Channel.objects.values_list("name", flat=True)) or "none"
    raise CommandError(f"There is no channel {name!r}. Known are: {known}.")


def wait(channel: Channel, asked: datetime, seconds: int) -> bool:
    """True once every folder has been compared after the moment of asking."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        oldest = ChannelFolder.objects.filter(channel=channel).aggregate(at=Min("reconciled"))["at"]
        folders = ChannelFolder.objects.filter(channel=channel)
        if oldest is not None and oldest >= asked and not folders.filter(reconciled=None).exists():
            return True
        time.sleep(0.2)
    return False
