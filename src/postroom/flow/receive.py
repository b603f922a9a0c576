"""Receiving: list -> read -> store raw -> one transaction {ledger rows, cursor} -> only then mark, move or delete there.

Every letter that is listed gets exactly one ledger row, and the cursor of a folder never passes one that has none (RX-03).
Nothing is parsed here; a letter cannot be so odd that it stops its mailbox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from postroom.conf.crash import point
from postroom.connectors.base import ConnectorError, Fetched, FolderState, Inbox, Kind, Ref, Settle, chunks
from postroom.flow.folders import folders_to_collect
from postroom.flow.numbering import settle_new_numbering
from postroom.flow.parsed import plain
from postroom.flow.space import refuse_without_space
from postroom.models import AfterCollect, Channel, ChannelFolder, LetterState, RawMessage, Start, bell, bulk
from postroom.models.blob import blobs

BATCH_LETTERS = 200
BATCH_BYTES = 8 * 1024 * 1024
LIST_LETTERS = 5000
HEAD_BYTES = 256 * 1024
EVERY_LETTER = 2**62
"""A baseline above every number: what lay there before is told by the moment it arrived alone."""
BREAKS_OFF = "The server breaks off whenever this letter is read"
NOT_GIVEN = "The server listed this letter, but neither gave nor refused it"
BEFORE_START = "Lay in the mailbox before the chosen start"
FIRST_LISTING_DONE = 1
"""In the baseline of a folder without numbers: the letters that lay there at first have been dealt with."""
MOST_TRIES = 3
"""Attempts at one letter that the server breaks off at, before it is put aside and the rest go on."""


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


@dataclass
class Suspects:
    """Letters at which the connection broke, by (folder, validity, uid), with the number of times."""

    tries: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def blame(self, folder: ChannelFolder, ref: Ref) -> None:
        """Remember that reading this letter failed."""
        key = (folder.name, folder.validity, ref.uid)
        self.tries[key] = self.tries.get(key, 0) + 1

    def is_hopeless(self, folder: ChannelFolder, ref: Ref) -> bool:
        """True when it has failed often enough to be put aside."""
        return self.tries.get((folder.name, folder.validity, ref.uid), 0) >= MOST_TRIES

    def any_in(self, folder: ChannelFolder) -> bool:
        """True if letters of this folder must be read one by one to find the bad one."""
        return any(name == folder.name for name, _, _ in self.tries)


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
    digests = _digests(inbox, [ref for ref in refs if _by_bytes(folder, inbox, ref)])
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


def _by_bytes(folder: ChannelFolder, inbox: Inbox, ref: Ref) -> bool:
    """True where the server's name of a letter holds for one session only, so that the bytes alone tell letters apart:
    POP3 without usable UIDLs (`?1`), and IMAP without UIDVALIDITY."""
    return ref.uid.startswith("?") or (inbox.can_folders and not folder.validity)


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
    named = [ref for ref in refs if not _by_bytes(folder, inbox, ref)]
    if channel.after_collect in (AfterCollect.DELETE, AfterCollect.DELETE_LATER):
        # POP3 deletes at QUIT; a connection lost before it leaves letters that we have: delete those again.
        # Never one that was left alone by choice, or of which we have the head only.
        ours = rows.filter(settled=True, partial=False, collected__lt=_deleted_before(channel)).exclude(
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
    for some, read in _ways(channel, inbox, wanted):
        try:
            for one, whole in read(some):
                told.add(one.ref.uid)
                by_bytes = _by_bytes(folder, inbox, one.ref)
                if by_bytes and (old := _known_by_bytes(channel, one)):
                    again.append((old, one.ref))
                    continue
                row = _store(channel, folder, one, whole)
                if by_bytes:
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
        _delete_again(channel, inbox, again)
    except ConnectorError as error:
        _postpone(done, error)


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


Read = Callable[[Sequence[Ref]], Iterator[tuple[Fetched, bool]]]


def _ways(channel: Channel, inbox: Inbox, refs: Sequence[Ref]) -> Iterator[tuple[list[Ref], Read]]:
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
    if folder.validity:
        folder.cursor = max(int(ref.uid) for ref in refs)
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
        due = [row for row in due if row.collected < _deleted_before(channel)]
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


def _delete_again(channel: Channel, inbox: Inbox, letters: list[tuple[RawMessage, Ref]]) -> None:
    """Letters we have, found again by their bytes: due to be deleted by now, or deleted in a visit that broke off."""
    if channel.after_collect in (AfterCollect.DELETE, AfterCollect.DELETE_LATER):
        before = _deleted_before(channel)
        due = [ref for row, ref in letters if row.blob and not row.partial and row.collected < before]
        inbox.settle(due, Settle.DELETE)


def _deleted_before(channel: Channel) -> datetime:
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


def fetch_wanted(channel: Channel, folder: ChannelFolder, inbox: Inbox, suspects: Suspects) -> None:
    """Read the whole of letters that a person asked for, however large. One the server will not give is given up."""
    for row in RawMessage.objects.filter(channel=channel, folder=folder.name, wanted=True)[:20]:
        ref = Ref(row.uid, row.size)
        if row.validity != folder.validity:
            _keep_head(row, "The server has renumbered its letters; the rest of this one cannot be found")
        elif row.uid == row.sha256 or _by_bytes(folder, inbox, ref):
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
