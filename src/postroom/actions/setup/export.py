"""Write the desk as a setup file. Passwords stay out; a comment stands where one belongs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import tomlkit
from tomlkit.items import Table

from postroom.actions import channels, dispositions, people, queues, senders
from postroom.actions.audit import require_administrator
from postroom.actions.setup.sections import Key, sections
from postroom.models import Channel, Disposition, Queue, Sender, User

HEAD = """The setup of this desk, written by `postroom export`. Apply it with `postroom apply FILE`.
Passwords are left out: a desk that has them keeps them, another one needs password, password_env or password_file."""
NO_PASSWORD = 'password is not exported; add password_env = "NAME" or password_file = "path"'


def export_text(*, by: User | None = None) -> str:
    """The desk as TOML, in the order in which it is applied."""
    require_administrator(by)
    document = tomlkit.document()
    for line in HEAD.splitlines():
        document.add(tomlkit.comment(line))
    for name, rows in _desk().items():
        tables = tomlkit.aot()
        for facts, secret in rows:
            tables.append(_table(sections()[name].keys, facts, secret=secret))
        if len(tables):
            document.append(name, tables)
    return tomlkit.dumps(document)


def _desk() -> dict[str, Iterator[tuple[Mapping[str, Any], bool]]]:
    return {
        "sender": ((senders.facts(row), bool(row.secret_sealed)) for row in Sender.objects.all()),
        "queue": ((_queue(row), False) for row in Queue.objects.all()),
        "person": ((people.facts(row), row.has_usable_password()) for row in User.objects.all()),
        "disposition": ((dispositions.facts(row), False) for row in _tree()),
        "channel": ((channels.facts(row), bool(row.secret_sealed)) for row in Channel.objects.all()),
    }


def _queue(queue: Queue) -> dict[str, Any]:
    return {**queues.facts(queue), "members": sorted(queue.members.values_list("email", flat=True))}


def _tree() -> list[Disposition]:
    """Parents before their children."""
    return sorted(
        Disposition.objects.select_related("queue", "parent"),
        key=lambda one: (str(one.queue or ""), dispositions.path_of(one)),
    )


def _table(keys: tuple[Key, ...], facts: Mapping[str, Any], *, secret: bool) -> Table:
    table = tomlkit.table()
    for key in keys:
        value = facts.get(key.value)
        if key.name == "password" and secret:
            table.add(tomlkit.comment(NO_PASSWORD))
        elif key.name != "password" and value not in (None, "", []):
            table.add(key.name, _value(key, value))
    return table


def _value(key: Key, value: Any) -> Any:
    if key.value == "start_since":
        return datetime.fromisoformat(value)
    if isinstance(value, str) and "\n" in value and not value.endswith("\\"):
        return tomlkit.string(value, multiline=True)
    return value
