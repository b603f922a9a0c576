"""Filing: what happens to a stored letter before a person sees it. The steps, in order, each with its reason.

A batch shares one transaction. If writing it fails, each letter is filed again alone behind a savepoint: the bad one becomes
`stuck` with the reason, the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from postroom.conf.crash import point
from postroom.flow.filing import Desk, Filing, Verdict, load, look_up
from postroom.flow.parsed import message_of
from postroom.flow.steps import bounces, enqueue, identify, loops, route, screen, thread
from postroom.flow.writing import write
from postroom.mail.bounces import read_bounce
from postroom.models import Channel, LetterState, RawMessage
from postroom.models.blob import BlobError
from postroom.models.event import record

log = logging.getLogger(__name__)

Step = Callable[[Filing, Desk], Verdict | None]

STEPS: tuple[tuple[str, Step], ...] = (
    (
        "bounces",
        bounces.recognise,
    ),  # first: a report quotes our mail and would else look like a reply, or like our own
    ("loops", loops.stop),  # before anybody is made a contact: what goes round has no author
    ("size", screen.size),
    ("start", screen.start_date),
    ("recipient", screen.recipient),  # after loops, so that the reason shown is the truer one
    ("contact", identify.contact),
    ("thread", thread.find_case),  # needs the contact: who takes part in a case may continue it
    ("queue", route.default_queue),  # needs the case: it stays in its queue
    ("enqueue", enqueue.queue),  # last: only what passed everything makes work
)

MOST_PARTICIPANTS = 1000
"""Addresses that take part in one case: a list that every further letter must not grow without end."""
BATCH = 200
BATCH_BYTES = 32 * 1024 * 1024
RETRY_AFTER = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""Waits between attempts at a letter that could not be filed; after them it stays stuck until a person retries it."""


def file_next() -> int:
    """File the next batch of received letters; returns how many. One filer at a time, or threads would be torn."""
    rows = due()
    for row in [row for row in rows if row.channel is None]:
        set_aside(row, LookupError("Its channel was deleted before it could be filed."))
        rows.remove(row)
    if not rows:
        return 0
    try:
        with transaction.atomic():
            _file(load(rows))
        point("file-committed")
    except Exception as error:  # noqa: BLE001 - whatever it is, one bad letter must not stop the others
        log.info("a batch of %d letters is filed one by one: %s", len(rows), type(error).__name__)
        for row in rows:
            file_alone(row)
    return len(rows)


def due() -> list[RawMessage]:
    """The oldest received letters, not more than a batch by count and bytes."""
    now = timezone.now()
    waiting = RawMessage.objects.filter(state=LetterState.RECEIVED)
    rows: list[RawMessage] = []
    total = 0
    for row in waiting.filter(Q(next_try=None) | Q(next_try__lte=now)).order_by("id")[:BATCH]:
        total += row.size if not row.partial else 0
        if rows and total > BATCH_BYTES:
            break
        rows.append(row)
    _share_channels(rows)
    return rows


def _share_channels(rows: list[RawMessage]) -> None:
    """One object per channel: a join would make one for every letter."""
    wanted = {row.channel_id for row in rows if row.channel_id}
    channels = {c.pk: c for c in Channel.objects.select_related("default_queue").filter(pk__in=wanted)}
    for row in rows:
        row.channel = channels.get(row.channel_id or 0)


def file_alone(row: RawMessage) -> None:
    """File one letter; on failure it is tried again later and then stuck, with the reason in words."""
    try:
        with transaction.atomic():
            _file(load([row]))
    except Exception as error:
        if not isinstance(error, LookupError | BlobError):
            log.exception("letter %s could not be filed", row.pk)
        set_aside(row, error)


def set_aside(row: RawMessage, error: Exception) -> None:
    """Count the attempt; after the last one the letter is stuck and listed, never lost."""
    attempts = row.attempts + 1
    reason = (
        str(error)[:400]
        if isinstance(error, LookupError | BlobError)
        else f"{type(error).__name__}: {str(error)[:300]}"
    )
    final = attempts > len(RETRY_AFTER) or isinstance(error, LookupError)
    with transaction.atomic():
        # Another filer may have filed it meanwhile: then this failure is of no account.
        waiting = RawMessage.objects.filter(pk=row.pk, state=LetterState.RECEIVED).update(
            state=LetterState.STUCK if final else LetterState.RECEIVED,
            attempts=attempts,
            next_try=None if final else timezone.now() + RETRY_AFTER[attempts - 1],
            reason=reason,
        )
        if final and waiting:
            record("letter.stuck", channel=row.channel, letter=row.pk, reason=reason)


def _file(filings: list[Filing]) -> None:
    for filing in filings:
        filing.bounce = read_bounce(filing.letter)
    desk = look_up(filings)
    for filing in filings:
        run_steps(filing, desk)
        remember(filing, desk)
    point("file-decided")
    write(filings, desk)
    point("file-written")


def run_steps(filing: Filing, desk: Desk) -> None:
    """Every step that has something to say leaves a line in the trail; one that ends the way also leaves the reason."""
    for name, step in STEPS:
        verdict = step(filing, desk)
        if verdict is None:
            continue
        filing.trail.append([name, "on" if filing.let_in else verdict.ends or "on", verdict.words])
        if verdict.ends and not filing.let_in:
            filing.state, filing.reason = verdict.ends, verdict.words
            return


def remember(filing: Filing, desk: Desk) -> None:
    """The next letter of the batch may answer this one."""
    if filing.state != LetterState.FILED:
        return
    message = filing.message = message_of(filing)
    if message.message_id:
        desk.by_message_id.setdefault(message.message_id, message)
    if message.in_reply_to:
        desk.by_parent.setdefault(message.in_reply_to, message)
    case = message.case
    joining = sorted(_participants(filing) - set(case.participants))
    case.participants = sorted(
        [*case.participants, *joining[: max(0, MOST_PARTICIPANTS - len(case.participants))]]
    )
    case.updated = max(case.updated, filing.moment)
    case.preview = message.text[:200] or case.preview


def _participants(filing: Filing) -> set[str]:
    """The writer and those they wrote to take part in a case; nobody else joins by mail."""
    if filing.bounce is not None:
        return set()
    people = {
        filing.from_key,
        *(a.key for a in (*filing.letter.reply_to, *filing.letter.to, *filing.letter.cc)[:200]),
    }
    return {one for one in people if one}
