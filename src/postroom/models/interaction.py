"""Interactions: one piece of routed work on a case; offers: one attempt to give it to an agent.

waiting -> offered -> handling -> finished
   ^          |          |-> parked -> waiting (woken)
   '----------'          '-> waiting (returned)
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from postroom.models.case import Case
from postroom.models.queue import Disposition, Queue


class InteractionState(models.TextChoices):
    """Where the work is."""

    WAITING = "waiting", "Waiting"
    OFFERED = "offered", "Offered"
    HANDLING = "handling", "In work"
    PARKED = "parked", "Snoozed"
    FINISHED = "finished", "Finished"


class Interaction(models.Model):
    """Work that a letter caused. A case has at most one that is not finished."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="interactions")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="interactions")
    state = models.CharField(
        max_length=10, choices=InteractionState.choices, default=InteractionState.WAITING
    )
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="interactions",
    )
    priority = models.PositiveSmallIntegerField(default=5)
    created = models.DateTimeField(default=timezone.now)
    waiting_since = models.DateTimeField(default=timezone.now)
    due = models.DateTimeField(null=True, blank=True)
    accepted = models.DateTimeField(null=True, blank=True)
    first_reply = models.DateTimeField(null=True, blank=True)
    wake = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    disposition = models.ForeignKey(
        Disposition, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    unread = models.BooleanField(default=True)
    # Why it is still waiting, in words for people.
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        db_table = "post_interaction"
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=~models.Q(state="finished"), name="post_interaction_one_active"
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["handling", "offered", "parked"], agent=None),
                name="post_interaction_owned",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "priority", "waiting_since"],
                condition=models.Q(state="waiting"),
                name="post_interaction_waiting",
            ),
            models.Index(fields=["agent", "state"], name="post_interaction_agent"),
        ]


class OfferState(models.TextChoices):
    """How an offer ended."""

    MADE = "made", "Made"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Offer(models.Model):
    """One attempt to give one interaction to one agent."""

    interaction = models.ForeignKey(Interaction, on_delete=models.CASCADE, related_name="offers")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="offers")
    state = models.CharField(max_length=10, choices=OfferState.choices, default=OfferState.MADE)
    made = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "post_offer"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["interaction"], condition=models.Q(state="made"), name="post_offer_one_open"
            )
        ]
        indexes = [models.Index(fields=["expires"], condition=models.Q(state="made"), name="post_offer_open")]
