"""Channels: one mailbox of ours that is collected into a default queue, with its policy."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from postroom.models.claim import Claimable
from postroom.models.queue import Queue
from postroom.models.sender import Reachable, Sender


class Start(models.TextChoices):
    """What to do with the letters that lie in the mailbox when it is connected."""

    NONE = "none", "Only letters that arrive from now on"
    SINCE = "since", "Letters since a date"
    ARCHIVE = "archive", "All, as archive (no routing, no automatic answers)"


class AfterCollect(models.TextChoices):
    """What happens to a letter on the server once it is committed here."""

    LEAVE = "leave", "Leave it as it is"
    MARK_READ = "mark-read", "Mark it as read"
    MOVE = "move", "Move it to a folder"
    DELETE = "delete", "Delete it"
    DELETE_LATER = "delete-later", "Delete it after some days"


class Channel(Reachable, Claimable):
    """Collects exactly one mailbox into exactly one default queue."""

    name = models.CharField("Name", max_length=120, unique=True)
    key = models.CharField("Key", max_length=5, unique=True)
    address = models.EmailField("Email address", max_length=254, unique=True)
    aliases = models.JSONField("Other addresses", default=list, blank=True)
    description = models.CharField("Description", max_length=400, blank=True, default="")
    default_queue = models.ForeignKey(
        Queue,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="channels",
        verbose_name="Default queue",
    )
    default_sender = models.ForeignKey(
        Sender,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="channels",
        verbose_name="Default sender",
    )
    language = models.CharField("Language hint", max_length=12, blank=True, default="")
    folder = models.CharField("Folder", max_length=255, default="INBOX")
    all_folders = models.BooleanField("All folders", default=False)
    after_collect = models.CharField(
        "After collecting", max_length=16, choices=AfterCollect.choices, default=AfterCollect.MARK_READ
    )
    move_to = models.CharField("Folder for collected letters", max_length=255, blank=True, default="")
    delete_days = models.PositiveSmallIntegerField("Delete after", default=30)
    start = models.CharField(
        "Letters already there", max_length=10, choices=Start.choices, default=Start.NONE
    )
    start_since = models.DateTimeField("Since", null=True, blank=True)
    max_size_mb = models.PositiveSmallIntegerField("Largest letter", default=5)
    recipient_only = models.BooleanField("Only letters addressed to this channel", default=False)
    poll_seconds = models.PositiveIntegerField("Look for mail every", default=60)
    # When the mailbox is next compared with the ledger: nightly, or at once when a person asks.
    reconcile_due = models.DateTimeField(null=True, blank=True)
    waiting_on_server = models.PositiveIntegerField(default=0)
    node = models.CharField("Node", max_length=80, blank=True, default="")

    class Meta:
        db_table = "post_channel"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def addresses(self) -> set[str]:
        """Every address of this channel, lower case."""
        return {self.address.lower(), *(str(a).lower() for a in self.aliases)}

    @property
    def max_size(self) -> int:
        """The largest letter collected whole, in bytes."""
        return self.max_size_mb * 1024 * 1024


class ChannelFolder(models.Model):
    """How far one folder of a channel has been listed. The cursor never passes a letter that has no ledger row."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="folders")
    name = models.CharField(max_length=255)
    validity = models.CharField(max_length=40, blank=True, default="")
    cursor = models.PositiveBigIntegerField(default=0)
    # Letters up to here lay in the mailbox before the channel was connected and were left alone by choice.
    baseline = models.PositiveBigIntegerField(default=0)
    opened = models.DateTimeField(default=timezone.now)
    # The last reconciliation (RX-05): letters on the server, how many of them the ledger knows, and when.
    listed = models.PositiveBigIntegerField(default=0)
    accounted = models.PositiveBigIntegerField(default=0)
    reconciled = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "post_channelfolder"
        constraints = [models.UniqueConstraint(fields=["channel", "name"], name="post_folder_once")]
