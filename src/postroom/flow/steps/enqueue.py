"""Work for an agent: the case's open interaction takes the letter, or a new one waits in the queue."""

from __future__ import annotations

from datetime import timedelta

from postroom.flow.filing import Desk, Filing, Verdict, case_key
from postroom.models import CaseState, Interaction, InteractionState


def queue(filing: Filing, desk: Desk) -> Verdict | None:
    """Archive letters and reports that need nobody are only filed."""
    case = filing.case
    assert case is not None and filing.queue is not None
    if filing.row.archive:
        case.state, case.closed = CaseState.CLOSED, case.closed or filing.moment
        return Verdict("Archive: filed without work")
    if not filing.needs_agent:
        return Verdict("For information: no work")
    active = desk.active.get(case_key(case))
    if filing.auto_reply and case.pk is not None and active is None:
        return Verdict("An automatic answer: kept in the case, which stays as it is")
    if filing.again and active is None:
        return Verdict("Its rest has come: the case stays as it is")
    case.state, case.closed = CaseState.OPEN, None
    if active is not None:
        filing.interaction = active
        active.unread = True
        return Verdict(f"Joins the work that is {InteractionState(active.state).label.lower()}")
    filing.interaction = _new(filing)
    desk.active[case_key(case)] = filing.interaction
    return Verdict(f"Waits in {filing.queue.name}")


def _new(filing: Filing) -> Interaction:
    assert filing.case is not None and filing.queue is not None
    due = filing.moment + timedelta(minutes=filing.queue.target_minutes)
    return Interaction(
        case=filing.case,
        queue=filing.queue,
        priority=filing.queue.priority,
        created=filing.moment,
        waiting_since=filing.moment,
        due=due,
    )
