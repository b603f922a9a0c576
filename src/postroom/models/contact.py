"""Contacts: the people outside, with their addresses."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Contact(models.Model):
    """A person or firm that writes to us."""

    name = models.CharField(max_length=200, blank=True, default="")
    language = models.CharField(max_length=12, blank=True, default="")
    note = models.TextField(blank=True, default="")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "post_contact"

    def __str__(self) -> str:
        return self.name or self.address

    @property
    def address(self) -> str:
        """The address we know longest."""
        first = self.addresses.order_by("id").first()
        return first.address if first else ""


class ContactAddress(models.Model):
    """One address of a contact; lower case in `key`, as written in `address`."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="addresses")
    address = models.CharField(max_length=320)
    key = models.CharField(max_length=320, unique=True)

    class Meta:
        db_table = "post_contactaddress"
