"""Claims: one owner at a time for a mailbox or a named piece of work, with a lease that ends by itself and a fencing number."""

from __future__ import annotations

import os
import uuid
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from postroom.conf.deployment import deployment
from postroom.models import Channel, Claim

LEASE = timedelta(seconds=30)
"""A host that dies is replaced within this time."""


def new_owner() -> str:
    """A name no other process has: node, process, and a random part against reused process numbers."""
    return f"{deployment.node[:50]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def lease_now() -> datetime:
    """The time that leases are measured by: hosts may differ by minutes, so with several it is the database's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def claim_work(name: str, owner: str) -> bool:
    """Take or renew a named piece of work, such as filing. The UPDATE settles the race."""
    now = lease_now()
    mine_or_free = Q(claimed_by=owner) | Q(claimed_until=None) | Q(claimed_until__lt=now)
    taken = Claim.objects.filter(mine_or_free, name=name).update(
        claimed_by=owner, claimed_until=now + LEASE, fence=F("fence") + 1, beat=now
    )
    if taken:
        return True
    _, made = Claim.objects.get_or_create(
        name=name, defaults={"claimed_by": owner, "claimed_until": now + LEASE, "fence": 1}
    )
    return made


def claim_channel(channel: Channel, owner: str) -> bool:
    """Take or renew a mailbox. Pinned channels are taken on their node only."""
    if channel.node and channel.node != deployment.node:
        return False
    now = lease_now()
    if channel.claimed_by == owner and channel.claimed_until and channel.claimed_until > now + LEASE / 2:
        return True
    mine_or_free = Q(claimed_by=owner) | Q(claimed_by="") | Q(claimed_until=None) | Q(claimed_until__lt=now)
    return bool(
        Channel.objects.filter(mine_or_free, pk=channel.pk).update(
            claimed_by=owner, claimed_until=now + LEASE, fence=F("fence") + 1
        )
    )


def renew_channels(pks: list[int], owner: str) -> None:
    """Keep the mailboxes that are parked or being read."""
    if pks:
        Channel.objects.filter(pk__in=pks, claimed_by=owner).update(claimed_until=lease_now() + LEASE)


def release_dead() -> int:
    """At start: free what a process of this node held that no longer lives, instead of waiting for its leases to end."""
    held = set(Channel.objects.exclude(claimed_by="").values_list("claimed_by", flat=True))
    held |= set(Claim.objects.exclude(claimed_by="").values_list("claimed_by", flat=True))
    dead = [owner for owner in held if is_dead(owner)]
    freed = Channel.objects.filter(claimed_by__in=dead).update(claimed_by="", claimed_until=None)
    return freed + Claim.objects.filter(claimed_by__in=dead).update(claimed_by="", claimed_until=None)


def is_dead(owner: str) -> bool:
    """True only for an owner on this node whose process is certainly gone."""
    node, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    if node != deployment.node[:50] or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(number) == os.getpid()


def release_all(owner: str) -> None:
    """At an orderly end others need not wait for the leases."""
    Channel.objects.filter(claimed_by=owner).update(claimed_by="", claimed_until=None)
    Claim.objects.filter(claimed_by=owner).update(claimed_by="", claimed_until=None)
