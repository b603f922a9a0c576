"""What happens on the server to letters that are committed here: marked, moved or deleted. Nothing is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from postroom.conf.crash import point
from postroom.connectors.base import Inbox, Ref, Settle
from postroom.models import AfterCollect, Channel, ChannelFolder, RawMessage


def settle(
    channel: Channel,
    folder: ChannelFolder,
    inbox: Inbox,
    rows: Sequence[RawMessage],
    names: Mapping[str, str] | None = None,
) -> None:
    """Mark, move or delete on the server what is committed here; rows it fails on are tried again at the next visit.

    `names` are the server's own names of letters that are told apart by their bytes.
    """
    how = AfterCollect(channel.after_collect)
    due = [
        row
        for row in rows
        if not row.settled and row.blob and not row.partial and row.validity == folder.validity
    ]
    if how == AfterCollect.DELETE_LATER:
        due = [row for row in due if row.collected < deleted_before(channel)]
    if not due:
        return
    order = Settle.DELETE if how == AfterCollect.DELETE_LATER else Settle(how)
    # A protocol without marks or folders (POP3) leaves the letter; the ledger knows it by its UIDL.
    if (
        (order == Settle.MARK_READ and inbox.can_mark)
        or (order == Settle.MOVE and inbox.can_move)
        or order == Settle.DELETE
    ):
        inbox.settle([Ref((names or {}).get(row.uid, row.uid)) for row in due], order, folder=channel.move_to)
    point("receive-settled")
    RawMessage.objects.filter(pk__in=[row.pk for row in due if row.pk]).update(settled=True)


def delete_again(channel: Channel, inbox: Inbox, letters: list[tuple[RawMessage, Ref]]) -> None:
    """Letters we have, found again by their bytes: due to be deleted by now, or deleted in a visit that broke off."""
    if channel.after_collect in (AfterCollect.DELETE, AfterCollect.DELETE_LATER):
        before = deleted_before(channel)
        due = [ref for row, ref in letters if row.blob and not row.partial and row.collected < before]
        inbox.settle(due, Settle.DELETE)


def deleted_before(channel: Channel) -> datetime:
    """Letters collected before this moment are to be deleted on the server."""
    days = channel.delete_days if channel.after_collect == AfterCollect.DELETE_LATER else 0
    return timezone.now() - timedelta(days=days)


def settle_outstanding(channel: Channel, folder: ChannelFolder, inbox: Inbox) -> None:
    """Finish what an earlier visit could not: it died between its commit and the mark on the server."""
    if channel.after_collect == AfterCollect.LEAVE:
        return
    rows = RawMessage.objects.filter(
        channel=channel, folder=folder.name, validity=folder.validity, settled=False
    )
    # Where only the bytes tell letters apart, the server's name of one is known while it is read.
    rows = rows.exclude(uid=F("sha256")).order_by("id")[:1000]
    settle(channel, folder, inbox, list(rows))
