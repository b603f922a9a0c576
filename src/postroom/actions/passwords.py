"""Passwords that administrators set, and the one-time links by which others set theirs. One's own account is in account.py."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from postroom.actions.audit import require_administrator
from postroom.actions.fields import trim_secret
from postroom.actions.refusals import Refused
from postroom.models import OneTimeLink, User
from postroom.models.event import record
from postroom.models.link import digest_of

PASSWORD = "password"
STALE = "This link was used already or is too old. Ask for a new one."


def password_faults(password: str, person: User | None = None) -> str:
    """Why this password is refused, as one text; empty if it is good."""
    try:
        validate_password(password, person)
    except ValidationError as wrong:
        return " ".join(wrong.messages)
    return ""


@transaction.atomic
def set_password(person: User, *, by: User | None, password: str) -> User:
    """An administrator sets somebody's password."""
    require_administrator(by)
    return _set(person, password, by=by)


@transaction.atomic
def make_password_link(person: User, *, by: User | None, hours: int = 24) -> str:
    """The token of a link by which the person sets a password; earlier ones stop working."""
    require_administrator(by)
    person = User.objects.select_for_update().get(pk=person.pk)
    if not person.is_active:
        raise Refused(f"{person.name} may not sign in. Activate them first.")
    OneTimeLink.objects.filter(user=person, purpose=PASSWORD, used=None).update(expires=timezone.now())
    record("person.link", actor=by, user=person, name=person.name)
    return OneTimeLink.make(PASSWORD, user=person, hours=hours)


def find_password_link(token: str) -> OneTimeLink | None:
    """The usable link of this token, or None; looking has no effect, since mail scanners open links."""
    link = OneTimeLink.find(token, PASSWORD)
    return link if link and link.user and link.user.is_active else None


@transaction.atomic
def set_password_by_link(token: str, *, password: str) -> User:
    """Set a password with a link's token, which is used up. Raises Refused for a stale link."""
    link = _use(token)
    if link.user is None or not link.user.is_active:
        raise Refused(STALE)
    return _set(link.user, password, by=link.user)


def _use(token: str) -> OneTimeLink:
    """Use a link up; of two who use it at once, one wins. A refusal later rolls this back."""
    now = timezone.now()
    usable = OneTimeLink.objects.filter(digest=digest_of(token), purpose=PASSWORD, used=None, expires__gt=now)
    if not token or not usable.update(used=now):
        raise Refused(STALE)
    return OneTimeLink.objects.select_related("user").get(digest=digest_of(token))


def _set(person: User, password: str, *, by: User | None) -> User:
    person = User.objects.select_for_update().get(pk=person.pk)
    password = trim_secret(password)
    if fault := password_faults(password, person):
        raise Refused(errors={"password": fault})
    person.set_password(password)
    person.save(update_fields=["password"])
    record("person.password", actor=by, user=person, name=person.name)
    return person
