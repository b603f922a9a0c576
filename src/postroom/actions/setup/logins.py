"""Passwords and shared logins of a setup file: where a section's password comes from. Nothing is stored here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from postroom.actions.refusals import Refused
from postroom.connectors.presets import PRESETS

SOURCES = ("password", "password_env", "password_file")
# Words that a connector's own setting `sign_in` understands.
KINDS = ("password", "none", "oauth")


def take_password(values: dict[str, Any], *, folder: Path) -> str | None:
    """Take the password's keys out of the values and look it up; None if the section has none. Raises Refused."""
    given = {name: values.pop(name) for name in SOURCES if name in values}
    if len(given) > 1:
        raise Refused(
            errors={list(given)[1]: f"Give the password once: keep only one of {', '.join(given)}."}
        )
    for name, text in given.items():
        password = _look_up(name, str(text), folder)
        if not password:
            raise Refused(errors={name: "The password is empty. Leave the key out to keep the stored one."})
        return password
    return None


def _look_up(name: str, text: str, folder: Path) -> str:
    if name == "password_env":
        if text not in os.environ:
            raise Refused(errors={name: f"The environment variable {text} is not set."})
        return os.environ[text]
    if name == "password_file":
        try:
            return (folder / Path(text).expanduser()).read_text().strip("\r\n")
        except (OSError, UnicodeDecodeError) as wrong:
            raise Refused(
                errors={name: f"The file {text} cannot be read: {getattr(wrong, 'strerror', None) or wrong}."}
            ) from None
    return text


def use_sign_in(values: dict[str, Any], sign_ins: Mapping[str, Mapping[str, Any]]) -> None:
    """Fill login, host and password from the named `[[sign_in]]`; what the section says itself counts more."""
    named = values.get("settings.sign_in")
    if named is None or named in KINDS:
        return
    if named not in sign_ins:
        known = ", ".join((*sign_ins, *KINDS[:2]))
        raise Refused(errors={"sign_in": f"There is no [[sign_in]] named {named!r}. Known are: {known}."})
    del values["settings.sign_in"]
    shared = sign_ins[str(named)]
    for name in ("login", "host"):
        if name in shared:
            values.setdefault(f"settings.{name}", shared[name])
    if "password" in shared and not any(source in values for source in SOURCES):
        values["password"] = shared["password"]


def refuse_conflicts(values: Mapping[str, Any]) -> None:
    """A provider fixes its server; a file that says another one means something else. Raises Refused."""
    fixed = {preset.name: preset.fills for preset in PRESETS}.get(str(values.get("preset")), {})
    for name, value in fixed.get(str(values.get("connector", "")), {}).items():
        given = values.get(f"settings.{name}", value)
        if given != value:
            text = (
                f"The preset {values['preset']} sets this to {value}. Leave it out, or use the preset custom."
            )
            raise Refused(errors={f"settings.{name}": text})
