"""What channels and senders share when they are changed: protocol, provider, server settings, password, on and off.

The password is write-only: an empty one keeps what is stored, and a new server or login asks for it again (CH-19), so that
nobody can read a stored password by pointing the channel at a server of their own.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from postroom.actions.fields import trim, trim_secret
from postroom.conf.setting import SettingErrors, declared, parse
from postroom.connectors import presets
from postroom.models import Health
from postroom.models.secret import KeyMissing
from postroom.models.sender import Reachable

CONNECTION = ("connector", "preset", "settings", "password")
# Whoever changes one of these talks to another account: the stored password is not for it.
ACCOUNT = ("host", "port", "login")
PRESETS = {preset.name: preset for preset in presets.PRESETS}


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach a server, checked. `password` is None when the stored one stays."""

    connector: str
    preset: str
    settings: dict[str, Any]
    password: str | None = None

    @property
    def needs_password(self) -> bool:
        """False for a server that asks for none."""
        return self.settings.get("sign_in", "password") != "none"


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(connection values, the rest); `settings.host` and {"settings": {"host": ...}} say the same."""
    connection: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    settings: dict[str, Any] = dict(values.get("settings") or {})
    for name, value in values.items():
        if name.startswith("settings."):
            settings[name.removeprefix("settings.")] = value
        elif name in CONNECTION:
            connection[name] = value
        else:
            rest[name] = value
    return {**connection, "settings": settings}, rest


def read_connection(
    given: Mapping[str, Any],
    connectors: Mapping[str, type],
    errors: dict[str, str],
    *,
    row: Reachable | None,
    fallback: str,
) -> Connection | None:
    """The connection after the change, or None with the reasons in `errors`."""
    connector = trim(given.get("connector") or (row.connector if row else fallback))
    kind = connectors.get(connector)
    if kind is None:
        errors["connector"] = f"There is no protocol {connector!r}. Choose one of: {', '.join(connectors)}."
        return None
    preset = trim(given.get("preset") or (row.preset if row else "custom"))
    if preset not in PRESETS:
        errors["preset"] = f"There is no provider {preset!r}. Choose one of: {', '.join(PRESETS)}."
        return None
    settings = _settings(kind, _merged(kind, given, row, connector, preset), errors)
    password = trim_secret(given.get("password")) or None
    connection = Connection(connector=connector, preset=preset, settings=settings, password=password)
    if row and settings:
        _ask_again(connection, row, errors)
    return connection


def _merged(
    kind: Any, given: Mapping[str, Any], row: Reachable | None, connector: str, preset: str
) -> dict[str, Any]:
    """What is stored, then what was given, then what the provider fixes: the last one counts."""
    known = {one.name for one in declared(kind.Settings)}
    stored = {name: value for name, value in (row.settings if row else {}).items() if name in known}
    if row and row.connector != connector:
        stored.pop("port", None)  # The other protocol's port.
    return {**stored, **given["settings"], **PRESETS[preset].fills.get(connector, {})}


def _settings(kind: Any, values: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    lines = {one.name for one in declared(kind.Settings) if getattr(one, "multiline", False)}
    tidy = {
        name: trim(value) if isinstance(value, str) and name not in lines else value
        for name, value in values.items()
    }
    try:
        settings = dataclasses.asdict(parse(kind.Settings, tidy))
    except SettingErrors as wrong:
        errors.update({f"settings.{name}": text for name, text in wrong.errors.items()})
        return {}
    if re.search(r"[/@\s]", settings.get("host", "")) or settings.get("host", "").count(":") == 1:
        errors["settings.host"] = (
            "Write only the server's name, such as imap.example.com; the port has a field of its own."
        )
    return settings


def _ask_again(connection: Connection, row: Reachable, errors: dict[str, str]) -> None:
    if (
        row.secret_sealed
        and connection.needs_password
        and not connection.password
        and is_other_account(connection, row)
    ):
        errors["password"] = "The server or the login changed: type the password again."


def is_other_account(connection: Connection, row: Reachable) -> bool:
    """True when the stored password was not given for this server and login."""
    return connection.connector != row.connector or any(
        connection.settings.get(name) != row.settings.get(name) for name in ACCOUNT
    )


def write_connection(row: Reachable, connection: Connection) -> bool:
    """Set the columns in memory; True if anything about the way to the server changed."""
    before = (row.connector, row.preset, row.settings, row.secret_sealed)
    row.connector, row.preset, row.settings = connection.connector, connection.preset, connection.settings
    if not connection.needs_password:
        row.secret_sealed = ""
    elif connection.password and connection.password != _stored(row):
        row.set_secret(connection.password)
    return before != (row.connector, row.preset, row.settings, row.secret_sealed)


def _stored(row: Reachable) -> str:
    try:
        return row.secret
    except KeyMissing:
        return ""  # It was sealed with a lost key: the new password is the way out.


def forget_health(row: Reachable) -> None:
    """The way to the server is another one: what we knew is void, and the engine tries at once."""
    row.health = Health.UNKNOWN if row.enabled else Health.OFF
    row.health_reason = row.health_line = ""
    row.health_since = timezone.now()
    row.failures, row.next_try, row.validated = 0, None, None


def switch(row: Reachable, *, on: bool) -> None:
    """Turn on or off in memory; a fault that waited for a person is tried anew."""
    validated = row.validated
    row.enabled = on
    forget_health(row)
    row.validated = validated


def connection_facts(row: Reachable) -> dict[str, Any]:
    """The connection for the audit trail, which masks the sealed password."""
    return {
        "connector": row.connector,
        "preset": row.preset,
        **{f"settings.{name}": value for name, value in row.settings.items()},
        "password": row.secret_sealed,
        "enabled": row.enabled,
    }
