"""Messages: one parsed email in a case, in or out, or a note.

An outgoing message:

    draft -> held (undo window) -> queued -> sending -> sent | partial | failed
                    |                          |-> deferred -> sending
                    '-> draft (undo)           '-> unknown (the answer to the final dot was lost; never resent by itself)
    held, queued, deferred -> cancelled
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from postroom.models.case import Case
from postroom.models.channel import Channel
from postroom.models.claim import Claimable
from postroom.models.contact import Contact
from postroom.models.letter import RawMessage
from postroom.models.sender import Sender


class MessageKind(models.TextChoices):
    """Direction, or a note that never leaves."""

    IN = "in", "Incoming"
    OUT = "out", "Outgoing"
    NOTE = "note", "Note"


class OutState(models.TextChoices):
    """Evidence of what became of an outgoing message (SE-09); incoming messages and notes have ''."""

    DRAFT = "draft", "Draft"
    REVIEW = "review", "In review"
    HELD = "held", "Sending soon"
    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    DEFERRED = "deferred", "Will be tried again"
    PARTIAL = "partial", "Sent to some"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Perhaps sent"
    CANCELLED = "cancelled", "Cancelled"


class Purpose(models.TextChoices):
    """What the agent is writing."""

    REPLY = "reply", "Reply"
    REPLY_ALL = "reply-all", "Reply to all"
    FORWARD = "forward", "Forward"
    NOTE = "note", "Internal note"


class Message(Claimable):
    """One email of a case, or a note. Addresses are lists of {"name", "address"}."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=4, choices=MessageKind.choices)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    letter = models.OneToOneField(
        RawMessage, null=True, blank=True, on_delete=models.SET_NULL, related_name="message"
    )
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    from_name = models.CharField(max_length=200, blank=True, default="")
    from_address = models.CharField(max_length=320, blank=True, default="")
    to = models.JSONField(default=list, blank=True)
    cc = models.JSONField(default=list, blank=True)
    bcc = models.JSONField(default=list, blank=True)
    reply_to = models.JSONField(default=list, blank=True)
    subject = models.CharField(max_length=998, blank=True, default="")
    message_id = models.CharField(max_length=998, blank=True, default="")
    in_reply_to = models.CharField(max_length=998, blank=True, default="")
    references = models.JSONField(default=list, blank=True)
    date = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(default=timezone.now)
    text = models.TextField(blank=True, default="")
    folded = models.TextField(blank=True, default="")
    has_html = models.BooleanField(default=False)
    # Outgoing: the rich text as written. Incoming HTML stays in the letter and is sanitised when shown.
    html = models.TextField(blank=True, default="")
    # Badges such as oversize, truncated, bounce, automatic.
    flags = models.JSONField(default=list, blank=True)

    # Outgoing only.
    state = models.CharField(max_length=10, choices=OutState.choices, blank=True, default="")
    purpose = models.CharField(max_length=10, choices=Purpose.choices, blank=True, default="")
    sender = models.ForeignKey(
        Sender, null=True, blank=True, on_delete=models.SET_NULL, related_name="messages"
    )
    answers = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # The newest message the author had seen when writing: the collision check at send.
    seen = models.PositiveBigIntegerField(default=0)
    held_until = models.DateTimeField(null=True, blank=True)
    next_try = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    # Written and committed just before the final dot; with no receipt it means `unknown`.
    marked = models.DateTimeField(null=True, blank=True)
    sent = models.DateTimeField(null=True, blank=True)
    server_line = models.CharField(max_length=500, blank=True, default="")
    error = models.CharField(max_length=500, blank=True, default="")
    blob = models.CharField(max_length=80, blank=True, default="")
    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "post_message"
        ordering = ["created", "id"]
        indexes = [
            models.Index(fields=["case", "created"], name="post_message_case"),
            models.Index(fields=["message_id"], name="post_message_msgid"),
            models.Index(
                fields=["state", "next_try"],
                condition=models.Q(state__in=["held", "queued", "sending", "deferred"]),
                name="post_message_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "author", "purpose"],
                condition=models.Q(state="draft"),
                name="post_draft_once",
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class Attachment(models.Model):
    """A file of a message: part `position` of the letter, or an upload with its own blob."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=120, default="application/octet-stream")
    size = models.PositiveBigIntegerField(default=0)
    inline = models.BooleanField(default=False)
    content_id = models.CharField(max_length=255, blank=True, default="")
    blob = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        db_table = "post_attachment"
        ordering = ["message", "position"]


class RecipientState(models.TextChoices):
    """What is known of one recipient of an outgoing message."""

    PENDING = "pending", "Pending"
    ACCEPTED = "accepted", "Accepted by the server"
    DELAYED = "delayed", "Delayed"
    DELIVERED = "delivered", "Delivered"
    BOUNCED = "bounced", "Returned"


class Recipient(models.Model):
    """One recipient of an outgoing message and the server's words about it."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="recipients")
    address = models.CharField(max_length=320)
    state = models.CharField(max_length=10, choices=RecipientState.choices, default=RecipientState.PENDING)
    status = models.CharField(max_length=12, blank=True, default="")
    line = models.CharField(max_length=500, blank=True, default="")
    changed = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "post_recipient"
        constraints = [models.UniqueConstraint(fields=["message", "address"], name="post_recipient_once")]
