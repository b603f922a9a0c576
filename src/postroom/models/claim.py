"""Claims: who works on a row, until when. The engine alone writes these columns.

A claim has a lease that ends by itself when its owner dies, and a fencing number that grows with each claim, so that a worker
that was thought dead cannot write over its successor.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Claimable(models.Model):
    """Columns of a row that a worker takes for a while."""

    claimed_by = models.CharField(max_length=80, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


class Claim(Claimable):
    """A named piece of work of which there is one at a time, such as filing."""

    name = models.CharField(max_length=80, unique=True)
    beat = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "post_claim"
