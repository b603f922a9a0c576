"""Cases: the matter, with all messages and notes about it.

open -> pending (we wait for the customer) -> open (they answered) -> closed -> open (reopened)
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from postroom.models.channel import Channel
from postroom.models.contact import Contact
from postroom.models.queue import Queue


class CaseState(models.TextChoices):
    """Whose move it is."""

    OPEN = "open", "Open"
    PENDING = "pending", "Waiting on customer"
    CLOSED = "closed", "Closed"


class Case(models.Model):
    """All messages and notes about one matter with a contact."""

    subject = models.CharField(max_length=400, blank=True, default="")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="cases")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="cases")
    queue = models.ForeignKey(Queue, null=True, on_delete=models.SET_NULL, related_name="cases")
    state = models.CharField(max_length=8, choices=CaseState.choices, default=CaseState.OPEN)
    linked_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="linked"
    )
    # Lower-case addresses that belong to the conversation: only they may join it by mail.
    participants = models.JSONField(default=list, blank=True)
    preview = models.CharField(max_length=200, blank=True, default="")
    has_attachment = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)
    updated = models.DateTimeField(default=timezone.now)
    closed = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "post_case"
        ordering = ["-updated"]
        indexes = [
            models.Index(fields=["contact", "-updated"], name="post_case_contact"),
            models.Index(fields=["state", "-updated"], name="post_case_state"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What people say on the phone: the channel's key and the number."""
        return f"{self.channel.key}-{self.pk}" if self.channel else f"C-{self.pk}"
