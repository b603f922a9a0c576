"""Reconciliation: what the server lists against what the ledger knows, nightly and on demand (RX-05).

The cursor says that everything below it has a row. This does not believe it: every letter of the folder is listed, and one that
has no row is collected now, wherever it lies, and told to the log.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from postroom.connectors.base import Inbox, Ref, chunks
from postroom.flow.folders import folders_to_collect
from postroom.flow.receive import BATCH_BYTES, BATCH_LETTERS, collect_refs
from postroom.models import Channel, ChannelFolder, RawMessage
from postroom.models.event import record

log = logging.getLogger(__name__)


@dataclass
class Reconciled:
    """Letters on the server, those the ledger knew, and those that had been missed."""

    listed: int = 0
    accounted: int = 0
    missed: int = 0


def is_due(channel: Channel) -> bool:
    """True when the mailbox should be compared now; a new channel's first night is chosen here."""
    if channel.reconcile_due is None:
        plan_next(channel)
        return False
    return channel.reconcile_due <= timezone.now()


def plan_next(channel: Channel) -> None:
    """About a day from now, spread so that a thousand mailboxes are not listed in one minute."""
    channel.reconcile_due = timezone.now() + timedelta(hours=random.uniform(20, 28))
    Channel.objects.filter(pk=channel.pk).update(reconcile_due=channel.reconcile_due)


def reconcile(channel: Channel, inbox: Inbox) -> Reconciled:
    """Compare every collected folder, collect what was missed, keep the numbers. Raises ConnectorError."""
    total = Reconciled()
    for name in folders_to_collect(channel, inbox):
        folder = ChannelFolder.objects.filter(channel=channel, name=name).first()
        state = inbox.open(name)
        if folder is not None and folder.validity == state.validity:
            _compare(channel, folder, inbox, total)
    plan_next(channel)
    record(
        "channel.reconciled",
        channel=channel,
        listed=total.listed,
        accounted=total.accounted,
        missed=total.missed,
    )
    return total


def _compare(channel: Channel, folder: ChannelFolder, inbox: Inbox, total: Reconciled) -> None:
    listed = inbox.list()
    rows = RawMessage.objects.filter(channel=channel, folder=folder.name, validity=folder.validity)
    known = set(rows.values_list("uid", flat=True))
    missed = [ref for ref in listed if not _is_accounted(ref, folder, known)]
    if missed:
        log.warning("channel %s: %d letters had no ledger row and are collected now", channel.pk, len(missed))
    for batch in chunks(missed, count=BATCH_LETTERS, size=BATCH_BYTES):
        collect_refs(channel, folder, inbox, batch)
    _keep(folder, listed=len(listed), accounted=len(listed) - len(missed))
    total.listed += len(listed)
    total.accounted += len(listed) - len(missed)
    total.missed += len(missed)


def _is_accounted(ref: Ref, folder: ChannelFolder, known: set[str]) -> bool:
    """Known, left alone by choice, or so new that the next visit brings it."""
    if ref.uid in known or ref.uid.startswith("?"):
        return True
    return bool(folder.validity) and (int(ref.uid) <= folder.baseline or int(ref.uid) > folder.cursor)


@transaction.atomic
def _keep(folder: ChannelFolder, *, listed: int, accounted: int) -> None:
    ChannelFolder.objects.filter(pk=folder.pk).update(
        listed=listed, accounted=accounted, reconciled=timezone.now()
    )
