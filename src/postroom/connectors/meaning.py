"""What a server's words mean: looks a line up in a protocol's table and makes a ConnectorError of it. The tables are elsewhere.

A table stands in its protocol's `*_errors.py`; its rows are looked at in order and the first that matches counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from postroom.connectors.base import ConnectorError, Kind

CUT = 500
"""Bytes of a server's line that people are shown."""
FIELDS = {Kind.SIGN_IN: "login", Kind.CONFIGURATION: "security"}
"""The setting to change where a row names none."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: a pattern on the whole line, what it asks for, seconds to wait, and what to tell a person."""

    pattern: str
    kind: Kind
    wait: float | None
    advice: str
    field: str = ""


class Table:
    """The rows with their patterns compiled."""

    def __init__(self, rows: Iterable[Meaning]) -> None:
        self._rows = tuple((re.compile(row.pattern, re.IGNORECASE), row) for row in rows)

    def recognise(self, line: str, *, text: str) -> ConnectorError | None:
        """The error that this line means; `text` is the part of it for people."""
        for pattern, row in self._rows:
            if pattern.search(line):
                return ConnectorError(
                    text,
                    kind=row.kind,
                    advice=row.advice,
                    server_line=line,
                    field=row.field or FIELDS.get(row.kind, ""),
                    retry_after=row.wait,
                )
        return None


def said(line: bytes) -> str:
    """A server line for people: cut, and never a reason to fail."""
    return line[:CUT].decode("utf-8", "replace")


def wrong_password(text: str, line: str) -> ConnectorError:
    """A refused sign-in without better words: it is the password."""
    return ConnectorError(
        f"The server refused the sign-in: {text}",
        kind=Kind.SIGN_IN,
        advice="Check login and password.",
        server_line=line,
        field="login",
    )


def passing(text: str, line: str) -> ConnectorError:
    """A refusal that is worth another try."""
    return ConnectorError(text, kind=Kind.TRANSIENT, advice="It is tried again.", server_line=line)


def sign_in_is_off(text: str) -> ConnectorError:
    """The server wants a sign-in, and the settings say that there is none."""
    return ConnectorError(
        text, kind=Kind.CONFIGURATION, advice="Choose Password as sign-in.", field="sign_in"
    )
