"""What a person does with their own account, and how the first administrator comes to be. Not the administration of other people."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from postroom.actions.refusals import Refused
from postroom.models import OneTimeLink, Role, User
from postroom.models.event import record

ADMINISTRATOR_LINK = "administrator"
# What a person may choose for their own pages, and the values each takes; the first is the default.
PREFERENCES: dict[str, tuple[str, ...]] = {
    "keys": ("on", "off"),
    "sound": ("off", "on"),
    "notify": ("off", "on"),
    "start": ("paused", "available"),
    "theme": ("auto", "light", "dark"),
}


@transaction.atomic
def make_first_administrator(token: str, *, name: str, email: str, password: str, again: str) -> User:
    """Use up the one-time link and make the administrator it is for."""
    link = OneTimeLink.find(token, ADMINISTRATOR_LINK)
    if link is None:
        raise Refused("This link has been used or has expired.")
    # The UPDATE names the unused state: of two browsers with the same link one wins.
    if not OneTimeLink.objects.filter(pk=link.pk, used=None).update(used=timezone.now()):
        raise Refused("This link has been used or has expired.")
    errors = check_identity(name=name, email=email) | check_password(
        password, again=again, user=User(email=email, name=name)
    )
    if errors:
        raise Refused(errors=errors)
    user = User.objects.create_user(email, name.strip(), role=Role.ADMINISTRATOR, password=password)
    record("person.created", actor=user, user=user, role=str(Role.ADMINISTRATOR))
    return user


def check_identity(*, name: str, email: str, own: User | None = None) -> dict[str, str]:
    """What is wrong with a name and a sign-in address, by field."""
    errors: dict[str, str] = {}
    if not name.strip():
        errors["name"] = "Enter your name as colleagues know you."
    elif len(name.strip()) > 120:
        errors["name"] = "The name is too long: the most is 120 characters."
    try:
        validate_email(email.strip())
    except ValidationError:
        errors["email"] = "Enter a whole email address, such as maya@example.com."
    else:
        taken = User.objects.filter(email=email.strip().lower()).exclude(pk=(own and own.pk) or 0)
        if taken.exists():
            errors["email"] = "Somebody else signs in with this address."
    return errors


def check_password(password: str, *, again: str, user: User) -> dict[str, str]:
    """What is wrong with a new password, by field."""
    try:
        validate_password(password, user)
    except ValidationError as wrong:
        return {"password": " ".join(wrong.messages)}
    return {} if password == again else {"again": "The two passwords differ. Type the same one again."}


@transaction.atomic
def change_password(user: User, *, current: str, password: str, again: str) -> None:
    """Set a new password; the current one proves that it is oneself. Other browsers are signed out by it."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    errors = {} if locked.check_password(current) else {"current": "This is not your current password."}
    errors |= check_password(password, again=again, user=locked)
    if errors:
        raise Refused(errors=errors)
    locked.set_password(password)
    locked.save(update_fields=["password"])
    record("person.password-changed", actor=locked, user=locked)


@transaction.atomic
def save_profile(user: User, *, name: str, language: str, zone: str) -> User:
    """Change one's own name, language and time zone."""
    errors = {k: v for k, v in check_identity(name=name, email=user.email, own=user).items() if k == "name"}
    if language and language not in dict(settings.LANGUAGES):
        errors["language"] = "Choose one of the languages in the list."
    if zone and zone not in available_timezones():
        errors["zone"] = "Choose a time zone such as Europe/Prague."
    if errors:
        raise Refused(errors=errors)
    locked = User.objects.select_for_update().get(pk=user.pk)
    locked.name, locked.language = name.strip(), language
    locked.preferences = {**locked.preferences, "zone": zone}
    locked.save(update_fields=["name", "language", "preferences"])
    record("person.changed", actor=locked, user=locked)
    return locked


@transaction.atomic
def save_preferences(user: User, chosen: dict[str, str]) -> User:
    """Remember how one's own pages behave; only known names and values."""
    errors = {
        k: "Choose one of the offered values." for k, v in chosen.items() if v not in PREFERENCES.get(k, ())
    }
    if errors:
        raise Refused(errors=errors)
    locked = User.objects.select_for_update().get(pk=user.pk)
    locked.preferences = {**locked.preferences, **chosen}
    locked.save(update_fields=["preferences"])
    return locked


MOST_TRUSTED = 500


@transaction.atomic
def trust_images(user: User, address: str) -> User:
    """From now on show the images of other servers in letters of this address to this person."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    trusted = [a for a in locked.preferences.get("images", []) if a != address.lower()]
    locked.preferences = {**locked.preferences, "images": [*trusted, address.lower()][-MOST_TRUSTED:]}
    locked.save(update_fields=["preferences"])
    return locked
