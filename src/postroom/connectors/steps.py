"""Runs the steps of a check one by one with their times; stops at the first failure. Knows no protocol."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from postroom.connectors.base import ConnectorError, Step

log = logging.getLogger(__name__)

WHOLE = 60.0
"""Seconds a whole check may take."""


@dataclass(frozen=True)
class Outcome:
    """How a step ended when it did not raise: `state` is ok, warn or skipped."""

    detail: str = ""
    state: str = "ok"
    server_line: str = ""
    fix: str = ""
    field: str = ""


Planned = tuple[str, str, Callable[[], Outcome]]
"""Name, title and act of one step."""


def letters(count: int) -> str:
    """A number of letters in words."""
    return f"{count:,} letter" if count == 1 else f"{count:,} letters"


def run_steps(plan: Iterator[Planned] | list[Planned], *, whole: float = WHOLE) -> Iterator[Step]:
    """Run the plan, yielding each step as it ends. Never raises."""
    end = time.monotonic() + whole
    for name, title, act in plan:
        if time.monotonic() > end:
            yield Step(name, title, "fail", f"The check was ended after {whole:.0f} s.")
            return
        step = run_step(name, title, act)
        yield step
        if step.state == "fail":
            return


def run_step(name: str, title: str, act: Callable[[], Outcome]) -> Step:
    """Run one act, timed; what it raises becomes a failed step."""
    start = time.monotonic()
    try:
        got = act()
    except ConnectorError as wrong:
        return Step(name, title, "fail", wrong.text, _ms(start), wrong.server_line, wrong.advice, wrong.field)
    except Exception as wrong:
        log.exception("check step %s", name)
        return Step(name, title, "fail", f"This step failed unexpectedly: {wrong!r}", _ms(start))
    return Step(name, title, got.state, got.detail, _ms(start), got.server_line, got.fix, got.field)


def _ms(start: float) -> int:
    return round((time.monotonic() - start) * 1000)
