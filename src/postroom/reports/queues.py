"""Queues with what is in them, for the list of set-up. Read only; the live picture of the work is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from postroom.models import Interaction, InteractionState, Queue, QueueMember


@dataclass(frozen=True)
class QueueLine:
    """A queue with its counts; `oldest` is since when its longest waiting email waits."""

    queue: Queue
    waiting: int
    in_work: int
    oldest: datetime | None
    agents: int
    channels: list[str]


def queue_lines(search: str = "") -> list[QueueLine]:
    """Every queue whose name has `search` in it, by name."""
    queues = list(Queue.objects.filter(name__icontains=search).prefetch_related("channels"))
    active = Interaction.objects.exclude(state=InteractionState.FINISHED).order_by()
    in_work = Count("pk", filter=Q(state__in=[InteractionState.HANDLING, InteractionState.PARKED]))
    waiting = Q(state__in=[InteractionState.WAITING, InteractionState.OFFERED])
    counted: dict[int, dict[str, Any]] = {
        row["queue"]: dict(row)
        for row in active.values("queue").annotate(
            waiting=Count("pk", filter=waiting), in_work=in_work, oldest=Min("waiting_since", filter=waiting)
        )
    }
    agents = dict(
        QueueMember.objects.filter(user__is_active=True)
        .order_by()
        .values_list("queue")
        .annotate(n=Count("pk"))
    )
    nothing: dict[str, Any] = {"waiting": 0, "in_work": 0, "oldest": None}
    return [_line(queue, counted.get(queue.pk, nothing), agents.get(queue.pk, 0)) for queue in queues]


def _line(queue: Queue, row: dict[str, Any], agents: int) -> QueueLine:
    return QueueLine(
        queue=queue,
        waiting=row["waiting"],
        in_work=row["in_work"],
        oldest=row["oldest"],
        agents=agents,
        channels=[channel.name for channel in queue.channels.all()],
    )
