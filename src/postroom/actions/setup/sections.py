"""The sections of a setup file and their keys, derived from the declarations of the actions and connectors.

Reading turns a section's keys into the values an action takes; writing goes the other way by the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from postroom.actions import channel_fields, dispositions, people, queues, senders
from postroom.actions.fields import Field
from postroom.actions.setup.problems import Problem
from postroom.conf.setting import Declared, declared
from postroom.connectors import registry
from postroom.connectors.presets import PRESETS


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key of a section. `value` is the name the action knows it by; `is_list` allows a list."""

    name: str
    value: str
    says: str
    default: Any = None
    help: str = ""
    required: bool = False
    is_list: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """One kind of row; `identity` is the key by which a row is found again."""

    name: str
    about: str
    keys: tuple[Key, ...]
    identity: str = "name"

    def read(self, entry: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
        """The values by the action's names; faults go into `problems`."""
        name = str(entry.get(self.identity, ""))
        known = {spelled: key for key in self.keys for spelled in (key.name, *key.aliases)}
        values: dict[str, Any] = {}
        for spelled, given in entry.items():
            fault = self._fault(known.get(spelled), given, values)
            if fault:
                problems.append(Problem(fault, self.name, name, spelled))
            else:
                values[known[spelled].value] = given
        return values

    def _fault(self, key: Key | None, given: Any, values: Mapping[str, Any]) -> str:
        if key is None:
            return f"There is no such key. Known are: {', '.join(one.name for one in self.keys)}."
        if key.value in values:
            return f"This says the same as another key of the section. Keep only `{key.name}`."
        if isinstance(given, list) and not (key.is_list and all(isinstance(one, str) for one in given)):
            return "Write one value, not a list." if not key.is_list else "Write a list of texts."
        if not isinstance(given, str | int | float | date | list):
            return "Write one value here."
        return ""

    def key_of(self, value: str) -> str:
        """The file's word for an action's field."""
        value = value.removeprefix("settings.")
        names = {key.value.removeprefix("settings."): key.name for key in self.keys}
        return names.get(value, value)


RENAMED = {"is_open": "open", "default_queue": "queue", "default_sender": "sender"}
ALIASES = {
    "connector": ("protocol",),
    "preset": ("provider",),
    "login": ("user", "username"),
    "email": ("address",),
    "open": ("is_open",),
    "queue": ("default_queue",),
    "sender": ("default_sender",),
    "active": ("is_active",),
    "enabled": ("on",),
}
SECRETS = (
    Key(name="password", value="password", says="text", help="Left out: the stored one stays"),
    Key(name="password_env", value="password_env", says="text", help="Name of the environment variable that holds the password"),
    Key(name="password_file", value="password_file", says="path", help="File that holds the password; relative to the setup file"),
)  # fmt: skip


def _key(name: str, value: str, says: str, **more: Any) -> Key:
    return Key(name=name, value=value, says=says, aliases=ALIASES.get(name, ()), **more)


def _field_keys(fields: Iterable[Field]) -> tuple[Key, ...]:
    return tuple(
        _key(
            RENAMED.get(field.name, field.name),
            field.name,
            field.kind.says,
            default=field.default,
            help=field.help,
            required=field.required,
            is_list=field.kind.says.startswith("list"),
        )
        for field in fields
    )


def _setting_keys(connectors: Mapping[str, type], known: Iterable[str]) -> tuple[Key, ...]:
    """The settings of all these protocols, once each; `known` are names that mean something else in the section."""
    found: dict[str, list[tuple[str, Declared]]] = {}
    for protocol, kind in connectors.items():
        for one in declared(kind.Settings):  # type: ignore[attr-defined]
            found.setdefault(one.name, []).append((protocol, one))
    return tuple(
        _setting_key(name, uses, len(connectors)) for name, uses in found.items() if name not in set(known)
    )


def _setting_key(name: str, uses: list[tuple[str, Declared]], protocols: int) -> Key:
    one = uses[0][1]
    defaults = {protocol: use.default for protocol, use in uses}
    default: Any = one.default
    if len(set(defaults.values())) > 1:
        default = ", ".join(f"{value} ({protocol})" for protocol, value in defaults.items())
    only = "" if len(uses) == protocols else f" ({', '.join(defaults)} only)"
    says = setting_says(one)
    if name == "sign_in":
        says += ", or the name of a `[[sign_in]]`"
    return _key(
        name,
        f"settings.{name}",
        says,
        default=default,
        help=(one.help or one.label) + only,
        required=one.required,
    )


def setting_says(one: Declared) -> str:
    """What may be written for a connector's setting."""
    if one.choices:
        return "one of " + ", ".join(f"`{value}`" for value, _ in one.choices)
    if one.kind is bool:
        return "true or false"
    if one.kind is int:
        return "whole number" + (f", {one.min} to {one.max}" if one.max is not None else "")
    return "text, several lines" if one.multiline else "text"


def _reach_keys(connectors: Mapping[str, type], fallback: str) -> tuple[Key, ...]:
    protocols = ", ".join(f"`{name}`" for name in connectors)
    providers = ", ".join(f"`{one.name}`" for one in PRESETS)
    return (
        _key("connector", "connector", f"one of {protocols}", default=fallback),
        _key(
            "preset",
            "preset",
            f"one of {providers}",
            default="custom",
            help="Fills in server, port and security",
        ),
        *_setting_keys(connectors, ()),
        *SECRETS,
    )


MEMBERS = _key(
    "members",
    "members",
    "list of email addresses",
    is_list=True,
    help="Exactly the people who serve the queue",
)
QUEUES = _key(
    "queues", "queues", "list of queue names", is_list=True, help="Exactly the queues the person serves"
)
ACTIVE = _key("active", "active", "true or false", default=True, help="May sign in")


@cache
def sections() -> dict[str, Section]:
    """Every section by its name, in the order in which they are applied."""
    inboxes, outboxes = registry.inboxes(), registry.outboxes()
    off = _key("enabled", "enabled", "true or false", default=False, help="Collecting; needs a queue")
    on = _key("enabled", "enabled", "true or false", default=True, help="Messages may leave")
    found = (
        Section(name="sign_in", about="A login that several channels and senders share. It is used while applying and not stored by itself.", keys=(
            _key("name", "name", "text", required=True, help="Named by `sign_in` of a channel or sender"),
            _key("login", "login", "text", required=True),
            _key("host", "host", "text", help="Used where the channel or sender names none"),
            *SECRETS,
        )),
        Section(name="sender", about="What sends as one From address.", keys=(*_field_keys(senders.FIELDS), *_reach_keys(outboxes, "smtp"), on)),
        Section(name="queue", about="Where interactions wait for agents.", keys=(*_field_keys(queues.FIELDS), MEMBERS)),
        Section(name="person", about="Somebody who works here, found again by `email`.", identity="email", keys=(*_field_keys(people.FIELDS), QUEUES, ACTIVE, *SECRETS)),
        Section(name="disposition", about="How an interaction ended; found again by `queue`, `parent` and `name`.", keys=_disposition_keys()),
        Section(name="channel", about="One mailbox that is collected into a queue.", keys=(*_field_keys(channel_fields.FIELDS), *_reach_keys(inboxes, "imap"), off)),
    )  # fmt: skip
    return {section.name: section for section in found}


def _disposition_keys() -> tuple[Key, ...]:
    path = f"names from the root down, with `{dispositions.SEPARATOR.strip()}` between them"
    return tuple(
        Key(**{**vars(key), "says": path}) if key.name == "parent" else key
        for key in _field_keys(dispositions.FIELDS)
    )
