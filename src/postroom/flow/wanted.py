"""The whole of letters that a person asked for: those of which only the head was kept, or that the server would not give."""

from __future__ import annotations

from postroom.connectors.base import ConnectorError, Inbox, Kind, Ref
from postroom.flow.numbering import by_bytes
from postroom.flow.parsed import plain
from postroom.flow.suspects import BREAKS_OFF, Suspects
from postroom.models import AfterCollect, Channel, ChannelFolder, LetterState, RawMessage, bell
from postroom.models.blob import blobs


def fetch_wanted(channel: Channel, folder: ChannelFolder, inbox: Inbox, suspects: Suspects) -> None:
    """Read the whole of letters that a person asked for, however large. One the server will not give is given up."""
    for row in RawMessage.objects.filter(channel=channel, folder=folder.name, wanted=True)[:20]:
        ref = Ref(row.uid, row.size)
        if row.validity != folder.validity:
            _keep_head(row, "The server has renumbered its letters; the rest of this one cannot be found")
        elif row.uid == row.sha256 or by_bytes(folder, inbox, ref):
            _keep_head(
                row, "The server gives its letters no lasting names; the rest of this one cannot be found"
            )
        elif suspects.is_hopeless(folder, ref):
            _keep_head(row, BREAKS_OFF)
        else:
            _fetch_whole(row, folder, ref, inbox, suspects)


def _fetch_whole(row: RawMessage, folder: ChannelFolder, ref: Ref, inbox: Inbox, suspects: Suspects) -> None:
    try:
        for one in inbox.read([ref]):
            _replace(row, one.raw)
    except ConnectorError as error:
        if error.kind == Kind.MESSAGE:
            _keep_head(row, error.text)
            return
        suspects.blame(folder, ref)
        raise


def _keep_head(row: RawMessage, reason: str) -> None:
    RawMessage.objects.filter(pk=row.pk).update(wanted=False, reason=plain(reason, 500))


def _replace(row: RawMessage, raw: bytes | None) -> None:
    if raw is None:
        RawMessage.objects.filter(pk=row.pk).update(
            wanted=False, reason="Is no longer on the server; only its head is kept"
        )
        return
    reference, digest = blobs().store(raw)
    RawMessage.objects.filter(pk=row.pk).update(
        blob=reference,
        sha256=digest.hex(),
        size=len(raw),
        partial=False,
        wanted=False,
        state=LetterState.RECEIVED,
        reason="",
        next_try=None,
        # Now that the whole of it is here, it may be marked, moved or deleted like the others.
        settled=not row.channel or row.channel.after_collect == AfterCollect.LEAVE,
    )
    bell.ring()
