"""Marking, moving and deleting collected letters by IMAP - only the UIDs given, never anybody else's. Collects nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from postroom.connectors.base import ConnectorError, Kind, Ref, Settle
from postroom.connectors.folder_names import wire_of
from postroom.connectors.imap_answers import compress, numbers
from postroom.connectors.imap_errors import recognised, refused, refused_folder
from postroom.connectors.imap_talk import Piece, Talk, quoted_bytes
from postroom.connectors.meaning import said

AT_ONCE = 500
"""UIDs in one command: servers cut lines at 8,000 bytes."""


def settle_letters(
    talk: Talk, refs: Sequence[Ref], how: Settle, *, folder: str, permanent: Collection[str] | None
) -> None:
    """Do it. Repeating it after a broken connection does no harm: letters that are gone are passed over by the server.

    `permanent` are the flags that may be stored, in lower case; None when the server did not say.
    """
    uids = [int(ref.uid) for ref in refs]
    for start in range(0, len(uids), AT_ONCE):
        some = uids[start : start + AT_ONCE]
        if how is Settle.MARK_READ:
            _mark(talk, some, "\\Seen", permanent)
        elif how is Settle.MOVE:
            _move(talk, some, folder, permanent)
        elif how is Settle.DELETE:
            _mark(talk, some, "\\Deleted", permanent)
            _expunge(talk, some)


def _mark(talk: Talk, uids: list[int], flag: str, permanent: Collection[str] | None) -> None:
    _may_store(flag, permanent)
    reply = talk.ask(f"UID STORE {compress(uids)} +FLAGS.SILENT ({flag})".encode())
    if reply.status != "OK":
        raise recognised(reply.line) or _no_right(flag, said(reply.line))


def _move(talk: Talk, uids: list[int], folder: str, permanent: Collection[str] | None) -> None:
    target = quoted_bytes(wire_of(folder))
    if talk.can("MOVE"):
        _into(talk, b"UID MOVE ", uids, target, folder)
        return
    # before the copy, not after: a copy that cannot be followed by a deletion would pile up with every try
    _may_store("\\Deleted", permanent)
    _into(talk, b"UID COPY ", uids, target, folder)
    _mark(talk, uids, "\\Deleted", permanent)
    _expunge(talk, uids)


def _into(talk: Talk, command: bytes, uids: list[int], target: Piece, folder: str) -> None:
    reply = talk.ask(command + compress(uids).encode() + b" ", target)
    if reply.status == "OK":
        return
    if reply.code == "OVERQUOTA":
        raise ConnectorError(
            f"The folder {folder} is full: {reply.text}",
            kind=Kind.CONFIGURATION,
            advice="Make room in the mailbox, or choose to leave letters as they are.",
            server_line=said(reply.line),
            field="move_to",
        )
    raise refused_folder(reply, folder, field="move_to")


def _expunge(talk: Talk, uids: list[int]) -> None:
    """Remove what we marked. Without UIDPLUS there is only EXPUNGE for all: used when all marked letters are ours."""
    if talk.can("UIDPLUS"):
        reply = talk.ask(f"UID EXPUNGE {compress(uids)}".encode())
    else:
        marked = talk.must("look for deleted letters", b"UID SEARCH DELETED")
        others = {
            n for parts in marked.untagged if b"SEARCH" in parts[0][:10].upper() for n in numbers(parts)
        }
        if others - set(uids):
            return  # somebody else's deletions stay theirs; ours remain marked as deleted
        reply = talk.ask(b"EXPUNGE")
    if reply.status != "OK":
        raise refused(reply, "remove deleted letters")


def _may_store(flag: str, permanent: Collection[str] | None) -> None:
    if permanent is not None and flag.lower() not in permanent:
        raise _no_right(flag, "PERMANENTFLAGS (" + " ".join(sorted(permanent)) + ")")


def _no_right(flag: str, line: str) -> ConnectorError:
    act = "marked as read" if flag == "\\Seen" else "deleted or moved"
    return ConnectorError(
        f"Letters in this folder cannot be {act} with this login.",
        kind=Kind.CONFIGURATION,
        advice="Give this login the right to do so, or choose to leave letters as they are.",
        server_line=line,
        field="after_collect",
    )
