"""The table of channels and senders: one line for each, with its health in words, what it carried, and the summary above it.

Read only. A channel brings mail in, a sender takes it out; both are lines of the same table (CH-18).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone

from postroom.models import (
    Channel,
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
class Line:
    """A channel or sender in the table. `hours` counts letters in each of the last 24 hours, oldest first."""

    row: Channel | Sender
    way: str
    last: datetime | None = None
    hours: Sequence[int] = field(default_factory=tuple)

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
    def total(self) -> int:
        return sum(self.hours)

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
    channels = [line.row.pk for line in found if line.is_channel]
    senders = [line.row.pk for line in found if not line.is_channel]
    carried = {
        "in": (
            _last(RawMessage.objects.filter(channel__in=channels), "channel", "collected"),
            hours_of_channels(channels),
        ),
        "out": (_last(_sent().filter(sender__in=senders), "sender", "sent"), hours_of_senders(senders)),
    }
    nothing = [0] * HOURS
    return [
        Line(
            line.row,
            line.way,
            carried[line.way][0].get(line.row.pk),
            carried[line.way][1].get(line.row.pk, nothing),
        )
        for line in found
    ]


def counts(wanted: Wanted) -> dict[str, int]:
    """How many lines each status has under the other conditions: for the buttons of the filter."""
    found = lines(Wanted(wanted.way, wanted.search, "", wanted.queue))
    active = sum(line.row.is_healthy for line in found)
    return {"": len(found), "active": active, "inactive": len(found) - active}


def numbers() -> Numbers:
    """Today's summary over all channels and senders."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    letters = since(RawMessage.objects.exclude(state=LetterState.GONE), "collected", midnight)
    reached = [*Channel.objects.filter(enabled=True), *Sender.objects.filter(enabled=True)]
    return Numbers(
        collected=letters.count(),
        median_seconds=median_delay(letters),
        sent=since(_sent(), "sent", midnight).count(),
        returned=Recipient.objects.filter(state=RecipientState.BOUNCED, changed__gte=midnight).count(),
        healthy=sum(row.is_healthy for row in reached),
        switched_on=len(reached),
    )


def median_delay(letters: QuerySet[RawMessage]) -> float | None:
    """Seconds from the mailbox to the queue: from arrival at the server (else from collecting) to filing."""
    rows = (
        letters.filter(filed__isnull=False, archive=False)
        .order_by("-id")
        .values_list("arrived", "collected", "filed")
    )
    delays = [
        max(0.0, (filed - (arrived or collected)).total_seconds())
        for arrived, collected, filed in rows[:MEDIAN_OF]
        if filed
    ]
    return statistics.median(delays) if delays else None


def hours_of_channels(channels: Iterable[int]) -> dict[int, list[int]]:
    """Letters collected in each of the last 24 hours, per channel."""
    letters = RawMessage.objects.filter(channel__in=list(channels)).exclude(state=LetterState.GONE)
    return _per_hour(letters, "channel", "collected")


def hours_of_senders(senders: Iterable[int]) -> dict[int, list[int]]:
    """Messages sent in each of the last 24 hours, per sender."""
    return _per_hour(_sent().filter(sender__in=list(senders)), "sender", "sent")


def since(rows: QuerySet[Any], column: str, moment: datetime) -> QuerySet[Any]:
    """Rows whose `column` is at or after `moment`.

    Ids grow with time, so the newest row from before the moment, found by walking back from the end, bounds the read: a
    ledger of millions is not scanned for today's few thousand.
    """
    before = rows.model._default_manager.filter(**{f"{column}__lt": moment - timedelta(days=1)}).order_by(
        "-pk"
    )
    lowest = before.values_list("pk", flat=True).first() or 0
    return rows.filter(pk__gt=lowest, **{f"{column}__gte": moment})


def _per_hour(rows: QuerySet[Any], owner: str, column: str) -> dict[int, list[int]]:
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    first = this_hour - timedelta(hours=HOURS - 1)
    grouped = (
        since(rows, column, first)
        .order_by()
        .annotate(hour=TruncHour(column))
        .values_list(owner, "hour")
        .annotate(n=Count("pk"))
    )
    found: dict[int, list[int]] = {}
    for pk, hour, count in grouped:
        place = int((hour - first).total_seconds() // 3600)
        if 0 <= place < HOURS:
            found.setdefault(pk, [0] * HOURS)[place] += count
    return found


def _last(rows: QuerySet[Any], owner: str, column: str) -> dict[int, datetime]:
    return dict(rows.order_by().values_list(owner).annotate(last=Max(column)))


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
