"""Which case it belongs to (CA-01): our signed ids, then the ids of letters we hold; never a number in the subject.

A header proves nothing about the writer: who is not a participant of the case gets a new one that is linked to it.
"""

from __future__ import annotations

from datetime import timedelta

from postroom.flow.filing import Desk, Filing, Verdict
from postroom.models import Case, CaseState


def find_case(filing: Filing, desk: Desk) -> Verdict | None:
    """Continue a case, or begin one."""
    _mark_same_id(filing, desk)
    if filing.case is not None:
        return Verdict(f"About {filing.case.reference}")
    found, why = _by_ids(filing, desk)
    if found is None:
        return _begin(filing, "Continues nothing we know")
    if not _takes_part(filing, found, desk):
        filing.linked_to = found
        return _begin(
            filing,
            f"{why} points to {_name(found)}, but {filing.from_key or 'the sender'} takes no part in it",
        )
    if _is_too_old(found, desk):
        filing.linked_to = found
        return _begin(filing, f"{why} points to {_name(found)}, closed too long ago to be reopened")
    filing.case = found
    return Verdict(f"{why}: continues {_name(found)}")


def _takes_part(filing: Filing, case: Case, desk: Desk) -> bool:
    """The writer is one of the case's people. Anybody can write one of our own addresses into From, and it stands in every case:
    it counts only on a message that carries our signature."""
    if filing.from_key in desk.our_addresses:
        return desk.own_message(filing.letter.message_id) is not None
    return filing.from_key in case.participants


def _mark_same_id(filing: Filing, desk: Desk) -> None:
    """Message-IDs are not unique, whatever RFC 5322 says: both letters are kept, and the second says so."""
    other = desk.by_message_id.get(filing.letter.message_id) if filing.letter.message_id else None
    if other is not None and not filing.again and other.channel_id == filing.channel.pk:
        filing.flags.append("dup-id")


def _by_ids(filing: Filing, desk: Desk) -> tuple[Case | None, str]:
    for one in filing.parents:
        if message := desk.own_message(one):
            return message.case, "Our signed id"
    for one in filing.parents:
        if message := desk.by_message_id.get(one):
            return message.case, "The letter it answers"
    # Mail does not arrive in order: an answer may have come before the letter it answers.
    if filing.letter.message_id and (message := desk.by_parent.get(filing.letter.message_id)):
        return message.case, "A letter that answers it"
    return None, ""


def _is_too_old(case: Case, desk: Desk) -> bool:
    if case.state != CaseState.CLOSED or case.queue is None or case.closed is None:
        return False
    return case.closed < desk.now - timedelta(days=case.queue.reopen_days)


def _begin(filing: Filing, words: str) -> Verdict:
    subject = " ".join(filing.letter.subject.split())[:400]
    filing.case = Case(
        subject=subject,
        contact=filing.contact,
        channel=filing.channel,
        linked_to=filing.linked_to,
        created=filing.moment,
        updated=filing.moment,
    )
    return Verdict(f"{words}: a new case")


def _name(case: Case) -> str:
    return f"case {case.reference}" if case.pk else "a case of this batch"
