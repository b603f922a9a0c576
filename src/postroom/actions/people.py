"""People as administrators change them: roles, capacity, who may sign in. Passwords and links are in passwords.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from postroom.actions.audit import record_change, require_administrator
from postroom.actions.bulk import Outcome, each
from postroom.actions.fields import (
    Choice,
    Field,
    Mailbox,
    Number,
    Text,
    complete,
    read,
    snapshot,
    trim_secret,
    unique,
)
from postroom.actions.passwords import password_faults
from postroom.actions.presence import set_presence
from postroom.actions.refusals import Refused
from postroom.models import Interaction, InteractionState, Presence, Role, User
from postroom.models.event import record

LANGUAGES = ("", *(code for code, _ in settings.LANGUAGES))
FIELDS: tuple[Field, ...] = (
    Field(name="email", kind=Mailbox(), label="Email", required=True, help="Signs in with it"),
    Field(name="name", kind=Text(120), label="Name", required=True),
    Field(name="role", kind=Choice(tuple(Role.values)), label="Role", default="agent"),
    Field(name="language", kind=Choice(LANGUAGES), label="Language of the pages", default=""),
    Field(name="capacity", kind=Number(1, 100), label="Capacity", default=5, help="Emails in hand at the same time"),
)  # fmt: skip
LAST = "This is the last active administrator. Make somebody else an administrator first."
UNFINISHED = (InteractionState.HANDLING, InteractionState.PARKED)


@transaction.atomic
def create_person(*, by: User | None, values: Mapping[str, Any]) -> User:
    """A new person. Without `password` they cannot sign in until they set one by a link. Raises Refused."""
    require_administrator(by)
    person = User()
    rest = dict(values)
    password = trim_secret(rest.pop("password", None))
    _set(person, complete(FIELDS, rest), password=password)
    person.set_password(password or None)
    with unique("email", _taken(person)), transaction.atomic():
        person.save()
    record("person.created", actor=by, user=person, name=person.name, after=facts(person))
    return person


@transaction.atomic
def change_person(person: User, *, by: User | None, values: Mapping[str, Any]) -> User:
    """Change the given fields; the others stay. `password` has actions of its own."""
    require_administrator(by)
    person, is_last = _lock(person)
    before = facts(person)
    _set(person, values)
    if is_last and not person.is_administrator:
        raise Refused(errors={"role": LAST})
    after = facts(person)
    if before != after:
        with unique("email", _taken(person)), transaction.atomic():
            person.save(update_fields=[field.name for field in FIELDS])
        record_change("person.changed", by=by, before=before, after=after, user=person, name=person.name)
    return person


@transaction.atomic
def switch_person(person: User, *, by: User | None, on: bool) -> User:
    """Let a person sign in, or not. Whoever may not any more gives what they have in hand back to its queue."""
    require_administrator(by)
    person, is_last = _lock(person)
    if person.is_active == on:
        return person
    if is_last:
        raise Refused(LAST)
    if not on:
        person = _leave(person, by)
    person.is_active = on
    person.save(update_fields=["is_active"])
    record("person.switched", actor=by, user=person, name=person.name, on=on)
    return person


@transaction.atomic
def delete_person(person: User, *, by: User | None) -> None:
    """Remove a person who never had work in hand; others are deactivated, so that the history keeps their name."""
    require_administrator(by)
    person, is_last = _lock(person)
    if is_last:
        raise Refused(LAST)
    if by is not None and by.pk == person.pk:
        raise Refused("You cannot delete yourself. Ask another administrator.")
    owned = Interaction.objects.filter(agent=person).count()
    if owned:
        raise Refused(
            f"{person.name} has worked on {owned} emails. Deactivate them instead; the history keeps their name."
        )
    record("person.deleted", actor=by, name=person.name, before=facts(person))
    person.delete()


def switch_people(people: Iterable[User], *, by: User | None, on: bool) -> Outcome[User]:
    """Switch several; the refused ones come back with their reason."""
    return each(people, lambda person: switch_person(person, by=by, on=on))


def delete_people(people: Iterable[User], *, by: User | None) -> Outcome[User]:
    """Delete several; the refused ones come back with their reason."""
    return each(people, lambda person: delete_person(person, by=by))


def facts(person: User) -> dict[str, Any]:
    """Everything an administrator sets, as plain values."""
    return {**snapshot(person, FIELDS), "active": person.is_active}


def _set(person: User, values: Mapping[str, Any], *, password: str = "") -> None:
    errors: dict[str, str] = {}
    for name, value in read(FIELDS, values, errors).items():
        setattr(person, name, value)
    person.email = person.email.lower()
    if User.objects.exclude(pk=person.pk).filter(email=person.email).exists():
        errors.setdefault("email", _taken(person))
    if password and (fault := password_faults(password, person)):
        errors["password"] = fault
    if errors:
        raise Refused(errors=errors)


def _taken(person: User) -> str:
    return f"Somebody has the address {person.email} already. Use another one."


def _lock(person: User) -> tuple[User, bool]:
    """The person, locked, and whether they are the last active administrator.

    All administrators are locked with them, in one order, so that two cannot remove each other at once.
    """
    administrators = Q(role=Role.ADMINISTRATOR, is_active=True)
    rows = list(User.objects.select_for_update().filter(administrators | Q(pk=person.pk)).order_by("pk"))
    found = next((one for one in rows if one.pk == person.pk), None)
    if found is None:
        raise Refused(f"{person.name} was deleted just now.")
    is_one = found.is_administrator and found.is_active
    return found, is_one and len(rows) == 1


def _leave(person: User, by: User | None) -> User:
    person = set_presence(person, Presence.LOGGED_OUT, by=by)
    for held in Interaction.objects.select_related("case", "queue").filter(
        agent=person, state__in=UNFINISHED
    ):
        held.state, held.agent, held.wake, held.unread = InteractionState.WAITING, None, None, True
        held.reason = f"{person.name} may not sign in any more"
        held.save(update_fields=["state", "agent", "wake", "unread", "reason"])
        record(
            "interaction.returned",
            actor=by,
            user=person,
            case=held.case,
            interaction=held,
            queue=held.queue,
            reason=held.reason,
        )
    return person
