"""The people who work here: who they are, what they may do, whether they are there."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What a person may do. Each role includes the ones after it."""

    ADMINISTRATOR = "administrator", "Administrator"
    SUPERVISOR = "supervisor", "Supervisor"
    AGENT = "agent", "Agent"


class Presence(models.TextChoices):
    """
    available <-> paused          by the agent
    available  -> away            by the system after missed offers, or when the browser is gone
    any        -> logged-out      by signing out
    """

    AVAILABLE = "available", "Available"
    PAUSED = "paused", "Paused"
    AWAY = "away", "Away"
    LOGGED_OUT = "logged-out", "Logged out"


class Users(BaseUserManager["User"]):
    """People by their sign-in address."""

    def create_user(
        self, email: str, name: str, *, role: str = Role.AGENT, password: str | None = None, **more: Any
    ) -> User:
        """A new person; without a password they cannot sign in until they set one."""
        user = self.model(email=email.strip().lower(), name=name, role=role, **more)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """Addresses are compared without regard to case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """An administrator, supervisor or agent."""

    email = models.EmailField("Email", unique=True)
    name = models.CharField("Name", max_length=120)
    role = models.CharField("Role", max_length=20, choices=Role.choices, default=Role.AGENT)
    is_active = models.BooleanField("May sign in", default=True)
    language = models.CharField("Language of the pages", max_length=12, blank=True, default="")
    capacity = models.PositiveSmallIntegerField(
        "Capacity", default=5, help_text="Emails in hand at the same time"
    )
    presence = models.CharField(max_length=12, choices=Presence.choices, default=Presence.LOGGED_OUT)
    presence_reason = models.CharField(max_length=80, blank=True, default="")
    presence_since = models.DateTimeField(default=timezone.now)
    # The last time an offer was made or work finished: the longest idle agent is offered first.
    idle_since = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(null=True, blank=True)
    missed_offers = models.PositiveSmallIntegerField(default=0)
    preferences = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(default=timezone.now)

    objects = Users()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        db_table = "post_user"
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_administrator(self) -> bool:
        """May change how the desk is set up."""
        return self.role == Role.ADMINISTRATOR

    @property
    def is_supervisor(self) -> bool:
        """May see and steer everybody's work; administrators may too."""
        return self.role in (Role.ADMINISTRATOR, Role.SUPERVISOR)

    @property
    def initials(self) -> str:
        """Two letters for the avatar."""
        words = self.name.split()
        return ("".join(w[0] for w in (words[:1] + words[-1:] if len(words) > 1 else words)) or "?").upper()

    def set_presence(self, presence: str, reason: str = "") -> None:
        """Change presence in memory and remember since when."""
        if presence != self.presence or reason != self.presence_reason:
            self.presence, self.presence_reason, self.presence_since = presence, reason, timezone.now()
        if presence == Presence.AVAILABLE:
            self.missed_offers = 0
