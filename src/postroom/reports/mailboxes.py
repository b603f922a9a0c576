"""The table of channels and senders: one line for each, with its health in words, what it carried, and the summary above it.

Read only. A channel brings mail in, a sender takes it out; both are lines of the same table (CH-18).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from postroom.models import (
    Channel,
    ChannelFolder,
    Health,
    LetterState,
    Message,
    MessageKind,
    RawMessage,
    Recipient,
    RecipientState,
    Sender,
)

HOURS = 24
SLACK = timedelta(days=8)
MEDIAN_OF = 2000
"""The median delay is taken over at most this many of today's newest letters."""

TONES = {
    Health.LIVE: "ok",
    Health.COLLECTING: "ok",
    Health.CONNECTING: "ok",
    Health.UNKNOWN: "",
    Health.THROTTLED: "warn",
    Health.RETRYING: "warn",
    Health.SIGN_IN: "bad",
    Health.CONFIGURATION: "bad",
    Health.OFF: "",
}


@dataclass(frozen=True)
class Wanted:
    """What the table is asked for; empty means everything."""

    way: str = ""
    search: str = ""
    status: str = ""
    queue: int = 0


@dataclass(frozen=True)
class Traffic:
    """When the last email passed, and how many in each of the last 24 hours, oldest first."""

    last: datetime | None = None
    hours: Sequence[int] = (0,) * HOURS


@dataclass(frozen=True)
class Line:
    """A channel or sender in the table; `way` is in or out."""

    row: Channel | Sender
    way: str
    traffic: Traffic = Traffic()

    @property
    def is_channel(self) -> bool:
        return self.way == "in"

    @property
    def ref(self) -> str:
        """Names the line in forms and addresses: channel-3, sender-5."""
        return f"{'channel' if self.is_channel else 'sender'}-{self.row.pk}"

    @property
    def tone(self) -> str:
        """The colour of the dot: ok, warn, bad or none."""
        return TONES[Health(self.row.health)] if self.row.enabled else ""

    @property
    def word(self) -> str:
        """The state in words; colour is never the only sign."""
        if not self.row.enabled:
            return "Off"
        return (
            "Ready to send"
            if not self.is_channel and self.row.health == Health.LIVE
            else str(self.row.get_health_display())
        )

    @property
    def alerts(self) -> bool:
        """True when the line waits for a person."""
        return self.row.enabled and self.row.needs_person


@dataclass(frozen=True)
class Numbers:
    """What stands above the table, since midnight. `median_seconds` is None when nothing was filed today."""

    collected: int
    median_seconds: float | None
    sent: int
    returned: int
    healthy: int
    switched_on: int


def lines(wanted: Wanted) -> list[Line]:
    """The lines asked for, by name; those that wait for a person come first."""
    found: list[Line] = []
    if wanted.way in ("", "in"):
        found += [
            Line(row, "in") for row in _matching(Channel.objects.select_related("default_queue"), wanted)
        ]
    if wanted.way in ("", "out"):
        found += [Line(row, "out") for row in _matching(Sender.objects.all(), wanted)]
    return sorted(found, key=lambda line: (not line.alerts, line.row.name.casefold(), line.way))


def with_traffic(found: Sequence[Line]) -> list[Line]:
    """The same lines with their last email and the letters per hour."""
    carried = {
        "in": traffic_of_channels([line.row.pk for line in found if line.is_channel]),
        "out": traffic_of_senders([line.row.pk for line in found if not line.is_channel]),
    }
    nothing = Traffic()
    return [Line(line.row, line.way, carried[line.way].get(line.row.pk, nothing)) for line in found]


def counts(wanted: Wanted) -> dict[str, int]:
    """How many lines each status has under the other conditions: for the buttons of the filter."""
    found = lines(Wanted(wanted.way, wanted.search, "", wanted.queue))
    active = sum(line.row.is_healthy for line in found)
    return {"": len(found), "active": active, "inactive": len(found) - active}


def count_alerts() -> int:
    """How many channels and senders wait for a person: for the sidebar."""
    waits = {"enabled": True, "health__in": [Health.SIGN_IN, Health.CONFIGURATION]}
    return Channel.objects.filter(**waits).count() + Sender.objects.filter(**waits).count()


