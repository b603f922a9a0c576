"""Who gets which email: a pure function of a snapshot, so that a decision can be replayed and explained.

Order of the work: priority, then who waits longest. Order of the agents: longest idle first. An agent who declined or missed an
email is asked again only when nobody else is left.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Work:
    """One waiting interaction. `turned_down` are the agents who have had it offered and did not take it."""

    id: int
    queue: int
    priority: int
    waiting_since: datetime
    turned_down: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Agent:
    """One available agent: the queues served, room left, and since when idle."""

    id: int
    queues: frozenset[int]
    room: int
    idle_since: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """Offer `work` to `agent`, because."""

    work: int
    agent: int
    why: str


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Nobody for `work` now, because: shown on the case, never limbo."""

    work: int
    why: str


def choose(work: Sequence[Work], agents: Sequence[Agent]) -> tuple[list[Choice], list[Unplaced]]:
    """At most one new offer per agent and call: an agent looks at one email at a time."""
    free = {queue: _heap(queue, agents) for queue in {w.queue for w in work}}
    staffed = {queue for agent in agents for queue in agent.queues}
    busy: set[int] = set()
    chosen: list[Choice] = []
    left: list[Unplaced] = []
    for one in sorted(work, key=lambda w: (w.priority, w.waiting_since, w.id)):
        found = _first(free[one.queue], busy, one.turned_down)
        if found is None:
            left.append(
                Unplaced(
                    one.id,
                    "All agents of the queue are busy"
                    if one.queue in staffed
                    else "No agent of the queue is available",
                )
            )
            continue
        busy.add(found.id)
        chosen.append(Choice(one.id, found.id, f"longest idle, since {found.idle_since:%H:%M:%S}"))
    return chosen, left


def _heap(queue: int, agents: Sequence[Agent]) -> list[tuple[datetime, int, Agent]]:
    heap = [(a.idle_since, a.id, a) for a in agents if queue in a.queues and a.room > 0]
    heapq.heapify(heap)
    return heap


def _first(
    heap: list[tuple[datetime, int, Agent]], busy: set[int], turned_down: frozenset[int]
) -> Agent | None:
    """The longest idle agent who has not turned it down; else the longest idle at all."""
    passed: list[tuple[datetime, int, Agent]] = []
    found: Agent | None = None
    while heap:
        item = heapq.heappop(heap)
        if item[1] in busy:
            continue
        if item[1] in turned_down:
            passed.append(item)
            continue
        found = item[2]
        break
    if found is None and passed:
        found = passed.pop(0)[2]
    for item in passed:
        heapq.heappush(heap, item)
    return found
