"""Receiving: list -> read -> store raw -> one transaction {ledger rows, cursor} -> only then mark, move or delete there.

Every letter that is listed gets exactly one ledger row, and the cursor of a folder never passes one that has none (RX-03).
Nothing is parsed here; a letter cannot be so odd that it stops its mailbox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from postroom.conf.crash import point
from postroom.connectors.base import ConnectorError, Fetched, FolderState, Inbox, Kind, Ref, Settle, chunks
from postroom.flow.folders import folders_to_collect
from postroom.flow.numbering import settle_new_numbering
from postroom.flow.parsed import plain
from postroom.models import AfterCollect, Channel, ChannelFolder, LetterState, RawMessage, Start, bell, bulk
from postroom.models.blob import blobs

BATCH_LETTERS = 200
BATCH_BYTES = 8 * 1024 * 1024
LIST_LETTERS = 5000
HEAD_BYTES = 256 * 1024
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
    for name in folders_to_collect(channel, inbox):
        _collect_folder(channel, inbox, name, done, suspects or Suspects())
    return done


def _collect_folder(channel: Channel, inbox: Inbox, name: str, done: Collected, suspects: Suspects) -> None:
    state = inbox.open(name)
    folder = _folder(channel, name, state)
    if folder.validity != state.validity:
        settle_new_numbering(channel, folder, state.validity)
    if not state.validity and not folder.baseline and channel.start == Start.NONE:
        _leave_alone(channel, folder, inbox)
    if not state.validity:
        inbox.list()  # POP3 numbers letters anew in each session: it must be listed before anything is read or deleted.
    settle_outstanding(channel, folder, inbox)
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
    rows = [
        _row(channel, folder, ref, state=LetterState.IGNORED, reason=BEFORE_START, settled=True)
        for ref in inbox.list()
    ]
    bulk.insert(rows)
    folder.baseline = FIRST_LISTING_DONE
    folder.save(update_fields=["baseline"])


def _batches(refs: list[Ref], folder: ChannelFolder, suspects: Suspects) -> Iterator[list[Ref]]:
    count = 1 if suspects.any_in(folder) else BATCH_LETTERS
    yield from chunks(refs, count=count, size=BATCH_BYTES)


@transaction.atomic
def _folder(channel: Channel, name: str, state: FolderState) -> ChannelFolder:
    """The folder's row; at the first visit it starts where the administrator chose."""
    found = ChannelFolder.objects.filter(channel=channel, name=name).first()
    if found:
        return found
    baseline = (state.next_uid or 1) - 1 if channel.start == Start.NONE and state.next_uid else 0
    return ChannelFolder.objects.create(
        channel=channel, name=name, validity=state.validity, cursor=baseline, baseline=baseline
    )


def _new_refs(channel: Channel, folder: ChannelFolder, inbox: Inbox) -> list[Ref]:
    if folder.validity:
        return [
            ref for ref in inbox.list(after=folder.cursor, limit=LIST_LETTERS) if int(ref.uid) > folder.cursor
        ]
    refs = inbox.list()
    known = set(RawMessage.objects.filter(channel=channel, folder=folder.name).values_list("uid", flat=True))
    if channel.after_collect == AfterCollect.DELETE:
        # POP3 deletes at QUIT; a connection lost before it leaves letters that we have: delete those again.
        inbox.settle([ref for ref in refs if ref.uid in known], Settle.DELETE)
    return [ref for ref in refs if ref.uid not in known][:LIST_LETTERS]


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
    rows += [
        _row(
            channel,
            folder,
            ref,
            state=LetterState.STUCK,
            reason="The server breaks off whenever this letter is read",
        )
        for ref in hopeless
    ]
    try:
        for one, whole in _read(channel, inbox, wanted):
            if not _is_known_by_content(channel, one):
                rows.append(_store(channel, folder, one, whole))
    except ConnectorError as error:
        rows += _blame(channel, folder, wanted, error, suspects)
    point("receive-read")
    blobs().sync()
    point("receive-synced")
    _commit(channel, folder, refs, rows, done)
    point("receive-committed")
    settle(channel, folder, inbox, rows)


def _blame(
    channel: Channel, folder: ChannelFolder, wanted: list[Ref], error: ConnectorError, suspects: Suspects
) -> list[RawMessage]:
    """Ledger rows for the letters an error is about; raises it again when it is not about single letters."""
    if error.kind == Kind.MESSAGE and (error.uids or len(wanted) == 1):
        about = [ref for ref in wanted if ref.uid in error.uids] or wanted
        return [
            _row(channel, folder, ref, state=LetterState.STUCK, reason=plain(error.text, 500))
            for ref in about
        ]
    # Only a letter read alone can be blamed; the next visit reads one by one.
    if wanted:
        suspects.blame(folder, wanted[0])
    raise error


