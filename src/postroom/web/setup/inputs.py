"""Inputs: what a page needs to draw one form field, derived from the declaration that also checks it. Nothing is declared here.

Two kinds of declaration exist: `conf.setting` (a connector's own settings) and `actions.fields` (columns of a row). Both
become an `Input`; names and error keys are the same, so that a refusal finds its field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import models
from django.http import QueryDict
from django.utils import timezone

from postroom.actions.fields import Choice, Field, Lines, Mailbox, Moment, Number, One, YesNo
from postroom.conf.setting import Declared

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Input:
    """One field of a form. `shown_if` is (name, values): with another value the field does not matter and is hidden."""

    name: str
    label: str
    type: str = "text"
    value: Any = ""
    help: str = ""
    error: str = ""
    choices: Choices = ()
    required: bool = False
    least: int | None = None
    most: int | None = None
    length: int | None = None
    shown_if: tuple[str, tuple[str, ...]] | None = None
    danger: bool = False
    autocomplete: str = "off"

    @property
    def id(self) -> str:
        """The id of its element."""
        return "f-" + self.name.replace(".", "-").replace("_", "-")

    @property
    def condition(self) -> str:
        """`shown_if` as the page carries it: name=value,value."""
        return f"{self.shown_if[0]}={','.join(self.shown_if[1])}" if self.shown_if else ""

    @property
    def described_by(self) -> str:
        """The ids of its help and its error, for screen readers."""
        return " ".join([f"{self.id}-help"] * bool(self.help) + [f"{self.id}-error"] * bool(self.error))


def from_setting(one: Declared, value: Any, error: str = "", *, prefix: str = "settings.") -> Input:
    """The input of a connector's setting."""
    kind = (
        "switch"
        if one.kind is bool
        else "number"
        if one.kind is int
        else "select"
        if one.choices
        else "lines"
        if one.multiline
        else "text"
    )
    shown_if = (
        (prefix + one.visible_if[0], tuple(str(v) for v in one.visible_if[1])) if one.visible_if else None
    )
    return Input(
        name=prefix + one.name,
        label=one.label,
        type="password" if one.secret else kind,
        value="" if one.secret else one.default if value is None else value,
        help=one.help,
        error=error,
        choices=one.choices,
        required=one.required,
        least=one.min,
        most=one.max,
        shown_if=shown_if,
        danger=one.name.startswith("accept_any"),
    )


def from_field(field: Field, value: Any, error: str = "", **more: Any) -> Input:
    """The input of a column; `more` overrides what is derived."""
    made = Input(
        name=field.name,
        label=field.label,
        value=shown(value),
        help=field.help,
        error=error,
        required=field.required,
        **_of_kind(field.kind),
    )
    return replace(made, **more)


def _of_kind(kind: Any) -> dict[str, Any]:
    if isinstance(kind, YesNo):
        return {"type": "switch"}
    if isinstance(kind, Number):
        return {"type": "number", "least": kind.least, "most": kind.most}
    if isinstance(kind, Choice):
        return {"type": "select", "choices": tuple((value, value) for value in kind.values)}
    if isinstance(kind, One):
        return {"type": "select", "choices": rows_of(kind.model)}
    if isinstance(kind, Mailbox):
        return {"type": "email", "length": 254}
    if isinstance(kind, Moment):
        return {"type": "date"}
    if isinstance(kind, Lines):
        return {"type": "lines", "length": kind.most}
    return {"type": "text", "length": getattr(kind, "most", None)}


def rows_of(model: type[models.Model]) -> Choices:
    """The rows of a table as choices, with an empty one first."""
    return (("", "—"), *((str(row.pk), str(row)) for row in model._default_manager.all()))


def only_row(model: type[models.Model]) -> models.Model | None:
    """The row of a table that has just one: there is nothing to choose."""
    found = list(model._default_manager.all()[:2])
    return found[0] if len(found) == 1 else None


def labels_of(choices: type[models.TextChoices]) -> Choices:
    """A model's choices with their words for people."""
    return tuple((str(value), str(label)) for value, label in choices.choices)


def shown(value: Any) -> Any:
    """A stored or typed value as the form shows it."""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, datetime):
        return timezone.localtime(value).date().isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(one) for one in value)
    return "" if value is None else value


def typed(post: QueryDict, fields: Iterable[Field]) -> dict[str, Any]:
    """The values of a submitted form for these fields; a select of rows gives a number, never a name."""
    values: dict[str, Any] = {}
    for field in fields:
        if field.name in post:
            given = post.get(field.name, "")
            values[field.name] = (number(given) or given) if isinstance(field.kind, One) else given
    return values


def stored(row: models.Model, fields: Sequence[Field]) -> dict[str, Any]:
    """The values of a row for these fields."""
    return {field.name: getattr(row, field.name) for field in fields}


def defaults(fields: Sequence[Field]) -> dict[str, Any]:
    """The values a new row's form starts with."""
    return {field.name: field.default for field in fields}


def number(text: str) -> int:
    """The number of a row as addresses and forms write it; 0, which no row has, for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def numbers(texts: Iterable[str]) -> set[int]:
    """The numbers of several rows."""
    return {number(text) for text in texts} - {0}


def draw(
    fields: Sequence[Field],
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    more: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, Input]:
    """The inputs of these fields by name."""
    return {
        f.name: from_field(f, values.get(f.name), errors.get(f.name, ""), **(more or {}).get(f.name, {}))
        for f in fields
    }
