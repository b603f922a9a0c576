"""What is wrong with a setup file: every fault with its section, the row's name and the key. Not the rules themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault; `section`, `name` and `key` are empty where the fault is not in one."""

    text: str
    section: str = ""
    name: str = ""
    key: str = ""

    def __str__(self) -> str:
        place = [f"[[{self.section}]]" + (f' "{self.name}"' if self.name else "")] if self.section else []
        return ": ".join([*place, *([self.key] if self.key else []), self.text])


class SetupErrors(Exception):
    """The file was not applied and nothing was written."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))
