"""Fetching the bytes of letters by IMAP: many small ones with one command, a large one piece by piece. Marks nothing (PEEK)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from postroom.connectors.base import ConnectorError, Fetched, Kind, Ref, chunks
from postroom.connectors.imap_answers import UID, Parts, body_of, compress
from postroom.connectors.imap_errors import refused
from postroom.connectors.imap_talk import Talk

BATCH_COUNT = 200
BATCH_BYTES = 8 * 1024 * 1024
LARGE = 2 * 1024 * 1024
"""A letter above this size comes in pieces, so that a broken connection costs a piece and no answer is huge."""
PIECE = 1024 * 1024
HEADER_CAP = 1024 * 1024
GONE = {"EXPUNGEISSUED", "NONEXISTENT"}
"""Response codes (RFC 5530) of a server that calls it a failure when some of the letters are gone."""


def read_letters(talk: Talk, refs: Sequence[Ref]) -> Iterator[Fetched]:
    """Yield the letters in the order given. A batch is read whole before it is yielded: between items the line is free."""
    failed: list[str] = []
    line = ""
    for batch in chunks(refs, count=BATCH_COUNT, size=BATCH_BYTES):
        reader = _Batch(talk)
        got = reader.read(batch)
        failed += reader.failed
        line = reader.line or line
        for ref in batch:
            if ref.uid not in reader.failed:
                yield Fetched(ref, got.pop(int(ref.uid), None))
    if failed:
        raise refused_letters(failed, line)


def refused_letters(uids: Sequence[str], line: str) -> ConnectorError:
    """The server gives all letters but these."""
    return ConnectorError(
        f"The server does not give {len(uids)} letter(s): {', '.join(uids[:10])}",
        kind=Kind.MESSAGE,
        advice="Look at them in the mailbox itself; the other letters were collected.",
        server_line=line,
        uids=tuple(uids),
    )


class _Batch:
    """One batch: what came, which letters were refused, and in what words."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.failed: list[str] = []
        self.line = ""

    def read(self, batch: Sequence[Ref]) -> dict[int, bytes]:
        small = [ref for ref in batch if (ref.size or 0) <= LARGE]
        got = self._small(small) if small else {}
        for ref in batch:
            if (ref.size or 0) > LARGE and (raw := self._large(int(ref.uid), ref)) is not None:
                got[int(ref.uid)] = raw
        return got

    def _small(self, refs: Sequence[Ref]) -> dict[int, bytes]:
        uids = [int(ref.uid) for ref in refs]
        expect = sum(ref.size or 0 for ref in refs)
        reply = self.talk.ask(f"UID FETCH {compress(uids)} (UID BODY.PEEK[])".encode(), expect=expect)
        got: dict[int, bytes] = {}
        for parts in reply.untagged:
            if (uid := _uid(parts)) and (raw := body_of(parts)) is not None:
                got[uid] = raw
        if reply.status != "OK" and reply.code not in GONE:
            if len(refs) == 1:
                raise refused(reply, "give a letter")
            self._one_by_one([ref for ref in refs if int(ref.uid) not in got], got)
        self._again_if_empty(refs, got)
        return got

    def _one_by_one(self, refs: Sequence[Ref], got: dict[int, bytes]) -> None:
        """One bad letter spoils the whole answer on some servers: find out which."""
        last: ConnectorError | None = None
        for ref in refs:
            try:
                got |= self._small([ref])
            except ConnectorError as wrong:
                if wrong.kind is not Kind.TRANSIENT or not wrong.server_line:
                    raise
                last, self.line = wrong, wrong.server_line
                self.failed.append(ref.uid)
        if last is not None and not got:
            raise last  # nothing at all was given: that is not about one letter

    def _again_if_empty(self, refs: Sequence[Ref], got: dict[int, bytes]) -> None:
        """Some servers give NIL or nothing for a letter with a size: ask for its two halves."""
        for ref in refs:
            if ref.size and not got.get(int(ref.uid)) and (int(ref.uid) in got or self._exists(int(ref.uid))):
                got[int(ref.uid)] = self._halves(int(ref.uid))

    def _exists(self, uid: int) -> bool:
        reply = self.talk.ask(f"UID FETCH {uid} (UID)".encode())
        return any(_uid(parts) == uid for parts in reply.untagged)

    def _halves(self, uid: int) -> bytes:
        halves = []
        for part in ("HEADER", "TEXT"):
            reply = self.talk.ask(f"UID FETCH {uid} (UID BODY.PEEK[{part}])".encode())
            halves.append(next((b for parts in reply.untagged if (b := body_of(parts))), b""))
        return b"".join(halves)

    def _large(self, uid: int, ref: Ref) -> bytes | None:
        """The pieces of one letter until a short one; its announced size is not trusted. None when it is gone."""
        whole = io.BytesIO()  # hands its bytes out without a copy
        while True:
            piece = _piece(self.talk, uid, "", whole.tell(), PIECE)
            if piece is None:
                return None
            if len(piece) > PIECE and not whole.tell():
                return piece  # the server does not know pieces and gave the whole
            whole.write(piece)
            if len(piece) < PIECE:
                return whole.getvalue()


def read_head(talk: Talk, ref: Ref, limit: int) -> bytes:
    """The first `limit` bytes, and in any case the whole header (up to 1 MB). b'' when the letter is gone."""
    uid = int(ref.uid)
    start = _piece(talk, uid, "", 0, limit) or b""
    if b"\r\n\r\n" in start or len(start) < limit:
        return start[: max(limit, 0)] if b"\r\n\r\n" in start[:limit] else start
    return _piece(talk, uid, "HEADER", 0, HEADER_CAP) or start


def _piece(talk: Talk, uid: int, part: str, start: int, length: int) -> bytes | None:
    command = f"UID FETCH {uid} (UID BODY.PEEK[{part}]<{start}.{length}>)"
    reply = talk.must("give a letter", command.encode(), expect=length)
    for parts in reply.untagged:
        if _uid(parts) == uid:
            return body_of(parts) or b""
    return None


def _uid(parts: Parts) -> int:
    """The UID of a FETCH answer, 0 for anything else. It may stand before or after the letter."""
    if b" FETCH " not in parts[0][:40].upper():
        return 0
    for number in range(0, len(parts), 2):
        if found := UID.search(parts[number]):
            return int(found[1])
    return 0
