"""One-time links: the first administrator's and, later, invitations. Only a hash of the token is stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class OneTimeLink(models.Model):
    """A link that works once and until `expires`. `user` is empty for the link that makes the first administrator."""

    digest = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=20)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)

    class Meta:
        db_table = "post_onetimelink"

    @classmethod
    def make(cls, purpose: str, *, user: object = None, hours: int = 24) -> str:
        """A new link; returns its token (128 bits), which is not stored."""
        token = secrets.token_urlsafe(16)
        cls.objects.create(
            digest=digest_of(token),
            purpose=purpose,
            user=user,
            expires=timezone.now() + timedelta(hours=hours),
        )
        return token

    @classmethod
    def find(cls, token: str, purpose: str) -> OneTimeLink | None:
        """The unused, unexpired link of this token, or None."""
        if not token:
            return None
        return cls.objects.filter(
            digest=digest_of(token), purpose=purpose, used=None, expires__gt=timezone.now()
        ).first()


def digest_of(token: str) -> str:
    """What is stored instead of the token."""
    return hashlib.sha256(token.encode()).hexdigest()
