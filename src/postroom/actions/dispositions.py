"""Dispositions: how an interaction ended, a tree of at most three levels. Choosing one at the end of work is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from postroom.actions.audit import record_change, require_administrator
from postroom.actions.fields import Field, One, Text, YesNo, complete, read, snapshot
from postroom.actions.refusals import Refused
from postroom.models import Disposition, Interaction, Queue, User
from postroom.models.event import record

FIELDS: tuple[Field, ...] = (
    Field(name="name", kind=Text(80), label="Name", required=True),
    Field(name="parent", kind=One(Disposition, "disposition"), label="Below", help="The disposition it is a kind of; at most three levels"),
    Field(name="queue", kind=One(Queue, "queue"), label="Queue", help="Empty: for all queues"),
    Field(name="active", kind=YesNo(), label="In use", default=True),
)  # fmt: skip
LEVELS = 3
SEPARATOR = " > "


@transaction.atomic
def create_disposition(*, by: User | None, values: Mapping[str, Any]) -> Disposition:
    """A new disposition. Raises Refused with a sentence per wrong field."""
    require_administrator(by)
    disposition = Disposition()
    _set(disposition, complete(FIELDS, values))
    disposition.save()
    record(
        "disposition.created",
        actor=by,
        queue=disposition.queue,
        name=disposition.name,
        after=facts(disposition),
    )
    return disposition


@transaction.atomic
def change_disposition(
    disposition: Disposition, *, by: User | None, values: Mapping[str, Any]
) -> Disposition:
    """Change the given fields; the others stay."""
    require_administrator(by)
    disposition = Disposition.objects.select_for_update().get(pk=disposition.pk)
    before = facts(disposition)
    _set(disposition, values)
    disposition.save()
    record_change(
        "disposition.changed",
        by=by,
        before=before,
        after=facts(disposition),
        queue=disposition.queue,
        name=disposition.name,
    )
    return disposition


@transaction.atomic
def delete_disposition(disposition: Disposition, *, by: User | None) -> None:
    """Remove a disposition that no work ended with and that has none below it."""
    require_administrator(by)
    below = disposition.children.count()
    used = Interaction.objects.filter(disposition=disposition).count()
    if below:
        raise Refused(f"{disposition.name} has {below} below it. Delete or move those first.")
    if used:
        raise Refused(f"{used} emails ended with {disposition.name}. Take it out of use instead.")
    record(
        "disposition.deleted",
        actor=by,
        queue=disposition.queue,
        name=disposition.name,
        before=facts(disposition),
    )
    disposition.delete()


def facts(disposition: Disposition) -> dict[str, Any]:
    """Everything an administrator sets, as plain values; the parent as its path."""
    return {
        **snapshot(disposition, FIELDS),
        "parent": path_of(disposition.parent) if disposition.parent else None,
    }


def path_of(disposition: Disposition) -> str:
    """The names from the root down, such as `Solved > By phone`."""
    return SEPARATOR.join(one.name for one in reversed(_upwards(disposition)))


def find_disposition(path: str, queue: Queue | None) -> Disposition | None:
    """The disposition of this path and queue, or None."""
    found: Disposition | None = None
    for name in path.split(SEPARATOR):
        found = Disposition.objects.filter(name=name.strip(), queue=queue, parent=found).first()
        if found is None:
            return None
    return found


def _set(disposition: Disposition, values: Mapping[str, Any]) -> None:
    errors: dict[str, str] = {}
    for name, value in read(FIELDS, values, errors).items():
        setattr(disposition, name, value)
    errors.update({name: text for name, text in _faults(disposition).items() if name not in errors})
    if errors:
        raise Refused(errors=errors)


def _faults(disposition: Disposition) -> dict[str, str]:
    if SEPARATOR.strip() in disposition.name:
        return {"name": "Leave out the sign '>': it separates the levels."}
    if disposition.pk and disposition.parent and disposition in _upwards(disposition.parent):
        return {"parent": "A disposition cannot be below itself. Choose another one."}
    if disposition.parent and disposition.parent.queue_id != disposition.queue_id:
        return {"parent": "It belongs to another queue. Choose one of the same queue."}
    if len(_upwards(disposition)) - 1 + _height(disposition) > LEVELS:
        return {"parent": f"The tree would have more than {LEVELS} levels. Choose one further up."}
    same = Disposition.objects.exclude(pk=disposition.pk).filter(
        parent=disposition.parent, queue=disposition.queue
    )
    if same.filter(name__iexact=disposition.name).exists():
        return {"name": f"There is already {disposition.name} in this place. Choose another name."}
    if disposition.pk and disposition.children.exclude(queue=disposition.queue).exists():
        return {"queue": "Those below it belong to the former queue. Move them first."}
    return {}


def _upwards(disposition: Disposition) -> list[Disposition]:
    """The disposition and those above it; the guard ends a ring that is being made."""
    found: list[Disposition] = []
    one: Disposition | None = disposition
    while one is not None and one not in found and len(found) <= LEVELS:
        found.append(one)
        one = one.parent
    return found


def _height(disposition: Disposition) -> int:
    """Levels from here down, itself included."""
    if not disposition.pk:
        return 1
    return 1 + max((_height(child) for child in disposition.children.all()), default=0)
