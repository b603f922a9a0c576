"""Senders: what sends as one From address."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from postroom.models.secret import seal, unseal


class Health(models.TextChoices):
    """What we know of the way to a server; the words are the administrator's."""

    UNKNOWN = "unknown", "Not checked"
    CONNECTING = "connecting", "Connecting"
    COLLECTING = "collecting", "Collecting"
    LIVE = "live", "Live"
    THROTTLED = "throttled", "Slowed down by the server"
    RETRYING = "retrying", "Trying again"
    SIGN_IN = "sign-in", "Needs sign-in"
    CONFIGURATION = "configuration", "Needs a setting"
    OFF = "off", "Off"


class Reachable(models.Model):
    """Columns shared by channels and senders: how to connect, and how that goes."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    connector = models.CharField("Protocol", max_length=20)
    preset = models.CharField("Provider", max_length=20, default="custom")
    settings = models.JSONField(default=dict, blank=True)
    secret_sealed = models.TextField(default="", blank=True)
    enabled = models.BooleanField("On", default=False)
    health = models.CharField(max_length=16, choices=Health.choices, default=Health.UNKNOWN)
    health_reason = models.CharField(max_length=500, blank=True, default="")
    health_line = models.CharField(max_length=500, blank=True, default="")
    health_since = models.DateTimeField(default=timezone.now)
    failures = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField(null=True, blank=True)
    last_success = models.DateTimeField(null=True, blank=True)
    validated = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    @property
    def secret_place(self) -> str:
        """Where the secret is bound to: table|row|field."""
        return f"{self._meta.db_table}|{self.uid}|secret"

    @property
    def secret(self) -> str:
        """The stored password or token, decrypted."""
        return unseal(self.secret_sealed, place=self.secret_place)

    def set_secret(self, text: str) -> None:
        """Seal a new secret in memory."""
        self.secret_sealed = seal(text, place=self.secret_place)

    @property
    def needs_person(self) -> bool:
        """True when nothing will get better by itself."""
        return self.health in (Health.SIGN_IN, Health.CONFIGURATION)

    @property
    def is_healthy(self) -> bool:
        """Active in the sense of the list: working right now."""
        return self.enabled and self.health in (
            Health.LIVE,
            Health.COLLECTING,
            Health.CONNECTING,
            Health.UNKNOWN,
        )


class Sender(Reachable):
    """Sends as one From address; used by any number of queues and channels."""

    name = models.CharField("Name", max_length=120, unique=True)
    address = models.EmailField("From address", max_length=254)
    display_name = models.CharField("Display name", max_length=120, blank=True, default="")
    signature = models.TextField(
        "Signature", blank=True, default="", help_text="Plain text; {{ agent.name }} is the agent's name"
    )
    size_limit_mb = models.PositiveSmallIntegerField(
        "Size limit", default=20, help_text="MB of a whole message, attachments counted with base64 growth"
    )

    class Meta:
        db_table = "post_sender"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
