"""Queues and their members as administrators change them. Offering from a queue is flow's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from postroom.actions.audit import record_change, require_administrator
from postroom.actions.bulk import Outcome, each
from postroom.actions.fields import Choice, Field, Number, One, Text, YesNo, complete, read, snapshot, unique
from postroom.actions.refusals import Refused
from postroom.models import InteractionState, Queue, QueueMember, Sender, User
from postroom.models.event import record
from postroom.models.queue import COLOURS

FIELDS: tuple[Field, ...] = (
    Field(name="name", kind=Text(80), label="Name", required=True),
    Field(name="description", kind=Text(400), label="Description", default=""),
    Field(name="colour", kind=Choice(COLOURS), label="Colour", default="blue"),
    Field(name="is_open", kind=YesNo(), label="Open", default=True, help="A closed queue offers nothing"),
    Field(name="priority", kind=Number(1, 9), label="Priority", default=5, help="1 is served first, 9 last"),
    Field(name="push", kind=YesNo(), label="Offer to agents", default=True, help="Off: agents pull from this queue themselves"),
    Field(name="pull", kind=YesNo(), label="Agents may pull", default=True),
    Field(name="offer_seconds", kind=Number(5, 3600), label="Offer time", default=30, help="Seconds to accept before the next agent is asked"),
    Field(name="target_minutes", kind=Number(1, 525_600), label="First reply within", default=240, help="Minutes; shown as the due time"),
    Field(name="reopen_days", kind=Number(0, 3650), label="Reopen within", default=30, help="Days in which a reply reopens its closed case"),
    Field(name="disposition_required", kind=YesNo(), label="Disposition required", default=False),
    Field(name="default_sender", kind=One(Sender, "sender"), label="Default sender", help="What answers leave through when the channel names none"),
)  # fmt: skip


@transaction.atomic
def create_queue(*, by: User | None, values: Mapping[str, Any]) -> Queue:
    """A new queue, without members. Raises Refused with a sentence per wrong field."""
    require_administrator(by)
    queue = Queue()
    _set(queue, complete(FIELDS, values))
    with unique("name", _taken(queue)), transaction.atomic():
        queue.save()
    record("queue.created", actor=by, queue=queue, name=queue.name, after=facts(queue))
    return queue


@transaction.atomic
def change_queue(queue: Queue, *, by: User | None, values: Mapping[str, Any]) -> Queue:
    """Change the given fields; the others stay. Nothing is written when nothing differs."""
    require_administrator(by)
    queue = Queue.objects.select_for_update().get(pk=queue.pk)
    before = facts(queue)
    _set(queue, values)
    after = facts(queue)
    if before != after:
        with unique("name", _taken(queue)), transaction.atomic():
            queue.save()
        record_change("queue.changed", by=by, before=before, after=after, queue=queue, name=queue.name)
    return queue


@transaction.atomic
def delete_queue(queue: Queue, *, by: User | None) -> None:
    """Remove a queue. Refused while channels feed it, work waits in it, or its history needs it."""
    require_administrator(by)
    queue = Queue.objects.select_for_update().get(pk=queue.pk)
    if reason := _why_not_deleted(queue):
        raise Refused(reason)
    record("queue.deleted", actor=by, name=queue.name, before=facts(queue))
    queue.delete()


def _why_not_deleted(queue: Queue) -> str:
    fed = list(queue.channels.values_list("name", flat=True))
    if fed:
        return f"{_count(len(fed), 'channel')} feed {queue.name}: {', '.join(fed)}. Give them another default queue first."
    waiting = queue.interactions.exclude(state=InteractionState.FINISHED).count()
    if waiting:
        return f"{_count(waiting, 'email')} in {queue.name} are not finished. Finish or transfer them first."
    finished = queue.interactions.count()
    if finished:
        return f"{queue.name} holds the history of {_count(finished, 'finished email')}. Close the queue instead."
    return ""


def delete_queues(queues: Iterable[Queue], *, by: User | None) -> Outcome[Queue]:
    """Delete several; the refused ones come back with their reason."""
    return each(queues, lambda queue: delete_queue(queue, by=by))


@transaction.atomic
def set_members(queue: Queue, *, by: User | None, people: Iterable[User]) -> None:
    """Make exactly these people serve the queue."""
    require_administrator(by)
    wanted = {person.pk: person for person in people}
    present = {
        member.user_id: member.user
        for member in QueueMember.objects.select_related("user").filter(queue=queue)
    }
    gone = [pk for pk in present if pk not in wanted]
    new = [pk for pk in wanted if pk not in present]
    if not gone and not new:
        return
    QueueMember.objects.filter(queue=queue, user__in=gone).delete()
    QueueMember.objects.bulk_create([QueueMember(queue=queue, user=wanted[pk]) for pk in new])
    record(
        "queue.members",
        actor=by,
        queue=queue,
        name=queue.name,
        added=[wanted[pk].email for pk in new],
        removed=[present[pk].email for pk in gone],
    )


def add_member(queue: Queue, *, by: User | None, person: User) -> None:
    """Let one more person serve the queue."""
    set_members(queue, by=by, people=[*queue.members.all(), person])


def remove_member(queue: Queue, *, by: User | None, person: User) -> None:
    """Take a person out of the queue; what they have in hand stays with them."""
    set_members(queue, by=by, people=queue.members.exclude(pk=person.pk))


@transaction.atomic
def set_queues(person: User, *, by: User | None, queues: Iterable[Queue]) -> None:
    """Make the person serve exactly these queues."""
    require_administrator(by)
    wanted = {queue.pk for queue in queues}
    for queue in Queue.objects.all():
        members = set(queue.members.values_list("pk", flat=True))
        if (queue.pk in wanted) != (person.pk in members):
            change = add_member if queue.pk in wanted else remove_member
            change(queue, by=by, person=person)


def facts(queue: Queue) -> dict[str, Any]:
    """Everything an administrator sets, as plain values."""
    return snapshot(queue, FIELDS)


def _set(queue: Queue, values: Mapping[str, Any]) -> None:
    errors: dict[str, str] = {}
    for name, value in read(FIELDS, values, errors).items():
        setattr(queue, name, value)
    if Queue.objects.exclude(pk=queue.pk).filter(name__iexact=queue.name).exists():
        errors.setdefault("name", _taken(queue))
    if errors:
        raise Refused(errors=errors)


def _taken(queue: Queue) -> str:
    return f"There is already a queue named {queue.name}. Choose another name."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
