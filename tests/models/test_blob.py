"""The blob store: what is read is what was written, or an error says so; forks, full disks and failing syncs lose nothing."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading

import pytest

from postroom.models import blob
from postroom.models.blob import DISK_FAILED, HEAD, BlobError, BlobStore

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path, 1024 * 1024)


def path_of(store: BlobStore, reference: str):
    name = reference.split(":")[0]
    return store.folder / name[:2] / name


@pytest.mark.requirement("RX-03")
def test_bytes_come_back_as_they_were(store):
    sizes = [0, 1, 57, 4096, 300_000]
    kept = [(store.append(raw)[0], raw) for raw in (os.urandom(n) for n in sizes)]
    store.sync()
    assert [store.read(reference) for reference, _ in kept] == [raw for _, raw in kept]
    assert all(store.read(reference) == raw for reference, raw in reversed(kept))


@pytest.mark.parametrize("where", ["first", "last", "length", "magic", "digest"])
def test_a_changed_byte_anywhere_is_told(store, where):
    raw = b"Subject: precious\r\n\r\nwords\r\n"
    reference, _ = store.store(raw)
    start = int(reference.split(":")[1])
    at = {
        "first": start,
        "last": start + len(raw) - 1,
        "length": start - 33,
        "magic": start - HEAD.size,
        "digest": start - 5,
    }[where]
    data = bytearray(path_of(store, reference).read_bytes())
    data[at] ^= 0x01
    path_of(store, reference).write_bytes(data)
    with pytest.raises(BlobError, match="damaged"):
        store.read(reference)


@pytest.mark.parametrize(
    "bad", ["", "nonsense", "a:b:c", "x:1:1", "../../etc/passwd:44:10", "00:9:9:9", "0:-1:5"]
)
def test_a_reference_to_nothing_is_told_and_never_read_elsewhere(store, bad):
    with pytest.raises(BlobError):
        store.read(bad)


def test_a_segment_that_was_cut_short_is_told_and_the_letters_before_are_whole(store):
    first, second = store.store(b"one" * 100)[0], store.store(b"two" * 100)[0]
    path = path_of(store, second)
    os.truncate(path, path.stat().st_size - 1)
    assert store.read(first) == b"one" * 100
    with pytest.raises(BlobError):
        store.read(second)


def test_a_new_segment_is_begun_when_one_is_full(store):
    kept = [(store.append(raw)[0], raw) for raw in (bytes([n]) * 300_000 for n in range(9))]
    store.sync()
    assert len({reference.split(":")[0] for reference, _ in kept}) == 3
    assert all(store.read(reference) == raw for reference, raw in kept)
    assert all(path_of(store, reference).stat().st_mode & 0o077 == 0 for reference, _ in kept)


def test_a_child_process_writes_to_a_segment_of_its_own(store, tmp_path):
    mine, _ = store.store(b"the parent's")
    child = FORK.Process(target=_in_child, args=(store, tmp_path / "reference"))
    child.start()
    child.join(20)
    theirs = (tmp_path / "reference").read_text()
    again, _ = store.store(b"the parent's again")
    assert theirs.split(":")[0] != mine.split(":")[0] == again.split(":")[0]
    assert [store.read(one) for one in (mine, theirs, again)] == [
        b"the parent's",
        b"the child's",
        b"the parent's again",
    ]


def _in_child(store: BlobStore, answer) -> None:
    answer.write_text(store.store(b"the child's")[0])


def test_threads_share_a_segment_without_mixing_letters(store):
    kept: list[tuple[str, bytes]] = []

    def work(n: int) -> None:
        for k in range(50):
            raw = b"%d/%d " % (n, k) * (k + 1)
            kept.append((store.append(raw)[0], raw))
            store.sync()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(kept) == 200
    assert all(store.read(reference) == raw for reference, raw in kept)


def test_a_disk_that_fills_up_within_a_letter_spoils_no_other(store, monkeypatch):
    before, _ = store.append(b"before")
    with monkeypatch.context() as full:

        def write_half(descriptor, pieces):
            os.write(descriptor, b"".join(pieces)[:20])
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr(blob, "_write_all", write_half)
        with pytest.raises(OSError, match="No space"):
            store.append(b"does not fit")
    after, _ = store.store(b"after")
    assert (store.read(before), store.read(after)) == (b"before", b"after")


def test_a_short_write_is_carried_on(store, monkeypatch):
    real = os.writev
    monkeypatch.setattr(os, "writev", lambda descriptor, pieces: real(descriptor, [b"".join(pieces)[:30]]))
    reference, _ = store.store(b"x" * 1000)
    assert store.read(reference) == b"x" * 1000


@pytest.mark.requirement("RX-03")
def test_a_failing_sync_ends_the_process_at_once_and_is_not_tried_again(store, tmp_path):
    """DB-03: after an error the kernel may have thrown the pages away, and a second fsync would say that all is well."""
    child = FORK.Process(target=_sync_on_a_broken_disk, args=(store, tmp_path))
    child.start()
    child.join(20)
    assert child.exitcode == DISK_FAILED
    assert (tmp_path / "tries").read_text() == "1"
    assert not (tmp_path / "went on").exists()


def _sync_on_a_broken_disk(store: BlobStore, folder) -> None:
    tries = []

    def fail(descriptor):
        tries.append(descriptor)
        (folder / "tries").write_text(str(len(tries)))
        raise OSError(errno.EIO, "Input/output error")

    os.fdatasync = fail
    store.append(b"lost")
    store.sync()
    (folder / "went on").touch()
