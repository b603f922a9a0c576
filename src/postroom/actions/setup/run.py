"""One application of one setup file: what every section does with its rows. Which sections there are is apply.py's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import models

from postroom.actions import channels, dispositions, people, queues, senders
from postroom.actions.audit import MASK, difference
from postroom.actions.refusals import Refused
from postroom.actions.setup.problems import Problem
from postroom.actions.setup.sections import sections
from postroom.models import Channel, Disposition, Queue, Sender, User

Entries = Mapping[str, list[Mapping[str, Any]]]


@dataclass(frozen=True)
class Kind:
    """The actions of one kind of row. `take_out` ends its service without deleting it; `serving` are those it is for."""

    model: type[models.Model]
    create: Callable[..., Any]
    change: Callable[..., Any]
    facts: Callable[[Any], dict[str, Any]]
    switch: Callable[..., Any] | None
    serving: Mapping[str, bool]


KINDS = {
    "channel": Kind(Channel, channels.create_channel, channels.change_channel, channels.facts, channels.switch_channel, {"enabled": True}),
    "sender": Kind(Sender, senders.create_sender, senders.change_sender, senders.facts, senders.switch_sender, {"enabled": True}),
    "person": Kind(User, people.create_person, people.change_person, people.facts, people.switch_person, {"is_active": True}),
    "queue": Kind(Queue, queues.create_queue, queues.change_queue, queues.facts, None, {"is_open": True}),
    "disposition": Kind(
        Disposition, dispositions.create_disposition, dispositions.change_disposition, dispositions.facts, None, {"active": True}
    ),
}  # fmt: skip


@dataclass
class Run:
    """What the sections share: who acts, where password files are, the lines to tell and the problems found."""

    entries: Entries
    problems: list[Problem]
    by: User | None
    folder: Path
    lines: list[str] = field(default_factory=list)
    seen: dict[str, set[int]] = field(default_factory=lambda: {name: set() for name in KINDS})
    sign_ins: dict[str, dict[str, Any]] = field(default_factory=dict)
    # What a queue says of its members, and a person of their queues, by the row's number.
    members: dict[int, list[str]] = field(default_factory=dict)
    queues_of: dict[int, list[str]] = field(default_factory=dict)

    def tell(self, section: str, name: str, text: str) -> None:
        """One change, as a line."""
        self.lines.append(f'{section} "{name}": {text}')

    @contextmanager
    def collect(self, section: str, name: str) -> Iterator[None]:
        """Turn a refusal into problems of this row, in the file's words."""
        try:
            yield
        except Refused as no:
            key_of = sections()[section].key_of
            faults = no.errors or {"": no.text}
            self.problems += [Problem(text, section, name, key_of(key)) for key, text in faults.items()]

    def put(self, section: str, name: str, row: Any, values: dict[str, Any]) -> Any:
        """Create the row or change it, and tell what differs."""
        kind = KINDS[section]
        before = kind.facts(row) if row else None
        row = kind.change(row, by=self.by, values=values) if row else kind.create(by=self.by, values=values)
        self.seen[section].add(row.pk)
        if before is None:
            self.tell(section, name, "created")
        else:
            self._tell_differences(section, name, *difference(before, kind.facts(row)))
        return row

    def _tell_differences(
        self, section: str, name: str, was: Mapping[str, Any], now: Mapping[str, Any]
    ) -> None:
        for column in now:
            told = "changed" if now[column] == MASK else f"{was[column]!r} -> {now[column]!r}"
            self.tell(section, name, f"{sections()[section].key_of(column)} {told}")

    def switch(self, section: str, name: str, row: Any, wanted: object) -> None:
        """Turn the row on or off if the file says so and it is not so yet."""
        kind, column = KINDS[section], next(iter(KINDS[section].serving))
        if wanted is None or kind.switch is None:
            return
        if not isinstance(wanted, bool):
            raise Refused(errors={column.removeprefix("is_"): "Write true or false."})
        if wanted != getattr(row, column):
            kind.switch(row, by=self.by, on=wanted)
            self.tell(section, name, "switched on" if wanted else "switched off")

    def take_out(self, section: str, row: Any) -> None:
        """End the service of a row that the file does not name; nothing is deleted."""
        kind = KINDS[section]
        if kind.switch is not None:
            kind.switch(row, by=self.by, on=False)
        else:
            kind.change(row, by=self.by, values=dict.fromkeys(kind.serving, False))
