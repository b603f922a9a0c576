"""The conversations of mailboxes on disk as lists of message ids. Not what the desk files cases by.

A letter without a Message-ID gets one from its content (`threads.stand_in_id`): the same letter has the same id in every
run. A letter without a usable Date stands at the date of its mbox separator, if it has one.
"""

from collections.abc import Iterable
from pathlib import Path

from .letter import read
from .mbox import FiledLetter, letters_in
from .threads import SubjectMerging, Threadable, stand_in_id, thread


def conversations_in(
    paths: Iterable[Path], *, subjects: SubjectMerging = SubjectMerging.EVERY
) -> list[list[str]]:
    """The ids of every letter under the paths, conversation by conversation, in reading order. OSError for unreadable files."""
    letters = [threadable(filed) for path in paths for filed in letters_in(path)]
    return [
        [letters[place.position].message_id for place in conversation]
        for conversation in thread(letters, subjects=subjects)
    ]


def threadable(filed: FiledLetter) -> Threadable:
    """What threading needs of one letter; its bytes are not kept."""
    letter = read(filed.raw)
    return Threadable(
        message_id=letter.message_id or stand_in_id(filed.raw),
        references=tuple(letter.references),
        in_reply_to=tuple(letter.in_reply_to),
        subject=letter.subject,
        date=letter.date or filed.received,
    )
