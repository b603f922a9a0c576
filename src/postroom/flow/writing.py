"""Writing what the steps decided: a batch of letters with a handful of statements, inside the caller's transaction."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.utils import timezone

from postroom.flow.bounced import apply_bounce
from postroom.flow.filing import Desk, Filing
from postroom.flow.parsed import attachments_of, in_utc
from postroom.models import ContactAddress, Interaction, LetterState, Message, bulk, search
from postroom.models.event import record_many

CASE_COLUMNS = ("state", "closed", "participants", "preview", "updated", "has_attachment", "queue")


class LetterMoved(RuntimeError):
    """Another filer was faster with one of these letters; nothing of this batch is written."""


def write(filings: list[Filing], desk: Desk) -> None:
    """All rows of a batch. Raises on any failure: the caller's transaction then writes nothing."""
    filed = [f for f in filings if f.state == LetterState.FILED]
    _unindex([f for f in filed if f.again])
    _write_contacts(filed)
    _write_cases(filed)
    _write_messages(filed)
    _write_interactions(filed)
    for filing in filed:
        if filing.bounce and filing.bounced:
            apply_bounce(filing.bounce, filing.bounced, filing.message)
    _index(filed)
    _write_ledger(filings)
    record_many([_event(f) for f in filings])


def _write_contacts(filed: list[Filing]) -> None:
    new: dict[int, Filing] = {
        id(f.contact): f for f in reversed(filed) if f.contact is not None and f.contact.pk is None
    }
    bulk.insert([f.contact for f in new.values() if f.contact])
    bulk.insert(
        [
            ContactAddress(contact=f.contact, address=f.letter.from_.address[:320], key=f.from_key[:320])
            for f in new.values()
            if f.letter.from_
        ]
    )


def _write_cases(filed: list[Filing]) -> None:
    cases = {id(f.case): f.case for f in filed if f.case is not None}
    for f in filed:
        if f.case is not None and f.letter.attachments:
            f.case.has_attachment = True
    new = [case for case in cases.values() if case.pk is None]
    known = [case for case in cases.values() if case.pk is not None]
    bulk.insert(new)
    bulk.update(known, CASE_COLUMNS)


def _write_messages(filed: list[Filing]) -> None:
    bulk.insert([f.message for f in filed if f.message is not None and not f.again])
    for filing in filed:
        if filing.again and filing.message is not None:
            filing.message.save()
            filing.message.attachments.all().delete()
    bulk.insert([one for f in filed for one in attachments_of(f)])


def _write_interactions(filed: list[Filing]) -> None:
    mine = {id(f.interaction): f.interaction for f in filed if f.interaction is not None}
    joined = [i.pk for i in mine.values() if i.pk is not None]
    bulk.insert([i for i in mine.values() if i.pk is None])
    Interaction.objects.filter(pk__in=joined).update(unread=True)


def _unindex(again: list[Filing]) -> None:
    """The rest of a large letter has come: its words so far make way for all of them."""
    before = Message.objects.filter(letter_id__in=[f.row.pk for f in again]) if again else []
    search.remove([_entry(message) for message in before])


def _index(filed: list[Filing]) -> None:
    search.index([_entry(f.message) for f in filed if f.message is not None])


def _entry(message: Message) -> search.Entry:
    return message.pk, message.subject, _people(message), f"{message.text}\n{message.folded}"


def _people(message: Message) -> str:
    everybody = [
        {"name": message.from_name, "address": message.from_address},
        *message.to[:50],
        *message.cc[:50],
    ]
    return " ".join(f"{p['name']} {p['address']}" for p in everybody)


LEDGER = """
UPDATE post_rawmessage SET state = %s, reason = %s, filed = %s, subject = %s, sender = %s, message_id = %s, sent = %s, trail = %s, next_try = NULL
WHERE id = %s AND state = 'received'
"""


def _write_ledger(filings: list[Filing]) -> None:
    now = timezone.now()
    moment = connection.ops.adapt_datetimefield_value
    values = [
        (
            f.state, f.reason[:500], moment(now), _short(f.letter.subject, 400), f.from_key[:254], _short(f.letter.message_id, 998),
            moment(sent) if (sent := in_utc(f.letter.date)) else None, json.dumps([*f.row.trail, *f.trail]), f.row.pk,
        )
        for f in filings
    ]  # fmt: skip
    with connection.cursor() as cursor:
        changed = 0
        cursor.executemany(LEDGER, values)
        changed = cursor.rowcount
    # The state in the WHERE clause is the last defence against two filers.
    if changed not in (-1, len(values)):
        raise LetterMoved(f"{len(values) - changed} letters were filed by somebody else")


def _short(text: str, most: int) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:most]


def _event(f: Filing) -> tuple[str, dict[str, Any]]:
    facts: dict[str, Any] = {"channel": f.channel, "letter": f.row.pk}
    if f.state != LetterState.FILED:
        return f"letter.{f.state}", {**facts, "reason": f.reason}
    interaction = f.interaction
    facts |= {
        "case": f.case,
        "queue": f.queue,
        "interaction": interaction,
        "message": f.message.pk if f.message else None,
    }
    if interaction is not None and interaction.agent_id:
        facts["user"] = interaction.agent
    return "letter.filed", facts
