"""Events: one line of history each; also what browsers hear. The reader keeps a cursor, so a lost wake-up costs only delay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from postroom.models import bell, bulk
from postroom.models.case import Case
from postroom.models.channel import Channel
from postroom.models.interaction import Interaction
from postroom.models.queue import Queue


class Event(models.Model):
    """What happened. `kind` is noun.verb, such as offer.made; `data` holds the details by name."""

    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=40)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The person it concerns, if it concerns one (an offer's agent).
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="events")
    interaction = models.ForeignKey(Interaction, null=True, on_delete=models.CASCADE, related_name="events")
    queue = models.ForeignKey(Queue, null=True, on_delete=models.SET_NULL, related_name="+")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="+")
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "post_event"
        ordering = ["id"]
        indexes = [models.Index(fields=["case", "id"], name="post_event_case")]


def record(kind: str, **facts: Any) -> Event:
    """Write one event in the running transaction and ring the bell when it commits.

    Columns are given by name (actor, user, case, interaction, queue, channel); everything else goes into `data`.
    """
    event = Event.objects.create(**_columns(kind, facts))
    transaction.on_commit(bell.ring)
    return event


def record_many(events: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Write many events at once, as filing does."""
    bulk.insert([Event(**_columns(kind, facts)) for kind, facts in events])
    transaction.on_commit(bell.ring)


COLUMNS = ("actor", "user", "case", "interaction", "queue", "channel")


def _columns(kind: str, facts: dict[str, Any]) -> dict[str, Any]:
    columns = {name: facts.get(name) for name in COLUMNS}
    return {
        "kind": kind,
        **columns,
        "data": {name: value for name, value in facts.items() if name not in COLUMNS},
    }
