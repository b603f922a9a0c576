"""Apply a setup file: make the desk what the file says, all or nothing. A second time it changes nothing.

A key that the file leaves out leaves the desk as it is. Rows that the file does not name are left alone, or with `prune`
taken out of service; nothing is ever deleted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import models, transaction

from postroom.actions import channels, dispositions, people, queues, senders
from postroom.actions.audit import MASK, difference, require_administrator
from postroom.actions.fields import trim
from postroom.actions.passwords import set_password
from postroom.actions.refusals import Refused
from postroom.actions.setup.logins import SOURCES, refuse_conflicts, take_password, use_sign_in
from postroom.actions.setup.problems import Problem, SetupErrors
from postroom.actions.setup.sections import Section, sections
from postroom.models import Channel, Disposition, Queue, Sender, User

Values = dict[str, Any]
Facts = dict[str, Any]


def apply_text(
    text: str,
    *,
    by: User | None = None,
    folder: Path | None = None,
    dry_run: bool = False,
    prune: bool = False,
) -> list[str]:
    """Apply a file's text; returns one line per change. `folder` is where relative password files are.

    Raises SetupErrors with every fault found, and then nothing was written. With `dry_run` nothing is written either way.
    """
    require_administrator(by)
    problems: list[Problem] = []
    entries = _parse(text, problems)
    with transaction.atomic():
        run = _Run(entries, problems, by=by, folder=folder or Path())
        run.apply()
        if prune and not problems:
            run.prune()
        if dry_run or problems:
            transaction.set_rollback(True)
    if problems:
        raise SetupErrors(problems)
    return run.lines


def _parse(text: str, problems: list[Problem]) -> dict[str, list[Mapping[str, Any]]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise SetupErrors([Problem(f"This is not TOML: {wrong}.")]) from None
    known = ", ".join(f"[[{name}]]" for name in sections())
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for name, found in document.items():
        if name not in sections():
            problems.append(Problem(f"There is no section {name!r}. Known are: {known}."))
        elif not (isinstance(found, list) and all(isinstance(one, dict) for one in found)):
            problems.append(Problem(f"Write [[{name}]], with two brackets: there may be several."))
        else:
            entries[name] = found
    return entries


class _Run:
    """One application of one file: collects the lines to tell and the problems."""

    def __init__(
        self,
        entries: Mapping[str, list[Mapping[str, Any]]],
        problems: list[Problem],
        *,
        by: User | None,
        folder: Path,
    ) -> None:
        self.entries, self.problems, self.by, self.folder = entries, problems, by, folder
        self.lines: list[str] = []
        self.sign_ins: dict[str, Values] = {}
        self.seen: dict[str, set[int]] = {name: set() for name in sections()}
        self.members: dict[int, list[str]] = {}
        self.queues_of: dict[int, list[str]] = {}

    def apply(self) -> None:
        """Section by section, so that what is named exists before it is named."""
        self._each("sign_in", self._sign_in)
        self._each("sender", self._sender)
        self._each("queue", self._queue)
        self._each("person", self._person)
        self._serve()
        self._each("disposition", self._disposition)
        self._each("channel", self._channel)

    def _each(self, name: str, act: Callable[[Values, str], None]) -> None:
        section = sections()[name]
        told: set[str] = set()
        entries = (
            sorted(self.entries.get(name, ()), key=_depth)
            if name == "disposition"
            else self.entries.get(name, ())
        )
        for entry in entries:
            identity = trim(entry.get(section.identity))
            faults = len(self.problems)
            values = section.read(entry, self.problems)
            if not identity:
                self.problems.append(Problem("This key is missing.", name, "", section.identity))
            elif name != "disposition" and identity.lower() in told:
                self.problems.append(Problem("This is in the file twice. Keep one of them.", name, identity))
            told.add(identity.lower())
            if len(self.problems) == faults:
                with self._collect(section, identity), transaction.atomic():
                    act(values, identity)

    @contextmanager
    def _collect(self, section: Section, identity: str) -> Iterator[None]:
        try:
            yield
        except Refused as no:
            faults = no.errors or {"": no.text}
            self.problems.extend(
                Problem(text, section.name, identity, section.key_of(key)) for key, text in faults.items()
            )

    def _sign_in(self, values: Values, name: str) -> None:
        password = take_password(values, folder=self.folder)
        if name in ("password", "none", "oauth"):
            raise Refused(
                errors={"name": f"The word {name!r} has a meaning of its own. Choose another name."}
            )
        if not values.get("login"):
            raise Refused(errors={"login": "This key is missing."})
        self.sign_ins[name] = {**values, **({"password": password} if password else {})}

    def _sender(self, values: Values, name: str) -> None:
        on = values.pop("enabled", None)
        self._login(values)
        row = Sender.objects.filter(name=name).first()
        row = self._put(
            "sender", name, row, values, senders.create_sender, senders.change_sender, senders.facts
        )
        self._switch("sender", name, row, on, row.enabled, senders.switch_sender)

    def _channel(self, values: Values, name: str) -> None:
        on = values.pop("enabled", None)
        self._login(values)
        row = Channel.objects.filter(name=name).first()
        row = self._put(
            "channel", name, row, values, channels.create_channel, channels.change_channel, channels.facts
        )
        self._switch("channel", name, row, on, row.enabled, channels.switch_channel)

    def _queue(self, values: Values, name: str) -> None:
        members = values.pop("members", None)
        row = Queue.objects.filter(name=name).first()
        row = self._put("queue", name, row, values, queues.create_queue, queues.change_queue, queues.facts)
        if members is not None:
            self.members[row.pk] = members

    def _person(self, values: Values, email: str) -> None:
        active, served = values.pop("active", None), values.pop("queues", None)
        password = take_password(values, folder=self.folder)
        row = User.objects.filter(email=email.lower()).first()
        if row is None and password:
            values["password"] = password
        known = row is not None
        row = self._put(
            "person", email, row, values, people.create_person, people.change_person, people.facts
        )
        if known and password and not row.check_password(password):
            set_password(row, by=self.by, password=password)
            self.lines.append(f'person "{email}": password changed')
        self._switch("person", email, row, active, row.is_active, people.switch_person)
        if served is not None:
            self.queues_of[row.pk] = served

    def _disposition(self, values: Values, name: str) -> None:
        queue = _named(Queue, values.get("queue"), "queue")
        parent_path = str(values.get("parent") or "")
        parent = dispositions.find_disposition(parent_path, queue) if parent_path else None
        if parent_path and parent is None:
            raise Refused(
                errors={"parent": f"There is no disposition {parent_path!r} of this queue. Add it first."}
            )
        values.update(queue=queue, parent=parent)
        row = Disposition.objects.filter(name=name, queue=queue, parent=parent).first()
        create, change = dispositions.create_disposition, dispositions.change_disposition
        self._put("disposition", name, row, values, create, change, dispositions.facts)

    def _serve(self) -> None:
        """Who serves which queue, said by the queue or by the person; what either says holds."""
        everybody = {person.pk: person for person in User.objects.all()}
        for queue in Queue.objects.all():
            wanted = self._wanted(queue, everybody)
            present = set(queue.members.values_list("pk", flat=True))
            if wanted != present:
                queues.set_members(queue, by=self.by, people=[everybody[pk] for pk in wanted])
                added = [f"+{everybody[pk].email}" for pk in sorted(wanted - present)]
                removed = [f"-{everybody[pk].email}" for pk in sorted(present - wanted)]
                self.lines.append(f'queue "{queue.name}": members {" ".join(added + removed)}')
        self._unknown_queues(everybody)

    def _wanted(self, queue: Queue, everybody: Mapping[int, User]) -> set[int]:
        by_email = {person.email: pk for pk, person in everybody.items()}
        said = self.members.get(queue.pk)
        wanted = set(queue.members.values_list("pk", flat=True)) if said is None else set()
        for email in said or ():
            if email.strip().lower() in by_email:
                wanted.add(by_email[email.strip().lower()])
            else:
                self.problems.append(
                    Problem(
                        f"There is no person {email!r}. Add a [[person]].", "queue", queue.name, "members"
                    )
                )
        for pk, names in self.queues_of.items():
            if queue.name in names:
                wanted.add(pk)
            elif said is None:
                wanted.discard(pk)
        return wanted

    def _unknown_queues(self, everybody: Mapping[int, User]) -> None:
        known = set(Queue.objects.values_list("name", flat=True))
        for pk, names in self.queues_of.items():
            for name in names:
                if name not in known:
                    self.problems.append(
                        Problem(
                            f"There is no queue {name!r}. Add a [[queue]].",
                            "person",
                            everybody[pk].email,
                            "queues",
                        )
                    )

    def _login(self, values: Values) -> None:
        use_sign_in(values, self.sign_ins)
        refuse_conflicts(values)
        fixed = {name: values.pop(name) for name in SOURCES if name in values}
        password = take_password(fixed, folder=self.folder)
        if password:
            values["password"] = password

    def _put(
        self,
        section: str,
        name: str,
        row: Any,
        values: Values,
        create: Any,
        change: Any,
        facts: Callable[[Any], Facts],
    ) -> Any:
        """Create the row or change it, and tell what differs."""
        before = facts(row) if row else None
        row = change(row, by=self.by, values=values) if row else create(by=self.by, values=values)
        self.seen[section].add(row.pk)
        if before is None:
            self.lines.append(f'{section} "{name}": created')
            return row
        was, now = difference(before, facts(row))
        words = sections()[section]
        for field in now:
            told = "changed" if now[field] == MASK else f"{was[field]!r} -> {now[field]!r}"
            self.lines.append(f'{section} "{name}": {words.key_of(field)} {told}')
        return row

    def _switch(self, section: str, name: str, row: Any, wanted: Any, present: bool, act: Any) -> None:
        if wanted is None:
            return
        if not isinstance(wanted, bool):
            raise Refused(errors={"active" if section == "person" else "enabled": "Write true or false."})
        if wanted != present:
            act(row, by=self.by, on=wanted)
            self.lines.append(f'{section} "{name}": switched {"on" if wanted else "off"}')

    def prune(self) -> None:
        """Take out of service what the file does not name."""
        self._take_out(
            "channel",
            Channel.objects.filter(enabled=True),
            lambda row: channels.switch_channel(row, by=self.by, on=False),
        )
        self._take_out(
            "sender",
            Sender.objects.filter(enabled=True),
            lambda row: senders.switch_sender(row, by=self.by, on=False),
        )
        self._take_out(
            "person",
            User.objects.filter(is_active=True),
            lambda row: people.switch_person(row, by=self.by, on=False),
        )
        self._take_out(
            "queue",
            Queue.objects.filter(is_open=True),
            lambda row: queues.change_queue(row, by=self.by, values={"is_open": False}),
        )
        self._take_out(
            "disposition",
            Disposition.objects.filter(active=True),
            lambda row: dispositions.change_disposition(row, by=self.by, values={"active": False}),
        )

    def _take_out(self, section: str, rows: models.QuerySet[Any], act: Callable[[Any], object]) -> None:
        for row in rows.exclude(pk__in=self.seen[section]):
            name = row.email if section == "person" else row.name
            with self._collect(sections()[section], name), transaction.atomic():
                act(row)
                self.lines.append(f'{section} "{name}": not in the file, taken out of service')


def _depth(entry: Mapping[str, Any]) -> int:
    parent = str(entry.get("parent") or "")
    return parent.count(dispositions.SEPARATOR) + 1 if parent else 0


def _named(model: type[models.Model], name: Any, key: str) -> Any:
    if not name:
        return None
    found = model._default_manager.filter(name=name).first()
    if found is None:
        raise Refused(errors={key: f"There is no {key} {name!r}. Add a [[{key}]]."})
    return found
