"""Channels as administrators change them: create, change, switch, delete. Collecting is the engine's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from postroom.actions.audit import record_change, recorded, require_administrator
from postroom.actions.bulk import Outcome, each
from postroom.actions.channel_fields import (
    FIELDS,
    WHERE,
    address_faults,
    new_values,
    rule_faults,
    suggest_key,
)
from postroom.actions.fields import read, snapshot, unique
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
from postroom.models import Channel, User
from postroom.models.event import record
from postroom.models.letter import forget_places

TAKEN = "Another channel was saved with this name, key or address just now. Choose another."


@transaction.atomic
def create_channel(*, by: User | None, values: Mapping[str, Any]) -> Channel:
    """A new channel, switched off (CH-04). Raises Refused with a sentence per wrong field."""
    require_administrator(by)
    channel = Channel()
    _set(channel, new_values(values))
    with unique("name", TAKEN), transaction.atomic():
        channel.save()
    record("channel.created", actor=by, channel=channel, name=channel.name, after=recorded(facts(channel)))
    return channel


@transaction.atomic
def change_channel(channel: Channel, *, by: User | None, values: Mapping[str, Any]) -> Channel:
    """Change the given fields; the others stay. Nothing is written when nothing differs."""
    require_administrator(by)
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    before = facts(channel)
    _set(channel, values)
    after = facts(channel)
    if before != after:
        with unique("name", TAKEN), transaction.atomic():
            channel.save(update_fields=_columns())
        record_change(
            "channel.changed", by=by, before=before, after=after, channel=channel, name=channel.name
        )
    return channel


@transaction.atomic
def switch_channel(channel: Channel, *, by: User | None, on: bool) -> Channel:
    """Take a channel into service or out of it. Raises Refused without a default queue."""
    require_administrator(by)
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    reason = why_not_on(channel)
    if on and reason:
        raise Refused(errors={"default_queue": reason})
    if channel.enabled == on:
        return channel
    switch(channel, on=on)
    channel.save(update_fields=_columns())
    record("channel.switched", actor=by, channel=channel, name=channel.name, on=on)
    return channel


def why_not_on(channel: Channel) -> str:
    """Why this channel cannot be switched on, shown at its switch; empty if it can."""
    if channel.default_queue_id is None:
        return "Choose a default queue first: letters would have nowhere to go."
    return ""


@transaction.atomic
def delete_channel(channel: Channel, *, by: User | None) -> None:
    """Remove the configuration for ever; its cases and letters stay (CH-05)."""
    require_administrator(by)
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    if channel.enabled:
        raise Refused(f"{channel.name} is on. Switch it off first, then delete it.")
    record(
        "channel.deleted",
        actor=by,
        name=channel.name,
        before=recorded(facts(channel)),
        cases=channel.cases.count(),
        letters=channel.letters.count(),
    )
    channel.delete()


def switch_channels(channels: Iterable[Channel], *, by: User | None, on: bool) -> Outcome[Channel]:
    """Switch several; each stands for itself, the refused ones come back with their reason."""
    return each(channels, lambda channel: switch_channel(channel, by=by, on=on))


def delete_channels(channels: Iterable[Channel], *, by: User | None) -> Outcome[Channel]:
    """Delete several; each stands for itself, the refused ones come back with their reason."""
    return each(channels, lambda channel: delete_channel(channel, by=by))


def facts(channel: Channel) -> dict[str, Any]:
    """Everything an administrator sets, as plain values; the password is sealed."""
    return {**snapshot(channel, FIELDS), **connection_facts(channel)}


def _set(channel: Channel, values: Mapping[str, Any]) -> None:
    """Read the values into the channel in memory. Raises Refused with every fault at once."""
    errors: dict[str, str] = {}
    given, rest = split(values)
    row = channel if channel.pk else None
    connection = read_connection(given, registry.inboxes(), errors, row=row, fallback="imap")
    was = place_of(channel)
    good = read(FIELDS, rest, errors)
    for name, value in good.items():
        setattr(channel, name, value)
    if not channel.key and "key" not in errors:
        channel.key = suggest_key(channel.name)
    errors.update({name: text for name, text in address_faults(channel).items() if name not in errors})
    if connection:
        inbox = registry.inboxes()[connection.connector]
        errors.update(
            {n: t for n, t in rule_faults(channel, inbox, was, connection).items() if n not in errors}
        )
    if errors:
        raise Refused(errors=errors)
    assert connection is not None
    _move(channel, was, write_connection(channel, connection))


def place_of(channel: Channel) -> dict[str, Any]:
    """Where letters are read from, before the change."""
    account = {name: channel.settings.get(name) for name in ("host", "login")}
    own = {name: getattr(channel, name) for name in (*WHERE, "start", "start_since")}
    return {**own, **account, "connector": channel.connector}


def _move(channel: Channel, was: Mapping[str, Any], reconnect: bool) -> None:
    """Another mailbox is read from its beginning; another way to the same one keeps its cursors."""
    now = place_of(channel)
    if channel.pk and any(was[name] != now[name] for name in ("connector", "host", "login")):
        channel.folders.all().delete()
        # Names of the old account mean other letters in the new one; should it be the same mailbox after all, the bytes tell.
        forget_places(channel.letters.all())
    if reconnect or was != now:
        forget_health(channel)


def _columns() -> list[str]:
    return [
        *(field.name for field in FIELDS),
        *("connector", "preset", "settings", "secret_sealed", "enabled"),
        *("health", "health_reason", "health_line", "health_since", "failures", "next_try", "validated"),
    ]
