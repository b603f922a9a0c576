"""Queues: where interactions wait for agents."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

COLOURS = ("red", "green", "amber", "violet", "blue", "teal", "pink", "grey")


class Queue(models.Model):
    """Interactions of one kind of work, offered to the agents who are its members."""

    name = models.CharField("Name", max_length=80, unique=True)
    description = models.CharField("Description", max_length=400, blank=True, default="")
    colour = models.CharField(
        "Colour", max_length=12, choices=[(c, c.title()) for c in COLOURS], default="blue"
    )
    is_open = models.BooleanField("Open", default=True)
    priority = models.PositiveSmallIntegerField("Priority", default=5, help_text="1 is served first, 9 last")
    push = models.BooleanField(
        "Offer to agents", default=True, help_text="Off: agents pull from this queue themselves"
    )
    pull = models.BooleanField("Agents may pull", default=True)
    offer_seconds = models.PositiveIntegerField(
        "Offer time", default=30, help_text="Seconds to accept before the next agent is asked"
    )
    target_minutes = models.PositiveIntegerField(
        "First reply within", default=240, help_text="Minutes; shown as the due time"
    )
    reopen_days = models.PositiveIntegerField(
        "Reopen within",
        default=30,
        help_text="Days in which a reply reopens its closed case; later it starts a linked new case",
    )
    disposition_required = models.BooleanField("Disposition required", default=False)
    default_sender = models.ForeignKey(
        "postroom.Sender",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="Default sender",
    )
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="QueueMember", related_name="queues")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "post_queue"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class QueueMember(models.Model):
    """An agent who serves a queue."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        db_table = "post_queuemember"
        constraints = [models.UniqueConstraint(fields=["queue", "user"], name="post_member_once")]


class Disposition(models.Model):
    """How an interaction ended. A tree of at most three levels; of one queue, or of all when `queue` is empty."""

    name = models.CharField("Name", max_length=80)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    queue = models.ForeignKey(
        Queue, null=True, blank=True, on_delete=models.CASCADE, related_name="dispositions"
    )
    active = models.BooleanField("In use", default=True)

    class Meta:
        db_table = "post_disposition"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
