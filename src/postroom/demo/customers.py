"""Who lives in the demo world and what they have on their minds, read from stories/*.toml. Sends nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any


class Habit(StrEnum):
    """What happens when somebody writes to this customer."""

    ANSWERS = "answers"
    AWAY = "away"
    """An automatic reply first, the customer's own later."""
    NO_SUCH_USER = "no-such-user"
    MAILBOX_FULL = "mailbox-full"
    SLOW_SERVER = "slow-server"
    """A report of delay first, then it arrives."""
    LIST = "list"
    """Nobody reads it."""


class Look(StrEnum):
    """What the customer's mail program makes of their words."""

    PLAIN = "plain"
    HTML = "html"
    OUTLOOK = "outlook"
    """HTML only; quotes below a header block, without marks."""
    SHOP = "shop"
    """Plain words above a forwarded order confirmation with remote images and a tracking pixel."""
    NEWSLETTER = "newsletter"
    CP1250 = "cp1250"
    """An old program that writes windows-1250."""
    UNLABELLED = "unlabelled"
    """8-bit Latin-1 in header and body, and no word about it."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said in one language around the letters themselves."""

    wrote: str
    date: str
    closing: str
    short: str
    noted: str
    away_subject: str
    away: str


@dataclass(frozen=True, kw_only=True)
class Matter:
    """Something to write about: the letters in their order, the first begins it. `to` is a mailbox of the firm."""

    to: str
    subject: str
    letters: tuple[str, ...]
    look: Look = Look.PLAIN
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Customer:
    """One person. `matters` are taken in turn: their own story, then what everybody may ask."""

    name: str
    address: str
    language: str
    words: Words
    matters: tuple[Matter, ...]
    habit: Habit = Habit.ANSWERS
    early: bool = False

    @property
    def first_name(self) -> str:
        """How they sign short letters."""
        return self.name.removeprefix("Dr. ").split()[0]

    @property
    def domain(self) -> str:
        """Where their mail lives."""
        return self.address.partition("@")[2]


@cache
def customers() -> dict[str, Customer]:
    """Everybody, by address."""
    return {one.address: one for one in _read()}


def _read() -> Iterator[Customer]:
    for path in sorted(files(__package__).joinpath("stories").iterdir(), key=lambda path: path.name):
        if path.name.endswith(".toml"):
            found = tomllib.loads(path.read_text(encoding="utf-8"))
            words = Words(**found["words"])
            common = tuple(_matter(one) for one in found.get("matter", ()))
            for one in found["customer"]:
                yield _customer(one, found["language"], words, common)


def _customer(one: Mapping[str, Any], language: str, words: Words, common: tuple[Matter, ...]) -> Customer:
    habit = Habit(one.get("habit", Habit.ANSWERS))
    return Customer(
        name=one["name"],
        address=one["address"],
        language=language,
        words=words,
        # a list and the unreachable have only the one thing to say
        matters=(_matter(one), *(common if habit in (Habit.ANSWERS, Habit.AWAY) else ())),
        habit=habit,
        early=one.get("early", False),
    )


def _matter(one: Mapping[str, Any]) -> Matter:
    return Matter(
        to=one["to"],
        subject=one["subject"],
        letters=tuple(text.strip() for text in one["letters"]),
        look=Look(one.get("look", Look.PLAIN)),
        file=one.get("file", ""),
    )
