"""From a row to a connection: builds the inbox of a channel and the outbox of a sender from their stored settings."""

from __future__ import annotations

from postroom.conf.setting import SettingErrors, parse
from postroom.connectors.base import ConnectorError, Inbox, Kind, Outbox, Secret
from postroom.connectors.registry import inboxes, outboxes
from postroom.models import Channel, Sender
from postroom.models.secret import KeyMissing


def inbox_of(channel: Channel) -> Inbox:
    """The unconnected inbox. ConnectorError of kind configuration when the settings cannot be used."""
    found = inboxes().get(channel.connector)
    if found is None:
        raise ConnectorError(
            f"There is no connector {channel.connector!r}.",
            kind=Kind.CONFIGURATION,
            field="connector",
            advice="Choose another protocol.",
        )
    return found(_settings(found.Settings, channel), _secret(channel))


def outbox_of(sender: Sender) -> Outbox:
    """The unconnected outbox. ConnectorError of kind configuration when the settings cannot be used."""
    found = outboxes().get(sender.connector)
    if found is None:
        raise ConnectorError(
            f"There is no connector {sender.connector!r}.",
            kind=Kind.CONFIGURATION,
            field="connector",
            advice="Choose another protocol.",
        )
    return found(_settings(found.Settings, sender), _secret(sender))


def _settings(declared: type, row: Channel | Sender) -> object:
    try:
        return parse(declared, row.settings)
    except SettingErrors as wrong:
        field = next(iter(wrong.errors))
        raise ConnectorError(
            f"The setting {field} cannot be used.",
            kind=Kind.CONFIGURATION,
            field=field,
            advice=wrong.errors[field],
        ) from wrong


def _secret(row: Channel | Sender) -> Secret | None:
    try:
        return Secret(row.secret) if row.secret_sealed else None
    except KeyMissing as wrong:
        raise ConnectorError(
            "The stored password cannot be decrypted.", kind=Kind.SIGN_IN, field="password", advice=str(wrong)
        ) from wrong
