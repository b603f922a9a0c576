"""The blob store: bytes by reference, appended to segment files, durable after `sync`. Not a database table.

A reference is `<segment>:<offset>:<length>`. Each writing process has segments of its own, so that no lock is shared; a
record is the magic, the length and the SHA-256 of the bytes, then the bytes, so that a segment can be scrubbed alone.
One fdatasync serves a whole batch (a file per letter costs fifteen times as much).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import struct
import threading
import uuid
from collections import OrderedDict
from pathlib import Path

from postroom.conf.deployment import deployment

log = logging.getLogger(__name__)

DISK_FAILED = 74
"""Exit code of a process whose disk did not keep what was written (EX_IOERR)."""
RECENT_BYTES = 32 * 1024 * 1024
MAGIC = b"PRM1"
HEAD = struct.Struct(">4sQ32s")


class BlobError(RuntimeError):
    """Bytes that were stored are not there or have changed: a damaged disk or a restored half."""


class BlobStore:
    """Appends and reads bytes below one folder."""

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        self.folder, self.segment_bytes = folder, segment_bytes
        self._lock = threading.Lock()
        self._name, self._fd, self._end, self._owner = "", -1, 0, 0
        self._dirty = False
        # What was just written is read once more, by filing: kept in memory for that, up to a bound.
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._recent_bytes = 0

    def append(self, raw: bytes) -> tuple[str, bytes]:
        """Write bytes; returns (reference, sha256). Not durable before `sync`."""
        digest = hashlib.sha256(raw).digest()
        with self._lock:
            self._ready()
            start = self._end + HEAD.size
            try:
                _write_all(self._fd, [HEAD.pack(MAGIC, len(raw), digest), raw])
            except OSError:
                self._leave_segment()  # Half a record lies at its end: what came after would not be where we say.
                raise
            self._end = start + len(raw)
            self._dirty = True
            reference = f"{self._name}:{start}:{len(raw)}"
            self._remember(reference, raw)
            return reference, digest

    def _remember(self, reference: str, raw: bytes) -> None:
        self._recent[reference] = raw
        self._recent_bytes += len(raw)
        while self._recent_bytes > RECENT_BYTES:
            _, old = self._recent.popitem(last=False)
            self._recent_bytes -= len(old)

    def take(self, reference: str) -> bytes:
        """As `read`, but from memory if this process wrote the bytes a moment ago; they are forgotten then."""
        with self._lock:
            raw = self._recent.pop(reference, None)
            if raw is not None:
                self._recent_bytes -= len(raw)
                return raw
        return self.read(reference)

    def sync(self) -> None:
        """Make everything appended so far durable. An error here ends the process: the state of the disk is unknown."""
        with self._lock:
            if self._dirty and self._owner == os.getpid():
                _sync_or_end(self._fd)
                self._dirty = False

    def store(self, raw: bytes) -> tuple[str, bytes]:
        """Append and sync: for a single upload."""
        kept = self.append(raw)
        self.sync()
        return kept

    def read(self, reference: str) -> bytes:
        """The bytes, checked against their hash. Raises BlobError."""
        try:
            name, offset, length = reference.split(":")
            start = int(offset) - HEAD.size
            with open(self.folder / name[:2] / name, "rb") as file:
                file.seek(start)
                head, raw = file.read(HEAD.size), file.read(int(length))
            magic, size, digest = HEAD.unpack(head)
        except (OSError, ValueError, struct.error) as wrong:
            raise BlobError(f"The stored bytes {reference!r} cannot be read: {wrong}") from wrong
        if magic != MAGIC or size != len(raw) or hashlib.sha256(raw).digest() != digest:
            raise BlobError(f"The stored bytes {reference!r} are damaged.")
        return raw

    def _ready(self) -> None:
        # A forked child must not append to its parent's segment.
        if self._fd >= 0 and self._owner == os.getpid() and self._end < self.segment_bytes:
            return
        if self._fd >= 0 and self._owner == os.getpid():
            self._leave_segment()
        self._name = uuid.uuid4().hex
        folder = self.folder / self._name[:2]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(folder / self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._end, self._owner, self._dirty = 0, os.getpid(), False
        for one in (folder, self.folder):
            _sync_folder(one)

    def _leave_segment(self) -> None:
        """Others may count on what they appended here, so it is made durable first."""
        _sync_or_end(self._fd)
        os.close(self._fd)
        self._fd, self._dirty = -1, False


def _sync_or_end(descriptor: int) -> None:
    """Make a segment durable. After an error the kernel may have dropped the pages and a second try would succeed
    without them, so the process ends at once; after its restart the letters are read from their servers again."""
    try:
        os.fdatasync(descriptor) if hasattr(os, "fdatasync") else os.fsync(descriptor)
    except OSError as wrong:
        log.critical("the disk did not keep what was written: %s; the process ends", wrong)
        os._exit(DISK_FAILED)


def _write_all(descriptor: int, pieces: list[bytes]) -> None:
    wanted = sum(map(len, pieces))
    written = os.writev(descriptor, pieces)
    if written < wanted:
        rest = b"".join(pieces)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


_store: BlobStore | None = None


def blobs() -> BlobStore:
    """The blob store of this installation."""
    global _store
    folder = deployment.folder("blobs")
    if _store is None or _store.folder != folder:
        _store = BlobStore(folder, deployment.options.blob_segment_megabytes * 1024 * 1024)
    return _store
