"""Internal notes: seen by colleagues, never sent."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import Case, Message, MessageKind, OutState, Purpose, User, search
from postroom.models.event import record
from postroom.models.rights import may_see


@transaction.atomic
def add_note(case: Case, *, by: User, text: str) -> Message:
    """Write a note on a case; the author's note draft is gone afterwards."""
    if not may_see(by, case):
        raise NotAllowed("You do not serve the queue of this case.")
    if not text.strip():
        raise Refused(errors={"text": "Write the note first."})
    Message.objects.filter(case=case, author=by, purpose=Purpose.NOTE, state=OutState.DRAFT).delete()
    note = Message.objects.create(
        case=case,
        kind=MessageKind.NOTE,
        author=by,
        from_name=by.name,
        from_address=by.email,
        text=text.strip(),
        purpose=Purpose.NOTE,
    )
    Case.objects.filter(pk=case.pk).update(updated=timezone.now())
    search.index([(note.pk, case.subject, by.name, note.text)])
    record("note.added", actor=by, case=case, queue=case.queue, message=note.pk)
    return note
