"""Senders as administrators change them: what sends as one From address. Sending itself is flow's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from postroom.actions.audit import record_change, recorded, require_administrator
from postroom.actions.bulk import Outcome, each
from postroom.actions.fields import (
    Field,
    Lines,
    Mailbox,
    Number,
    Text,
    complete,
    read,
    snapshot,
    unique,
)
from postroom.actions.reaching import (
    connection_facts,
    forget_health,
    read_connection,
    split,
    switch,
    write_connection,
)
from postroom.actions.refusals import Refused
from postroom.connectors import registry
from postroom.models import OutState, Queue, Sender, User
from postroom.models.event import record

FIELDS: tuple[Field, ...] = (
    Field(name="name", kind=Text(120), label="Name", required=True, help="How administrators call it"),
    Field(name="address", kind=Mailbox(), label="From address", required=True),
    Field(name="display_name", kind=Text(120), label="Display name", default="", help="The name customers see before the address"),
    Field(name="signature", kind=Lines(20_000), label="Signature", default="", help="Plain text; {{ agent.name }} is the agent's name"),
    Field(name="size_limit_mb", kind=Number(1, 150), label="Size limit", default=20, help="MB of a whole message, attachments counted with base64 growth"),
)  # fmt: skip
UNSENT = (OutState.HELD, OutState.QUEUED, OutState.SENDING, OutState.DEFERRED)


@transaction.atomic
def create_sender(*, by: User | None, values: Mapping[str, Any]) -> Sender:
    """A new sender, switched on: it does nothing by itself. Raises Refused with a sentence per wrong field."""
    require_administrator(by)
    sender = Sender(enabled=True)
    _set(sender, complete(FIELDS, values))
    with (
        unique("name", f"There is already a sender named {sender.name}. Choose another name."),
        transaction.atomic(),
    ):
        sender.save()
    record("sender.created", actor=by, sender=sender.pk, name=sender.name, after=recorded(facts(sender)))
    return sender


@transaction.atomic
def change_sender(sender: Sender, *, by: User | None, values: Mapping[str, Any]) -> Sender:
    """Change the given fields; the others stay. Nothing is written when nothing differs."""
    require_administrator(by)
    sender = Sender.objects.select_for_update().get(pk=sender.pk)
    before = facts(sender)
    _set(sender, values)
    after = facts(sender)
    if before != after:
        with (
            unique("name", f"There is already a sender named {sender.name}. Choose another name."),
            transaction.atomic(),
        ):
            sender.save()
        record_change("sender.changed", by=by, before=before, after=after, sender=sender.pk, name=sender.name)
    return sender


@transaction.atomic
def switch_sender(sender: Sender, *, by: User | None, on: bool) -> Sender:
    """Let messages leave through this sender, or hold them back."""
    require_administrator(by)
    sender = Sender.objects.select_for_update().get(pk=sender.pk)
    if sender.enabled != on:
        switch(sender, on=on)
        sender.save()
        record("sender.switched", actor=by, sender=sender.pk, name=sender.name, on=on)
    return sender


@transaction.atomic
def delete_sender(sender: Sender, *, by: User | None) -> None:
    """Remove the configuration for ever. Refused while it is on, messages wait for it, or it is a default."""
    require_administrator(by)
    sender = Sender.objects.select_for_update().get(pk=sender.pk)
    if reason := _why_not_deleted(sender):
        raise Refused(reason)
    record("sender.deleted", actor=by, sender=sender.pk, name=sender.name, before=recorded(facts(sender)))
    sender.delete()


def _why_not_deleted(sender: Sender) -> str:
    if sender.enabled:
        return f"{sender.name} is on. Switch it off first, then delete it."
    if waiting := sender.messages.filter(state__in=UNSENT).count():
        return f"{waiting} messages wait to leave through {sender.name}. Give them another sender in the outbox first."
    users = [
        *sender.channels.values_list("name", flat=True),
        *Queue.objects.filter(default_sender=sender).values_list("name", flat=True),
    ]
    if users:
        return f"{sender.name} is the default sender of {', '.join(users)}. Choose another one there first."
    return ""


def switch_senders(senders: Iterable[Sender], *, by: User | None, on: bool) -> Outcome[Sender]:
    """Switch several; the refused ones come back with their reason."""
    return each(senders, lambda sender: switch_sender(sender, by=by, on=on))


def delete_senders(senders: Iterable[Sender], *, by: User | None) -> Outcome[Sender]:
    """Delete several; the refused ones come back with their reason."""
    return each(senders, lambda sender: delete_sender(sender, by=by))


def facts(sender: Sender) -> dict[str, Any]:
    """Everything an administrator sets, as plain values; the password is sealed."""
    return {**snapshot(sender, FIELDS), **connection_facts(sender)}


def _set(sender: Sender, values: Mapping[str, Any]) -> None:
    errors: dict[str, str] = {}
    given, rest = split(values)
    connection = read_connection(
        given, registry.outboxes(), errors, row=sender if sender.pk else None, fallback="smtp"
    )
    for name, value in read(FIELDS, rest, errors).items():
        setattr(sender, name, value)
    if Sender.objects.exclude(pk=sender.pk).filter(name__iexact=sender.name).exists():
        errors.setdefault("name", f"There is already a sender named {sender.name}. Choose another name.")
    if errors:
        raise Refused(errors=errors)
    assert connection is not None
    if write_connection(sender, connection):
        forget_health(sender)
