"""What a bounce changes: the recipients of the message it is about (CA-10)."""

from __future__ import annotations

from django.utils import timezone

from postroom.flow.parsed import plain
from postroom.mail.bounces import Bounce
from postroom.models import Message, OutState, Recipient, RecipientState
from postroom.models.event import record

BY_ACTION = {
    "failed": RecipientState.BOUNCED,
    "delayed": RecipientState.DELAYED,
    "delivered": RecipientState.DELIVERED,
    "relayed": RecipientState.ACCEPTED,
    "expanded": RecipientState.DELIVERED,
}
"""Final or not is read from Action, not from the status class: final failures with 4.x exist."""


ENDED = (OutState.SENT, OutState.PARTIAL, OutState.FAILED, OutState.UNKNOWN)


def apply_bounce(bounce: Bounce, original: Message, report: Message | None) -> None:
    """Write the report's verdict on each recipient it names, and on the message as a whole."""
    mine = {r.address.lower(): r for r in original.recipients.all()}
    for one in bounce.recipients:
        state = BY_ACTION.get(one.action)
        row = (
            mine.get(one.address.lower())
            or mine.get(one.original.lower())
            or (next(iter(mine.values())) if len(mine) == 1 else None)
        )
        if (
            row is None
            or state is None
            or (row.state == RecipientState.BOUNCED and state == RecipientState.DELAYED)
        ):
            continue
        Recipient.objects.filter(pk=row.pk).update(
            state=state, status=plain(one.status, 12), line=plain(one.diagnostic, 500), changed=timezone.now()
        )
        row.state = state
    bounced = [r.address for r in mine.values() if r.state == RecipientState.BOUNCED]
    if bounced:
        original.flags = sorted({*original.flags, "bounced"})
        Message.objects.filter(pk=original.pk).update(flags=original.flags)
        ended_as = OutState.FAILED if len(bounced) == len(mine) else OutState.PARTIAL
        # A message that is still on its way to others goes on; its end will say what became of each.
        Message.objects.filter(pk=original.pk, state__in=ENDED).update(
            state=ended_as, error=f"Returned by the other side: {', '.join(bounced)}"[:500]
        )
        record(
            "message.bounced",
            case=original.case,
            queue=original.case.queue,
            user=original.author,
            message=original.pk,
            report=report and report.pk,
        )
