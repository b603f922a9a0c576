"""Turning what is being written into another kind: a reply into a reply to all or a forward, and back."""

from __future__ import annotations

from django.db import transaction

from postroom.actions.drafts import own_draft
from postroom.actions.refusals import Refused
from postroom.models import Attachment, Message, OutState, Purpose, User

MODES = (Purpose.REPLY, Purpose.REPLY_ALL, Purpose.FORWARD)


@transaction.atomic
def change_mode(draft: Message, *, by: User, purpose: str) -> Message:
    """Make a draft a reply, reply to all or forward. A forward carries the files of the letter; a reply does not."""
    if purpose not in MODES:
        raise Refused(errors={"mode": f"Choose one of: {', '.join(MODES)}."})
    locked = own_draft(draft, by)
    if locked.purpose == purpose:
        return locked
    other = Message.objects.filter(
        case=locked.case_id, author=by, purpose=purpose, state=OutState.DRAFT
    ).exclude(pk=locked.pk)
    if other.exists():
        raise Refused(errors={"mode": "You have another draft of this kind here. Send or discard it first."})
    if locked.purpose == Purpose.FORWARD:
        locked.attachments.filter(blob__startswith="letter:").delete()
    locked.purpose = purpose
    locked.save(update_fields=["purpose"])
    if purpose == Purpose.FORWARD and locked.answers:
        _carry_files(locked.answers, locked)
    return locked


def _carry_files(source: Message, draft: Message) -> None:
    last = draft.attachments.order_by("-position").values_list("position", flat=True).first()
    start = 0 if last is None else last + 1
    for n, one in enumerate(source.attachments.all()):
        Attachment.objects.create(
            message=draft,
            position=start + n,
            name=one.name,
            type=one.type,
            size=one.size,
            inline=one.inline,
            content_id=one.content_id,
            blob=one.blob or f"letter:{source.letter_id}:{one.position}",
        )
