"""How a setting is declared: one line from which form, API schema, checks and reference page are derived.

    @dataclass(frozen=True)
    class Settings:
        host: str = setting("Server", "", help="Name of the mail server", required=True)
        port: int = setting("Port", 993, min=1, max=65535)

No Django here: connectors use it too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True)
class Declared:
    """What one `setting(...)` line says. `kind` is the Python type: str, int or bool."""

    name: str
    label: str
    default: Any
    kind: type
    help: str = ""
    min: int | None = None
    max: int | None = None
    required: bool = False
    secret: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    visible_if: tuple[str, tuple[Any, ...]] | None = None
    multiline: bool = False


def setting(
    label: str,
    default: Any,
    *,
    help: str = "",
    min: int | None = None,
    max: int | None = None,
    required: bool = False,
    secret: bool = False,
    choices: tuple[tuple[str, str], ...] = (),
    visible_if: tuple[str, tuple[Any, ...]] | None = None,
    multiline: bool = False,
) -> Any:
    """A dataclass field that also carries its label, help and limits.

    `choices` are (value, label) pairs; `visible_if` names another setting and the values for which this one matters;
    `multiline` text may hold line breaks (a certificate).
    """
    says = {
        "label": label,
        "help": help,
        "min": min,
        "max": max,
        "required": required,
        "secret": secret,
        "choices": choices,
        "visible_if": visible_if,
        "multiline": multiline,
    }
    return dataclasses.field(default=default, metadata={"setting": says})


def declared(settings: type) -> list[Declared]:
    """The settings a dataclass declares, in order."""
    hints = get_type_hints(settings)
    return [
        Declared(name=f.name, default=f.default, kind=hints[f.name], **f.metadata["setting"])
        for f in dataclasses.fields(settings)
        if "setting" in f.metadata
    ]


class SettingErrors(ValueError):
    """Values that cannot be used: `errors` maps each field's name to one sentence that tells the fix."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))


def parse(settings: type[T], values: Mapping[str, Any]) -> T:
    """Build the dataclass from loose values (a form, TOML, JSON). Raises SettingErrors naming every wrong field."""
    errors: dict[str, str] = {}
    known = {d.name: d for d in declared(settings)}
    for name in values:
        if name not in known:
            errors[name] = f"There is no such setting. Known are: {', '.join(known)}."
    good: dict[str, Any] = {}
    for name, d in known.items():
        try:
            good[name] = _value(d, values.get(name, d.default))
        except ValueError as wrong:
            errors[name] = str(wrong)
    if errors:
        raise SettingErrors(errors)
    return settings(**good)


def _value(d: Declared, given: Any) -> Any:
    if d.kind is bool:
        return _truth(given)
    if d.kind is int:
        return _number(d, given)
    return _text(d, given)


def _truth(given: Any) -> bool:
    if isinstance(given, str):
        if given.strip().lower() in ("1", "true", "yes", "on"):
            return True
        if given.strip().lower() in ("", "0", "false", "no", "off"):
            return False
        raise ValueError("Write yes or no.")
    return bool(given)


def _number(d: Declared, given: Any) -> int:
    text = str(given).strip()
    try:
        number = int(text) if text else d.default
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number.") from None
    if d.min is not None and number < d.min:
        raise ValueError(f"{number} is too small: the least is {d.min}.")
    if d.max is not None and number > d.max:
        raise ValueError(f"{number} is too large: the most is {d.max}.")
    return int(number)


def _text(d: Declared, given: Any) -> str:
    text = "" if given is None else str(given)
    if not d.secret:
        text = text.strip()
    allowed = "\r\n\t" if d.multiline else ""
    if any((ord(c) < 32 or ord(c) == 127) and c not in allowed for c in text):
        raise ValueError("Remove the line break or other control character.")
    if d.required and not text:
        raise ValueError(f"{d.label} is missing.")
    if d.choices and text not in {value for value, _ in d.choices}:
        raise ValueError(f"{text!r} is not one of: {', '.join(value for value, _ in d.choices)}.")
    return text
