"""Apply a setup file: make the desk what the file says, all or nothing. A second time it changes nothing.

A key that the file leaves out leaves the desk as it is. Rows that the file does not name are left alone, or with `prune`
taken out of service; nothing is ever deleted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import models, transaction

from postroom.actions.audit import require_administrator
from postroom.actions.dispositions import SEPARATOR, find_disposition
from postroom.actions.fields import trim
from postroom.actions.passwords import set_password
from postroom.actions.refusals import Refused
from postroom.actions.setup.logins import KINDS as SIGN_IN_KINDS
from postroom.actions.setup.logins import SOURCES, refuse_conflicts, take_password, use_sign_in
from postroom.actions.setup.problems import Problem, SetupErrors
from postroom.actions.setup.run import KINDS, Run
from postroom.actions.setup.sections import sections
from postroom.actions.setup.serving import serve
from postroom.models import Disposition, Queue, Role, User

Values = dict[str, Any]


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
        run = Run(entries, problems, by, folder or Path())
        _apply(run)
        if prune and not problems:
            _prune(run)
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


def _apply(run: Run) -> None:
    """Section by section, so that what is named exists before it is named."""
    _each(run, "sign_in", _sign_in)
    _each(run, "sender", _reachable("sender"))
    _each(run, "queue", _queue)
    _each(run, "person", _person)
    serve(run)
    _each(run, "disposition", _disposition)
    _each(run, "channel", _reachable("channel"))


def _each(run: Run, name: str, act: Callable[[Run, Values, str], None]) -> None:
    section, told = sections()[name], set[str]()
    for entry in _ordered(name, run.entries.get(name, ())):
        identity = trim(entry.get(section.identity))
        faults = len(run.problems)
        values = section.read(entry, run.problems)
        if not identity:
            run.problems.append(Problem("This key is missing.", name, "", section.identity))
        elif name != "disposition" and identity.lower() in told:
            run.problems.append(Problem("This is in the file twice. Keep one of them.", name, identity))
        told.add(identity.lower())
        if len(run.problems) == faults:
            with run.collect(name, identity), transaction.atomic():
                act(run, values, identity)


def _ordered(name: str, entries: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    if name == "disposition":
        return sorted(entries, key=_depth)
    if name == "person":
        # A new administrator comes before the former one goes.
        return sorted(entries, key=lambda entry: entry.get("role") != Role.ADMINISTRATOR)
    return entries


def _depth(entry: Mapping[str, Any]) -> int:
    parent = str(entry.get("parent") or "")
    return parent.count(SEPARATOR) + 1 if parent else 0


def _sign_in(run: Run, values: Values, name: str) -> None:
    password = take_password(values, folder=run.folder)
    if name in SIGN_IN_KINDS:
        raise Refused(errors={"name": f"The word {name!r} has a meaning of its own. Choose another name."})
    if not values.get("login"):
        raise Refused(errors={"login": "This key is missing."})
    run.sign_ins[name] = {**values, **({"password": password} if password else {})}


def _reachable(section: str) -> Callable[[Run, Values, str], None]:
    """Senders and channels: found by name, reached with a login, switched."""

    def act(run: Run, values: Values, name: str) -> None:
        on = values.pop("enabled", None)
        use_sign_in(values, run.sign_ins)
        refuse_conflicts(values)
        sources = {source: values.pop(source) for source in SOURCES if source in values}
        if password := take_password(sources, folder=run.folder):
            values["password"] = password
        row = KINDS[section].model._default_manager.filter(name=name).first()
        run.switch(section, name, run.put(section, name, row, values), on)

    return act


def _queue(run: Run, values: Values, name: str) -> None:
    members = values.pop("members", None)
    row = run.put("queue", name, Queue.objects.filter(name=name).first(), values)
    if members is not None:
        run.members[row.pk] = members


def _person(run: Run, values: Values, email: str) -> None:
    active, served = values.pop("active", None), values.pop("queues", None)
    password = take_password(values, folder=run.folder)
    known = User.objects.filter(email=email.lower()).first()
    row = run.put(
        "person", email, known, values if known or not password else {**values, "password": password}
    )
    if known and password and not row.check_password(password):
        set_password(row, by=run.by, password=password)
        run.tell("person", email, "password changed")
    run.switch("person", email, row, active)
    if served is not None:
        run.queues_of[row.pk] = served


def _disposition(run: Run, values: Values, name: str) -> None:
    queue = _queue_of(values.get("queue"))
    path = str(values.get("parent") or "")
    parent = find_disposition(path, queue) if path else None
    if path and parent is None:
        raise Refused(errors={"parent": f"There is no disposition {path!r} of this queue. Add it first."})
    row = Disposition.objects.filter(name=name, queue=queue, parent=parent).first()
    run.put("disposition", name, row, {**values, "queue": queue, "parent": parent})


def _queue_of(name: Any) -> Queue | None:
    if not name:
        return None
    found = Queue.objects.filter(name=name).first()
    if found is None:
        raise Refused(errors={"queue": f"There is no queue {name!r}. Add a [[queue]]."})
    return found


def _prune(run: Run) -> None:
    """Take out of service what the file does not name."""
    for section, kind in KINDS.items():
        rows: models.QuerySet[Any] = kind.model._default_manager.filter(**kind.serving)
        for row in rows.exclude(pk__in=run.seen[section]):
            name = row.email if section == "person" else row.name
            with run.collect(section, name), transaction.atomic():
                run.take_out(section, row)
                run.tell(section, name, "not in the file, taken out of service")
