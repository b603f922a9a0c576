"""Bulk actions: the same act on several rows, each in its own transaction. One refusal does not undo the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from postroom.actions.refusals import NotAllowed, Refused

Row = TypeVar("Row")


@dataclass
class Outcome(Generic[Row]):
    """Which rows were done, and which refused with the reason."""

    done: list[Row] = field(default_factory=list)
    refused: list[tuple[Row, str]] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What to tell the person who asked."""
        told = f"{len(self.done)} done."
        return " ".join([told, *(f"{row}: {reason}" for row, reason in self.refused)])


def each(rows: Iterable[Row], act: Callable[[Row], object]) -> Outcome[Row]:
    """Do `act` with every row. Raises NotAllowed at once, since it would hold for all."""
    outcome: Outcome[Row] = Outcome()
    for row in rows:
        try:
            act(row)
        except NotAllowed:
            raise
        except Refused as no:
            outcome.refused.append((row, no.text))
        else:
            outcome.done.append(row)
    return outcome
