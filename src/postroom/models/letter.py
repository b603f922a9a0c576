"""The ledger: one row for every letter ever listed in a mailbox, with the state it ended in.

received -> filed | ignored(reason) | duplicate | stuck(reason)
gone      listed, but no longer on the server when it was read
stuck -> received     by retrying
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Concat, Left
from django.utils import timezone

from postroom.models.channel import Channel


class LetterState(models.TextChoices):
    """Every letter ends in exactly one of these (RX-03)."""

    RECEIVED = "received", "Received"
    FILED = "filed", "Filed"
    IGNORED = "ignored", "Ignored"
    DUPLICATE = "duplicate", "Duplicate"
    STUCK = "stuck", "Stuck"
    GONE = "gone", "Gone from the server"


class RawMessage(models.Model):
    """A letter: its bytes as received, where it lay, and what became of it.

    Identity is (channel, folder, validity, uid): IMAP's UIDVALIDITY and UID, or POP3's UIDL with an empty validity.
    """

    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="letters")
    folder = models.CharField(max_length=255, default="INBOX")
    validity = models.CharField(max_length=40, blank=True, default="")
    uid = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(default=0)
    arrived = models.DateTimeField(null=True, blank=True)
    collected = models.DateTimeField(default=timezone.now)
    filed = models.DateTimeField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    blob = models.CharField(max_length=80, blank=True, default="")
    # True when only the head of a letter above the channel's limit is kept; `wanted` asks to fetch the rest.
    partial = models.BooleanField(default=False)
    wanted = models.BooleanField(default=False)
    archive = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=LetterState.choices, default=LetterState.RECEIVED)
    reason = models.CharField(max_length=500, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(null=True, blank=True)
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    settled = models.BooleanField(default=False)
    # Copies of the header for "where is my mail?"; written when the letter is filed.
    subject = models.CharField(max_length=400, blank=True, default="")
    sender = models.CharField(max_length=254, blank=True, default="")
    message_id = models.CharField(max_length=998, blank=True, default="")
    sent = models.DateTimeField(null=True, blank=True)
    # [[step, verdict, words], ...] in the order of the steps.
    trail = models.JSONField(default=list, blank=True)

    class Meta:
        db_table = "post_rawmessage"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "folder", "validity", "uid"], name="post_letter_identity"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "id"], condition=models.Q(state="received"), name="post_letter_received"
            ),
            models.Index(fields=["state", "id"], condition=models.Q(state="stuck"), name="post_letter_stuck"),
            models.Index(fields=["channel", "sha256"], name="post_letter_content"),
            models.Index(fields=["channel"], condition=models.Q(wanted=True), name="post_letter_wanted"),
            models.Index(fields=["message_id"], name="post_letter_msgid"),
            models.Index(fields=["sender"], name="post_letter_sender"),
            models.Index(
                fields=["channel", "id"], condition=models.Q(settled=False), name="post_letter_unsettled"
            ),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk}"


def forget_places(letters: models.QuerySet[RawMessage]) -> None:
    """The server's names of these letters hold no longer: they are known by their bytes from now on."""
    mark = models.Value(f"~{uuid.uuid4().hex[:9]}")
    letters.exclude(validity__contains="~").update(
        validity=Concat(Left("validity", 30), mark, output_field=models.CharField())
    )