def numbers() -> Numbers:
    """Today's summary over all channels and senders."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    letters = _letters().filter(
        pk__gt=newest_before(RawMessage, "collected", midnight), collected__gte=midnight
    )
    older = newest_before(Message, "created", midnight)
    reached = [*Channel.objects.filter(enabled=True), *Sender.objects.filter(enabled=True)]
    return Numbers(
        collected=letters.count(),
        median_seconds=median_delay(letters),
        sent=_sent().filter(pk__gt=older, sent__gte=midnight).count(),
        returned=Recipient.objects.filter(
            message__gt=older, state=RecipientState.BOUNCED, changed__gte=midnight
        ).count(),
        healthy=sum(row.is_healthy for row in reached),
        switched_on=len(reached),
    )


def median_delay(letters: QuerySet[RawMessage]) -> float | None:
    """Seconds from the mailbox to the queue: from arrival at the server (else from collecting) to filing."""
    rows = (
        letters.filter(~Exists(_opened_later()), filed__isnull=False, archive=False)
        .order_by("-id")
        .values_list("arrived", "collected", "filed")
    )
    delays = [
        max(0.0, (filed - (arrived or collected)).total_seconds())
        for arrived, collected, filed in rows[:MEDIAN_OF]
        if filed
    ]
    return statistics.median(delays) if delays else None


def _opened_later() -> QuerySet[ChannelFolder]:
    """The folder of a letter, if we first looked into it after the letter had arrived: it waited, but not for our work."""
    return ChannelFolder.objects.filter(
        channel=OuterRef("channel"), name=OuterRef("folder"), opened__gt=OuterRef("arrived")
    )


def traffic_of_channels(channels: Sequence[int]) -> dict[int, Traffic]:
    """Letters collected, per channel."""
    return _traffic(
        _letters(), "channel", "collected", channels, newest_before(RawMessage, "collected", _first_hour())
    )


def traffic_of_senders(senders: Sequence[int]) -> dict[int, Traffic]:
    """Messages sent, per sender."""
    return _traffic(_sent(), "sender", "sent", senders, newest_before(Message, "created", _first_hour()))


def newest_before(model: type[models.Model], column: str, moment: datetime) -> int:
    """An id below which nothing that happened since the moment lies.

    Ids grow with time, so the newest row from well before the moment, found by walking back from the end, bounds the
    read: a ledger of millions is not scanned for today's few thousand. SLACK covers what is sent or returned late.
    """
    rows = model._default_manager.filter(**{f"{column}__lt": moment - SLACK}).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def _traffic(
    rows: QuerySet[Any], owner: str, column: str, owners: Sequence[int], older: int
) -> dict[int, Traffic]:
    """Grouped by hour for the last day; those who were silent that long are asked for their last one alone."""
    if not owners:
        return {}
    first, mine = _first_hour(), rows.filter(**{f"{owner}__in": owners}).order_by()
    recent = (
        mine.filter(pk__gt=older, **{f"{column}__gte": first})
        .annotate(hour=TruncHour(column))
        .values_list(owner, "hour")
    )
    hours: dict[int, list[int]] = {}
    last: dict[int, datetime] = {}
    for pk, hour, count, newest in recent.annotate(n=Count("pk"), newest=Max(column)):
        place = int((hour - first).total_seconds() // 3600)
        if 0 <= place < HOURS:
            hours.setdefault(pk, [0] * HOURS)[place] += count
        last[pk] = max(newest, last.get(pk, newest))
    silent = [pk for pk in owners if pk not in last]
    last |= dict(mine.filter(**{f"{owner}__in": silent}).values_list(owner).annotate(newest=Max(column)))
    return {pk: Traffic(newest, hours.get(pk, [0] * HOURS)) for pk, newest in last.items()}


def _first_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)


def _letters() -> QuerySet[RawMessage]:
    return RawMessage.objects.exclude(state=LetterState.GONE)


def _sent() -> QuerySet[Message]:
    return Message.objects.filter(kind=MessageKind.OUT, sent__isnull=False)


def _matching(rows: QuerySet[Any], wanted: Wanted) -> list[Any]:
    if wanted.search:
        rows = rows.filter(Q(name__icontains=wanted.search) | Q(address__icontains=wanted.search))
    if wanted.queue:
        # The default queue only: a queue that filters feed is not this channel's queue.
        rows = rows.filter(default_queue=wanted.queue) if rows.model is Channel else rows.none()
    found = list(rows)
    if wanted.status:
        found = [row for row in found if row.is_healthy == (wanted.status == "active")]
    return found


@dataclass(frozen=True)
class Accounted:
    """The last reconciliation of a channel: letters on the server, how many the ledger knew, and when it was counted."""

    listed: int
    known: int
    at: datetime | None

    @property
    def missed(self) -> int:
        """Letters that were found without a ledger row, and collected then."""
        return self.listed - self.known


def accounted(channel: Channel) -> Accounted:
    """Summed over the channel's folders; the moment is that of the folder counted longest ago."""
    numbers = channel.folders.aggregate(listed=Sum("listed"), known=Sum("accounted"), at=Min("reconciled"))
    return Accounted(numbers["listed"] or 0, numbers["known"] or 0, numbers["at"])
