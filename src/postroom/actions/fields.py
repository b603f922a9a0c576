"""Fields: how loose values of a form, of JSON or of a setup file become the columns of a row. Not the forms themselves.

A kind of value reads what was given or raises ValueError with one sentence for a person. `read` collects the sentences of
all fields at once, so that nobody corrects a form field by field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, models

from postroom.actions.refusals import Refused

# Pasted text brings blanks that nobody sees: no-break space, zero-width marks, byte order mark.
UNSEEN = re.compile("^[\\s\u00a0\u200b-\u200f\u2060\ufeff]+|[\\s\u00a0\u200b-\u200f\u2060\ufeff]+$")
CONTROL = re.compile("[\x00-\x1f\x7f\u2028\u2029]")


class Kind(Protocol):
    """A kind of value: `says` names it in the reference, `read` turns what was given into a column's value."""

    @property
    def says(self) -> str:
        """What may be written, in a few words."""

    def read(self, given: Any) -> Any:
        """The value. Raises ValueError with one sentence."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column that people may change. `default` applies to a new row; None means that there is none."""

    name: str
    kind: Kind
    label: str
    default: Any = None
    help: str = ""
    required: bool = False


def read(fields: Sequence[Field], values: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """The values of the given fields; every fault goes into `errors` under the field's name, unknown names too."""
    known = {field.name: field for field in fields}
    good: dict[str, Any] = {}
    for name, given in values.items():
        field = known.get(name)
        if field is None:
            errors[name] = f"There is no field {name!r}. Known are: {', '.join(known)}."
            continue
        try:
            good[name] = _value(field, given)
        except ValueError as wrong:
            errors[name] = str(wrong)
    return good


def complete(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the defaults of a new row below them, so that a missing required field is noticed."""
    return {**{field.name: field.default for field in fields}, **values}


def _value(field: Field, given: Any) -> Any:
    value = field.kind.read(given)
    if field.required and value in (None, "", []):
        raise ValueError(f"{field.label} is missing.")
    return value


def trim(given: Any) -> str:
    """Text without the unseen marks that pasting leaves around it."""
    return UNSEEN.sub("", "" if given is None else str(given))


def trim_secret(given: Any) -> str:
    """A pasted password without line breaks around it; blanks may belong to it."""
    return "" if given is None else str(given).strip("\r\n\t\ufeff\u200b")


@dataclass(frozen=True)
class Text:
    """One line of text of at most `most` characters."""

    most: int

    @property
    def says(self) -> str:
        return f"text, at most {self.most} characters"

    def read(self, given: Any) -> str:
        text = trim(_plain(given))
        if CONTROL.search(text):
            raise ValueError("Remove the line break or other control character.")
        if len(text) > self.most:
            raise ValueError(f"That is {len(text)} characters long: the most is {self.most}.")
        return text


@dataclass(frozen=True)
class Lines:
    """Text of several lines."""

    most: int
    says: str = "text, several lines"

    def read(self, given: Any) -> str:
        text = str(_plain(given) or "").replace("\r\n", "\n").strip()
        if len(text) > self.most:
            raise ValueError(f"That is {len(text)} characters long: the most is {self.most}.")
        if "\x00" in text:
            raise ValueError("Remove the zero character.")
        return text


@dataclass(frozen=True)
class Number:
    """A whole number between two limits."""

    least: int
    most: int

    @property
    def says(self) -> str:
        return f"whole number, {self.least} to {self.most}"

    def read(self, given: Any) -> int:
        try:
            number = int(trim(_plain(given)))
        except ValueError:
            raise ValueError(f"Write a whole number from {self.least} to {self.most}.") from None
        if not self.least <= number <= self.most:
            raise ValueError(f"{number} is outside {self.least} to {self.most}: write a number between them.")
        return number


@dataclass(frozen=True)
class YesNo:
    """A switch."""

    says: str = "true or false"

    def read(self, given: Any) -> bool:
        word = trim(_plain(given)).lower()
        if word in ("1", "true", "yes", "on"):
            return True
        if word in ("", "0", "false", "no", "off"):
            return False
        raise ValueError("Write yes or no.")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    values: tuple[str, ...]

    @property
    def says(self) -> str:
        return "one of " + ", ".join(f"`{value}`" for value in self.values if value)

    def read(self, given: Any) -> str:
        word = trim(_plain(given))
        if word not in self.values:
            raise ValueError(f"{word!r} is not one of: {', '.join(self.values)}.")
        return word


@dataclass(frozen=True)
class Mailbox:
    """An email address; its domain is kept in lower case."""

    says: str = "email address"

    def read(self, given: Any) -> str:
        text = trim(_plain(given))
        if not text:
            return ""
        try:
            validate_email(text)
        except ValidationError:
            raise ValueError(f"{text!r} is not an email address: write it as name@example.com.") from None
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"


@dataclass(frozen=True)
class Mailboxes:
    """Several email addresses: a list, or text with commas, blanks or line breaks between them."""

    says: str = "list of email addresses"

    def read(self, given: Any) -> list[str]:
        return list(dict.fromkeys(Mailbox().read(one) for one in names(given)))


@dataclass(frozen=True)
class Moment:
    """A date, or a date with a time; without a zone it is UTC."""

    says: str = "date, or date and time"

    def read(self, given: Any) -> datetime | None:
        if isinstance(given, datetime):
            moment = given
        elif isinstance(given, date):
            moment = datetime.combine(given, time())
        elif not trim(_plain(given)):
            return None
        else:
            moment = _moment(trim(given))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date: write it as 2026-01-31.") from None


@dataclass(frozen=True)
class One:
    """Another row, by name, number or as itself; nothing is None."""

    model: type[models.Model]
    noun: str

    @property
    def says(self) -> str:
        return f"name of a {self.noun}"

    def read(self, given: Any) -> models.Model | None:
        if given is None or isinstance(given, self.model):
            return given
        rows = self.model._default_manager
        text = trim(_plain(given))
        if not text:
            return None
        found = None if isinstance(given, int) else rows.filter(name=text).first()
        if found is None and text.isdecimal() and len(text) < 19:
            found = rows.filter(pk=int(text)).first()
        if found is None:
            known = ", ".join(str(name) for name in rows.values_list("name", flat=True)[:10])
            raise ValueError(
                f"There is no {self.noun} {text!r}. "
                + (f"Known are: {known}." if known else f"Add the {self.noun} first.")
            )
        return found


def names(given: Any) -> list[str]:
    """A list of words from a list or from text with commas, semicolons or white space between them."""
    if isinstance(given, str):
        given = re.split(r"[,;\s]+", given)
    if given is not None and not isinstance(given, Iterable):
        raise ValueError("Write a list.")
    return [word for one in given or () if (word := trim(one))]


def _plain(given: Any) -> Any:
    if isinstance(given, list | tuple | dict | set):
        raise ValueError("Write one value, not a list.")
    return given


def snapshot(row: models.Model, fields: Sequence[Field]) -> dict[str, Any]:
    """The columns of a row as plain values for the audit trail: other rows by name."""
    return {field.name: plain(getattr(row, field.name)) for field in fields}


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, models.Model):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


@contextmanager
def unique(field: str, sentence: str) -> Any:
    """Two people who save the same name at once: the database decides, the later one is told."""
    try:
        yield
    except IntegrityError:
        raise Refused(errors={field: sentence}) from None
