"""Receiving: list -> read -> store raw -> one transaction {ledger rows, cursor} -> only then mark, move or delete there.

Every letter that is listed gets exactly one ledger row, and the cursor of a folder never passes one that has none (RX-03).
Nothing is parsed here; a letter cannot be so odd that it stops its mailbox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from postroom.conf.crash import point
from postroom.connectors.base import ConnectorError, Fetched, FolderState, Inbox, Kind, Ref, Settle, chunks
from postroom.flow.folders import folders_to_collect
from postroom.flow.numbering import by_bytes, settle_new_numbering
from postroom.flow.parsed import plain
from postroom.flow.settle import delete_again, deleted_before, settle, settle_outstanding
from postroom.flow.space import refuse_without_space
from postroom.flow.suspects import BREAKS_OFF, Suspects
from postroom.flow.wanted import fetch_wanted
from postroom.models import AfterCollect, Channel, ChannelFolder, LetterState, RawMessage, Start, bell, bulk
from postroom.models.blob import blobs

BATCH_LETTERS = 200
BATCH_BYTES = 8 * 1024 * 1024
LIST_LETTERS = 5000
HEAD_BYTES = 256 * 1024
EVERY_LETTER = 2**62
"""A baseline above every number: what lay there before is told by the moment it arrived alone."""
NOT_GIVEN = "The server listed this letter, but neither gave nor refused it"
BEFORE_START = "Lay in the mailbox before the chosen start"
FIRST_LISTING_DONE = 1
"""In the baseline of a folder without numbers: the letters that lay there at first have been dealt with."""


@dataclass
class Collected:
    """What one visit brought: counts by fate, for the log and the health."""

    stored: int = 0
    duplicates: int = 0
    gone: int = 0
    stuck: int = 0
    ignored: int = 0
    trouble: ConnectorError | None = None
    """A setting that is wrong for one folder or for what follows collecting: told at the end, when all else is collected."""

    @property
    def any(self) -> bool:
        """True if there is something to file."""
        return bool(self.stored or self.stuck)


def collect(channel: Channel, inbox: Inbox, suspects: Suspects | None = None) -> Collected:
    """Collect everything new of a channel through a connected inbox. Raises ConnectorError; what was stored stays stored."""
    done = Collected()
    refuse_without_space()
    first = channel.folders.order_by("opened").first()
    connected = first.opened if first else None
    for name in folders_to_collect(channel, inbox):
        try:
            state = inbox.open(name)
        except ConnectorError as error:
            _postpone(done, error)
            continue
        folder = _folder(channel, name, state, connected)
        _collect_folder(channel, inbox, folder, state, done, suspects or Suspects())
    if done.trouble is not None:
        raise done.trouble
    return done


def _postpone(done: Collected, error: ConnectorError) -> None:
    """A wrong setting is told when everything else is collected; any other trouble ends the visit."""
    if error.kind != Kind.CONFIGURATION:
        raise error
    done.trouble = done.trouble or error


def _collect_folder(
    channel: Channel,
    inbox: Inbox,
    folder: ChannelFolder,
    state: FolderState,
    done: Collected,
    suspects: Suspects,
) -> None:
    if folder.validity != state.validity:
        settle_new_numbering(channel, folder, state.validity)
    if not state.validity and not folder.baseline and channel.start == Start.NONE:
        _leave_alone(channel, folder, inbox)
    if not state.validity:
        inbox.list()  # POP3 numbers letters anew in each session: it must be listed before anything is read or deleted.
    try:
        settle_outstanding(channel, folder, inbox)
    except ConnectorError as error:
        _postpone(done, error)
    while True:
        listed = _new_refs(channel, folder, inbox)
        left = len(listed)
        for batch in _batches(listed, folder, suspects):
            tell_waiting(channel, left)
            _collect_batch(channel, folder, inbox, batch, done, suspects)
            left -= len(batch)
        tell_waiting(channel, left)
        if len(listed) < LIST_LETTERS:
            break
    if not state.validity and not folder.baseline:
        folder.baseline = FIRST_LISTING_DONE
        folder.save(update_fields=["baseline"])
    fetch_wanted(channel, folder, inbox, suspects)  # last: what is new must not wait for what is large


def tell_waiting(channel: Channel, letters: int) -> None:
    """How many letters the server still holds for us, for the administrator; not written for the odd letter."""
    shown = letters if letters > BATCH_LETTERS else 0
    if channel.waiting_on_server != shown:
        channel.waiting_on_server = shown
        Channel.objects.filter(pk=channel.pk).update(waiting_on_server=shown)


@transaction.atomic
def _leave_alone(channel: Channel, folder: ChannelFolder, inbox: Inbox) -> None:
    """POP3 tells neither dates nor numbers: what the first listing shows is what lay there before."""
    refs = inbox.list()
    digests = _digests(inbox, [ref for ref in refs if by_bytes(folder, inbox, ref)])
    rows = [
        _row(
            channel,
            folder,
            ref,
            uid=digests.get(ref.uid, ref.uid),
            state=LetterState.IGNORED,
            reason=BEFORE_START,
            settled=True,
        )
        for ref in refs
    ]
    bulk.insert(list({row.uid: row for row in rows}.values()))
    folder.baseline = FIRST_LISTING_DONE
    folder.save(update_fields=["baseline"])


def _digests(inbox: Inbox, refs: Sequence[Ref]) -> dict[str, str]:
    return {
        one.ref.uid: hashlib.sha256(one.raw).hexdigest() for one in inbox.read(refs) if one.raw is not None
    }


def _batches(refs: list[Ref], folder: ChannelFolder, suspects: Suspects) -> Iterator[list[Ref]]:
    count = 1 if suspects.any_in(folder) else BATCH_LETTERS
    yield from chunks(refs, count=count, size=BATCH_BYTES)


@transaction.atomic
def _folder(channel: Channel, name: str, state: FolderState, connected: datetime | None) -> ChannelFolder:
    """The folder's row; at the first visit it starts where the administrator chose.

    `connected` is when the first folder of the channel was opened: of a folder that appears later, letters count as new
    from then on, since a rule of the server may have filed them there before we look.
    """
    found = ChannelFolder.objects.filter(channel=channel, name=name).first()
    if found:
        return found
    cursor = baseline = 0
    if channel.start == Start.NONE and state.validity:
        cursor = baseline = (state.next_uid or 1) - 1
        if state.next_uid is None or (connected and channel.all_folders):
            cursor, baseline = 0, EVERY_LETTER  # Not by number: by the moment it arrived.
    return ChannelFolder.objects.create(
        channel=channel,
        name=name,
        validity=state.validity,
        cursor=cursor,
        baseline=baseline,
        opened=(connected if channel.all_folders else None) or timezone.now(),
    )


def _new_refs(channel: Channel, folder: ChannelFolder, inbox: Inbox) -> list[Ref]:
    if folder.validity:
        return [
            ref for ref in inbox.list(after=folder.cursor, limit=LIST_LETTERS) if int(ref.uid) > folder.cursor
        ]
    refs = inbox.list()
    rows = RawMessage.objects.filter(channel=channel, folder=folder.name, validity="")
    known = set(rows.values_list("uid", flat=True))
    named = [ref for ref in refs if not by_bytes(folder, inbox, ref)]
    if channel.after_collect in (AfterCollect.DELETE, AfterCollect.DELETE_LATER):
        # POP3 deletes at QUIT; a connection lost before it leaves letters that we have: delete those again.
        # Never one that was left alone by choice, or of which we have the head only.
        ours = rows.filter(settled=True, partial=False, collected__lt=deleted_before(channel)).exclude(
            blob=""
        )
        deleted = set(ours.values_list("uid", flat=True))
        inbox.settle([ref for ref in named if ref.uid in deleted], Settle.DELETE)
    return [ref for ref in refs if ref.uid not in known or ref not in named][:LIST_LETTERS]


def _collect_batch(
    channel: Channel,
    folder: ChannelFolder,
    inbox: Inbox,
    refs: list[Ref],
    done: Collected,
    suspects: Suspects,
) -> None:
    skipped = [ref for ref in refs if _before_start(channel, folder, ref)]
    hopeless = [ref for ref in refs if ref not in skipped and suspects.is_hopeless(folder, ref)]
    wanted = [ref for ref in refs if ref not in skipped and ref not in hopeless]
    rows = [
        _row(channel, folder, ref, state=LetterState.IGNORED, reason=BEFORE_START, settled=True)
        for ref in skipped
    ]
    rows += [_stuck(channel, folder, ref, BREAKS_OFF) for ref in hopeless]
    names = {row.uid: row.uid for row in rows}
    told: set[str] = set()
    again: list[tuple[RawMessage, Ref]] = []
    refuse_without_space()
    for some, fetch in _read(channel, inbox, wanted):
        try:
            for one, whole in fetch(some):
                told.add(one.ref.uid)
                is_unnamed = by_bytes(folder, inbox, one.ref)
                if is_unnamed and (old := _known_by_bytes(channel, one)):
                    again.append((old, one.ref))
                    continue
                row = _store(channel, folder, one, whole)
                if is_unnamed:
                    row.uid = row.sha256 or one.ref.uid
                names[row.uid] = one.ref.uid
                rows.append(row)
        except ConnectorError as error:
            blamed = _blame(channel, folder, some, error, suspects)
            told.update(row.uid for row in blamed)
            rows += blamed
    # The cursor passes all that were listed, so each must have its row, whatever the server left out.
    rows += [_stuck(channel, folder, ref, NOT_GIVEN) for ref in wanted if ref.uid not in told]
    point("receive-read")
    blobs().sync()
    point("receive-synced")
    _commit(channel, folder, refs, rows, done)
    point("receive-committed")
    try:
        settle(channel, folder, inbox, rows, names)
        delete_again(channel, inbox, again)
    except ConnectorError as error:
        _postpone(done, error)


def collect_refs(channel: Channel, folder: ChannelFolder, inbox: Inbox, refs: list[Ref]) -> None:
    """Collect these letters of the open folder, wherever the cursor stands: what reconciliation found missing."""
    _collect_batch(channel, folder, inbox, refs, Collected(), Suspects())


def _stuck(channel: Channel, folder: ChannelFolder, ref: Ref, reason: str) -> RawMessage:
    return _row(channel, folder, ref, state=LetterState.STUCK, reason=plain(reason, 500))


def _blame(
    channel: Channel, folder: ChannelFolder, wanted: list[Ref], error: ConnectorError, suspects: Suspects
) -> list[RawMessage]:
    """Ledger rows for the letters an error is about; raises it again when it is not about single letters."""
    if error.kind == Kind.MESSAGE and (error.uids or len(wanted) == 1):
        about = [ref for ref in wanted if ref.uid in error.uids] or wanted
        return [_stuck(channel, folder, ref, error.text) for ref in about]
    # Only a letter read alone can be blamed; the next visit reads one by one.
    if wanted:
        suspects.blame(folder, wanted[0])
    raise error


def _known_by_bytes(channel: Channel, one: Fetched) -> RawMessage | None:
    """The row of a letter that the server has no lasting name for."""
    if one.raw is None:
        return None
    return RawMessage.objects.filter(channel=channel, uid=hashlib.sha256(one.raw).hexdigest()).first()


def _before_start(channel: Channel, folder: ChannelFolder, ref: Ref) -> bool:
    if ref.arrived is None or channel.start == Start.ARCHIVE:
        return False
    if channel.start == Start.SINCE:
        return bool(channel.start_since and ref.arrived < channel.start_since)
    return ref.arrived < folder.opened - timedelta(seconds=2) and int(ref.uid) <= folder.baseline


Fetch = Callable[[Sequence[Ref]], Iterator[tuple[Fetched, bool]]]


def _read(channel: Channel, inbox: Inbox, refs: Sequence[Ref]) -> Iterator[tuple[list[Ref], Fetch]]:
    """Small letters are read whole, together; of each large one the head. A refusal of one does not touch the others."""
    small = [ref for ref in refs if (ref.size or 0) <= channel.max_size]
    yield small, lambda some: ((one, True) for one in inbox.read(some))
    for ref in refs:
        if (ref.size or 0) > channel.max_size:
            # An empty head is that of a letter which is gone.
            yield (
                [ref],
                lambda some: iter([(Fetched(some[0], inbox.head(some[0], HEAD_BYTES) or None), False)]),
            )


def _store(channel: Channel, folder: ChannelFolder, one: Fetched, whole: bool) -> RawMessage:
    if one.raw is None:
        return _row(
            channel,
            folder,
            one.ref,
            state=LetterState.GONE,
            reason="Was gone from the server before it could be read",
            settled=True,
        )
    reference, digest = blobs().append(one.raw)
    return _row(
        channel, folder, one.ref, blob=reference, sha256=digest.hex(), size=one.ref.size or len(one.raw), partial=not whole,
        archive=channel.start == Start.ARCHIVE and _lay_there(folder, one.ref),
    )  # fmt: skip


def _lay_there(folder: ChannelFolder, ref: Ref) -> bool:
    """True for a letter that was in the mailbox when it was connected: only those are an archive."""
    return ref.arrived <= folder.opened if ref.arrived else not folder.baseline


def _row(channel: Channel, folder: ChannelFolder, ref: Ref, **facts: object) -> RawMessage:
    row = RawMessage(
        channel=channel,
        folder=folder.name,
        validity=folder.validity,
        uid=ref.uid,
        arrived=ref.arrived,
        size=ref.size or 0,
    )
    # A letter of which only the head is kept stays as it is on the server: the rest may be wanted.
    row.settled = channel.after_collect == AfterCollect.LEAVE or bool(facts.get("partial"))
    for name, value in facts.items():
        setattr(row, name, value)
    return row


@transaction.atomic
def _commit(
    channel: Channel, folder: ChannelFolder, refs: list[Ref], rows: list[RawMessage], done: Collected
) -> None:
    """Ledger rows and cursor in one transaction; letters whose bytes we have already are told apart here."""
    newest = max(int(ref.uid) for ref in refs) if folder.validity else 0
    # Letters that reconciliation found below the cursor do not move it.
    if newest > folder.cursor:
        folder.cursor = newest
        # The name of the row says which numbering we believe in: a change in between makes this write nothing.
        moved = ChannelFolder.objects.filter(
            pk=folder.pk, validity=folder.validity, cursor__lt=folder.cursor
        ).update(cursor=folder.cursor)
        if not moved:
            raise ConnectorError(
                "The folder was collected by another host at the same time.", kind=Kind.TRANSIENT
            )
    fresh = _sort_out_known(channel, folder, rows)
    bulk.insert(fresh)
    point("receive-written")
    for row in fresh:
        _count(done, row)
    transaction.on_commit(bell.ring)


def _sort_out_known(channel: Channel, folder: ChannelFolder, rows: list[RawMessage]) -> list[RawMessage]:
    """New rows to write. The same bytes under an old numbering are the same letter; under this one, a duplicate of it."""
    rows = _without_listed(channel, folder, rows)
    digests = [row.sha256 for row in rows if row.sha256]
    known: dict[str, RawMessage] = {}
    for old in RawMessage.objects.filter(channel=channel, sha256__in=digests).order_by("-id"):
        known[old.sha256] = old
    fresh: list[RawMessage] = []
    for row in rows:
        old_row = (known.get(row.sha256) or _whole_of(row)) if row.sha256 else None
        if old_row is None:
            if row.sha256:
                known[row.sha256] = row
            fresh.append(row)
        elif old_row.pk and old_row.folder == folder.name and old_row.validity != folder.validity:
            RawMessage.objects.filter(pk=old_row.pk).update(validity=row.validity, uid=row.uid)
            old_row.validity = row.validity
        else:
            row.state, row.reason = LetterState.DUPLICATE, "The same bytes are here already"
            row.duplicate_of = old_row
            fresh.append(row)
    return fresh


def _without_listed(channel: Channel, folder: ChannelFolder, rows: list[RawMessage]) -> list[RawMessage]:
    """Only letters that are told apart by their bytes, or cannot be read, come up again under a name that has a row."""
    unique = list({row.uid: row for row in rows}.values())
    listed = RawMessage.objects.filter(
        channel=channel, folder=folder.name, validity=folder.validity, uid__in=[row.uid for row in unique]
    )
    names = set(listed.values_list("uid", flat=True))
    return [row for row in unique if row.uid not in names]


def _whole_of(head: RawMessage) -> RawMessage | None:
    """A letter that was fetched whole before its folder was renumbered, found again by its head."""
    if not head.partial:
        return None
    wholes = RawMessage.objects.filter(
        channel=head.channel, folder=head.folder, size=head.size, partial=False
    )
    start = blobs().read(head.blob)
    for old in wholes.exclude(validity=head.validity).exclude(blob="")[:20]:
        if blobs().read(old.blob).startswith(start):
            return old
    return None


def _count(done: Collected, row: RawMessage) -> None:
    names = {
        LetterState.RECEIVED: "stored",
        LetterState.DUPLICATE: "duplicates",
        LetterState.GONE: "gone",
        LetterState.STUCK: "stuck",
    }
    name = names.get(LetterState(row.state), "ignored")
    setattr(done, name, getattr(done, name) + 1)
