"""What we say about a channel or sender: healthy, or what is wrong, since when, and what a person should do (CH-17, RX-07)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from postroom.conf.retry import wait_to_collect
from postroom.connectors.base import ConnectorError, Kind
from postroom.flow.parsed import plain
from postroom.models import Channel, Health, Sender
from postroom.models.event import record

FRESH = timedelta(seconds=10)
"""How exactly the last success is known."""

BY_KIND = {
    Kind.TRANSIENT: Health.RETRYING,
    Kind.THROTTLED: Health.THROTTLED,
    Kind.SIGN_IN: Health.SIGN_IN,
    Kind.CONFIGURATION: Health.CONFIGURATION,
    Kind.MESSAGE: Health.RETRYING,
}


def begins(channel: Channel) -> None:
    """The first connection of a channel that was just switched on is being tried."""
    channel.health, channel.health_since = Health.CONNECTING, timezone.now()
    Channel.objects.filter(pk=channel.pk).update(health=channel.health, health_since=channel.health_since)


def succeeded(target: Channel | Sender, state: str = Health.LIVE, **columns: Any) -> None:
    """It works. The event that ends an incident is written once."""
    now = timezone.now()
    changed = target.health != state
    if not changed and not target.failures and target.last_success and target.last_success > now - FRESH:
        return  # A busy mailbox would else write this row at every letter.
    recovered = target.health in (Health.SIGN_IN, Health.CONFIGURATION, Health.RETRYING, Health.THROTTLED)
    values: dict[str, Any] = {
        "last_success": now,
        "failures": 0,
        "next_try": None,
        "health_reason": "",
        "health_line": "",
        "health": state,
        **columns,
    }
    if changed:
        values["health_since"] = now
    with transaction.atomic():
        type(target).objects.filter(pk=target.pk).update(**values)
        if recovered:
            record(f"{noun(target)}.recovered", **about(target), state=str(state))
        elif changed:
            record(f"{noun(target)}.health", **about(target), state=str(state))
    for name, value in values.items():
        setattr(target, name, value)


def failed(target: Channel | Sender, error: ConnectorError) -> None:
    """It does not. One event per incident: when the kind of trouble changes, not at every try."""
    now = timezone.now()
    state = BY_KIND[error.kind]
    failures = target.failures + 1
    values: dict[str, Any] = {
        "health": state,
        # A server may say anything, also what no database takes.
        "health_reason": plain(f"{error.text} {error.advice}", 500),
        "health_line": plain(error.server_line, 500),
        "failures": failures,
        "next_try": now + wait_to_collect(error.kind, failures, error.retry_after),
    }
    if target.health != state:
        values["health_since"] = now
    with transaction.atomic():
        type(target).objects.filter(pk=target.pk).update(**values)
        if target.health != state:
            record(
                f"{noun(target)}.health", **about(target), state=str(state), reason=values["health_reason"]
            )
    for name, value in values.items():
        setattr(target, name, value)


def noun(target: Channel | Sender) -> str:
    """channel or sender."""
    return "channel" if isinstance(target, Channel) else "sender"


def about(target: Channel | Sender) -> dict[str, Any]:
    """The columns of an event about it."""
    return {"channel": target} if isinstance(target, Channel) else {"sender": target.pk}
