"""Agreement of threading with what IMAP servers' own tests say, over the shared corpus of mailboxes."""

import json
import re
from pathlib import Path

import pytest

from postroom.mail.mailbox_threads import conversations_in, threadable
from postroom.mail.mbox import letters_in
from postroom.mail.threads import Conversation, SubjectMerging, Threadable, thread
from tests.corpus import need

pytestmark = pytest.mark.corpus


def as_imap(conversations: tuple[Conversation, ...]) -> str:
    """The conversations in the form of an IMAP THREAD response (RFC 5256 section 4)."""
    return "".join(
        f"({_branch([(place.position + 1, place.depth) for place in found])})" for found in conversations
    )


def _branch(places: list[tuple[int, int]]) -> str:
    if not places:
        return ""
    top = min(depth for _, depth in places)
    starts = [at for at, (_, depth) in enumerate(places) if depth == top]
    pieces = [places[start:end] for start, end in zip(starts, [*starts[1:], len(places)], strict=True)]
    if len(pieces) > 1:
        return "".join(f"({_branch(piece)})" for piece in pieces)
    below = _branch(pieces[0][1:])
    return str(pieces[0][0][0]) + (below if below.startswith("(") else f" {below}" if below else "")


def letters_of(path: Path) -> list[Threadable]:
    return [threadable(filed) for filed in letters_in(path)]


@pytest.mark.requirement("CA-01")
def test_every_mailbox_of_the_table_threads_as_servers_thread_it() -> None:
    table = (need() / "tables" / "threads.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in table.splitlines()]
    wrong = []
    for row in rows:
        letters = letters_of(need() / row["file"])
        if row["messages_used"] != "all":
            letters = letters[: row["messages_used"]]
        (response,) = row["expected"]["references"]
        expected = re.sub(r"^\* thread ", "", response, flags=re.IGNORECASE)
        got = as_imap(thread(letters, subjects=SubjectMerging.EVERY))
        if got.replace(" (", "(") != expected.replace(" (", "("):
            wrong.append(f"{row['file']}: expected {expected}, got {got}")
    print(f"\nthreads: {len(rows) - len(wrong)} of {len(rows)} mailboxes agree", *wrong, sep="\n  ")
    assert rows
    assert wrong == []


def test_every_mailbox_of_the_corpus_keeps_every_letter() -> None:
    files = [path for path in (need() / "threads").rglob("*") if path.is_file() and path.suffix != ".json"]
    assert files
    letters = [letter for path in files for letter in letters_of(path)]
    positions = [
        place.position for found in thread(letters, subjects=SubjectMerging.EVERY) for place in found
    ]
    assert sorted(positions) == list(range(len(letters)))
    assert len(letters) > len(files)


def test_a_folder_of_one_lists_letters_is_listed_whole() -> None:
    folder = need() / "threads" / "notmuch"
    conversations = conversations_in([folder])
    letters = letters_of(folder)
    print(f"\nthreads: {len(letters)} letters of a folder in {len(conversations)} conversations")
    assert sorted(name for found in conversations for name in found) == sorted(
        one.message_id for one in letters
    )