def _is_known_by_content(channel: Channel, one: Fetched) -> bool:
    """A POP3 server without usable UIDLs numbers letters per session (`?1`): there the bytes alone tell them apart."""
    if not one.ref.uid.startswith("?") or one.raw is None:
        return False
    digest = hashlib.sha256(one.raw).hexdigest()
    return RawMessage.objects.filter(channel=channel, uid=digest).exists()


def _before_start(channel: Channel, folder: ChannelFolder, ref: Ref) -> bool:
    if ref.arrived is None or channel.start == Start.ARCHIVE:
        return False
    if channel.start == Start.SINCE:
        return bool(channel.start_since and ref.arrived < channel.start_since)
    return ref.arrived < folder.opened - timedelta(seconds=2) and int(ref.uid) <= folder.baseline


def _read(channel: Channel, inbox: Inbox, refs: Sequence[Ref]) -> Iterator[tuple[Fetched, bool]]:
    """The bytes of each letter and whether they are the whole of it."""
    small = [ref for ref in refs if (ref.size or 0) <= channel.max_size]
    for one in inbox.read(small):
        yield one, True
    for ref in refs:
        if (ref.size or 0) > channel.max_size:
            yield Fetched(ref, inbox.head(ref, HEAD_BYTES)), False


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
    if ref.uid.startswith("?"):
        row.uid = row.sha256 or ref.uid
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
    digests = [row.sha256 for row in rows if row.sha256]
    known: dict[str, RawMessage] = {}
    for old in RawMessage.objects.filter(channel=channel, sha256__in=digests).order_by("-id"):
        known[old.sha256] = old
    fresh: list[RawMessage] = []
    for row in rows:
        old_row = known.get(row.sha256) if row.sha256 else None
        if old_row is None:
            if row.sha256:
                known[row.sha256] = row
            fresh.append(row)
        elif old_row.pk and old_row.folder == folder.name and old_row.validity != folder.validity:
            RawMessage.objects.filter(pk=old_row.pk).update(validity=row.validity, uid=row.uid)
            old_row.validity = row.validity
        else:
            row.state, row.reason = LetterState.DUPLICATE, "The same bytes are here already"
            row.duplicate_of = old_row if old_row.pk else None
            fresh.append(row)
    return fresh


def _count(done: Collected, row: RawMessage) -> None:
    names = {
        LetterState.RECEIVED: "stored",
        LetterState.DUPLICATE: "duplicates",
        LetterState.GONE: "gone",
        LetterState.STUCK: "stuck",
    }
    name = names.get(LetterState(row.state), "ignored")
    setattr(done, name, getattr(done, name) + 1)


def settle(channel: Channel, folder: ChannelFolder, inbox: Inbox, rows: Sequence[RawMessage]) -> None:
    """Mark, move or delete on the server what is committed here; rows it fails on are tried again at the next visit."""
    how = AfterCollect(channel.after_collect)
    due = [
        row
        for row in rows
        if not row.settled and row.blob and not row.partial and row.validity == folder.validity
    ]
    if how == AfterCollect.DELETE_LATER:
        before = timezone.now() - timedelta(days=channel.delete_days)
        due = [row for row in due if row.collected < before]
    if not due:
        return
    order = Settle.DELETE if how == AfterCollect.DELETE_LATER else Settle(how)
    # A protocol without marks or folders (POP3) leaves the letter; the ledger knows it by its UIDL.
    if (
        (order == Settle.MARK_READ and inbox.can_mark)
        or (order == Settle.MOVE and inbox.can_move)
        or order == Settle.DELETE
    ):
        inbox.settle([Ref(row.uid) for row in due], order, folder=channel.move_to)
    point("receive-settled")
    RawMessage.objects.filter(pk__in=[row.pk for row in due if row.pk]).update(settled=True)


def settle_outstanding(channel: Channel, folder: ChannelFolder, inbox: Inbox) -> None:
    """Finish what an earlier visit could not: it died between its commit and the mark on the server."""
    if channel.after_collect == AfterCollect.LEAVE:
        return
    rows = RawMessage.objects.filter(
        channel=channel, folder=folder.name, validity=folder.validity, settled=False
    ).order_by("id")[:1000]
    settle(channel, folder, inbox, list(rows))


def fetch_wanted(channel: Channel, folder: ChannelFolder, inbox: Inbox, suspects: Suspects) -> None:
    """Read the whole of letters that a person asked for, however large. One the server will not give is given up."""
    for row in RawMessage.objects.filter(channel=channel, folder=folder.name, wanted=True)[:20]:
        ref = Ref(row.uid, row.size)
        if row.validity != folder.validity:
            _keep_head(row, "The server has renumbered its letters; the rest of this one cannot be found")
        elif suspects.is_hopeless(folder, ref):
            _keep_head(row, "The server breaks off whenever this letter is read")
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
    )
    bell.ring()
