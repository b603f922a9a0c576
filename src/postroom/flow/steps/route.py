"""Which queue: the one the case is in, else the channel's default queue (FI-03)."""

from __future__ import annotations

from postroom.flow.filing import Desk, Filing, Verdict


def default_queue(filing: Filing, desk: Desk) -> Verdict | None:
    """A case keeps its queue; a new one goes where the channel says."""
    assert filing.case is not None
    if filing.case.queue is not None:
        filing.queue = filing.case.queue
        return Verdict(f"The case is in {filing.queue.name}")
    filing.queue = filing.channel.default_queue
    if filing.queue is None:
        # A channel cannot be switched on without one; it can lose it while letters are under way.
        raise LookupError(
            f"The channel {filing.channel.name} has no default queue. Choose one, then retry this letter."
        )
    filing.case.queue = filing.queue
    return Verdict(f"Default queue {filing.queue.name}")
