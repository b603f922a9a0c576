"""Threading by REFERENCES: order, missing parents, circles, duplicates, subjects; and mailboxes on disk."""

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.mailbox_threads import conversations_in
from postroom.mail.mbox import letters_in
from postroom.mail.subjects import base_subject
from postroom.mail.threads import Conversation, SubjectMerging, Threadable, stand_in_id, thread

SOURCE = str(Path(__file__).parents[2] / "src")
START = datetime(2026, 1, 1, tzinfo=UTC)


def letter(
    message_id: str, *references: str, subject: str = "", minute: int = 0, in_reply_to: tuple[str, ...] = ()
) -> Threadable:
    return Threadable(
        message_id=message_id,
        references=references,
        in_reply_to=in_reply_to,
        subject=subject,
        date=START + timedelta(minutes=minute),
    )


def shape(letters: list[Threadable], conversations: tuple[Conversation, ...]) -> list[list[tuple[str, int]]]:
    return [
        [(letters[place.position].message_id, place.depth) for place in conversation]
        for conversation in conversations
    ]


@pytest.mark.requirement("CA-01")
def test_answers_follow_what_they_answer_and_siblings_stand_by_date() -> None:
    letters = [letter("late", "first", minute=3), letter("first"), letter("early", "first", minute=1)]
    assert shape(letters, thread(letters)) == [[("first", 0), ("early", 1), ("late", 1)]]


def test_in_reply_to_is_used_only_when_there_are_no_references() -> None:
    letters = [
        letter("a"),
        letter("b"),
        letter("c", in_reply_to=("a", "b")),
        letter("d", "b", in_reply_to=("a",)),
    ]
    assert shape(letters, thread(letters)) == [[("a", 0), ("c", 1)], [("b", 0), ("d", 1)]]


def test_two_answers_to_a_missing_letter_are_one_conversation() -> None:
    letters = [letter("b", "gone"), letter("c", "gone")]
    assert shape(letters, thread(letters)) == [[("b", 1), ("c", 1)]]


def test_one_answer_to_a_missing_letter_stands_first() -> None:
    letters = [letter("b", "gone", "too")]
    assert shape(letters, thread(letters)) == [[("b", 0)]]


def test_a_grandchild_is_tied_through_a_missing_parent() -> None:
    letters = [letter("a"), letter("c", "a", "b")]
    assert shape(letters, thread(letters)) == [[("a", 0), ("c", 1)]]


def test_circles_are_refused_and_everybody_stays() -> None:
    letters = [letter("a", "b"), letter("b", "c"), letter("c", "a"), letter("d", "d")]
    found = shape(letters, thread(letters))
    assert sorted(name for conversation in found for name, _ in conversation) == ["a", "b", "c", "d"]
    assert [("d", 0)] in found


def test_two_letters_with_one_id_both_stay() -> None:
    letters = [letter("a"), letter("a"), letter("b", "a")]
    assert shape(letters, thread(letters)) == [[("a", 0), ("b", 1)], [("a", 0)]]


def test_subjects_join_nothing_unless_asked() -> None:
    letters = [letter("a", subject="Invoice"), letter("b", subject="Re: Invoice", minute=1)]
    assert len(thread(letters)) == 2
    assert shape(letters, thread(letters, subjects=SubjectMerging.REPLIES)) == [[("a", 0), ("b", 1)]]
    assert shape(letters, thread(letters, subjects=SubjectMerging.EVERY)) == [[("a", 0), ("b", 1)]]


def test_two_fresh_letters_with_one_subject_are_joined_only_as_the_rfc_does() -> None:
    letters = [letter("a", subject="Invoice"), letter("b", subject="INVOICE", minute=1)]
    assert len(thread(letters, subjects=SubjectMerging.REPLIES)) == 2
    assert shape(letters, thread(letters, subjects=SubjectMerging.EVERY)) == [[("a", 1), ("b", 1)]]


def test_a_reply_does_not_join_a_younger_letter_of_that_subject() -> None:
    letters = [letter("reply", subject="Re: Invoice"), letter("later", subject="Invoice", minute=5)]
    assert len(thread(letters, subjects=SubjectMerging.REPLIES)) == 2


def test_empty_subjects_join_nothing() -> None:
    letters = [letter("a"), letter("b", subject="Re: "), letter("c", subject="Fwd:")]
    assert len(thread(letters, subjects=SubjectMerging.EVERY)) == 3


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("Invoice 7", "invoice 7", False),
        ("Re: Re[2]: Invoice  7", "invoice 7", True),
        ("AW: WG: Invoice 7 (fwd)", "invoice 7", True),
        ("[desk] Re: [x] Invoice 7", "invoice 7", True),
        ("[Fwd: Invoice 7]", "invoice 7", True),
        ("答复：Invoice 7", "invoice 7", True),
        ("Regarding: you", "regarding: you", False),
        ("[only a blob]", "[only a blob]", False),
        ("Re:", "", True),
        ("", "", False),
    ],
)
def test_marks_are_taken_off_subjects(subject: str, base: str, is_reply: bool) -> None:
    assert base_subject(subject) == (base, is_reply)


@pytest.mark.parametrize("piece", ["[a]", "[", "re: ", " ", "(fwd)", "[fwd: ", "fwd[", "1"])
def test_a_megabyte_of_marks_is_read_in_a_moment(piece: str) -> None:
    base, _ = base_subject(piece * (1_000_000 // len(piece)))
    assert len(base) <= 1000


IDS = st.sampled_from([*"abcdefgh", ""])
LETTERS = st.lists(
    st.builds(
        Threadable,
        message_id=IDS,
        references=st.lists(IDS, max_size=5).map(tuple),
        in_reply_to=st.lists(IDS, max_size=2).map(tuple),
        subject=st.sampled_from(["", "x", "Re: x", "Fwd: y", "y"]),
        date=st.one_of(st.none(), st.datetimes(), st.datetimes(timezones=st.just(UTC))),
    ),
    max_size=30,
)


@given(letters=LETTERS, subjects=st.sampled_from(SubjectMerging))
def test_no_letter_is_ever_lost_or_shown_twice(letters: list[Threadable], subjects: SubjectMerging) -> None:
    positions = [
        place.position for conversation in thread(letters, subjects=subjects) for place in conversation
    ]
    assert sorted(positions) == list(range(len(letters)))


@given(letters=LETTERS, seed=st.integers())
def test_the_order_of_arrival_does_not_change_who_belongs_together(
    letters: list[Threadable], seed: int
) -> None:
    """Holds for letters that do not contradict each other: one parent each, unique ids, no circles."""
    plain = [
        letter(str(number), *([str(number // 2)] if number else []), minute=number)
        for number in range(len(letters))
    ]
    shuffled = plain[:]
    random.Random(seed).shuffle(shuffled)
    assert shape(shuffled, thread(shuffled)) == shape(plain, thread(plain))


@pytest.mark.parametrize("order", ["oldest first", "newest first", "shuffled", "halves"])
def test_a_chain_of_twenty_thousand_letters_is_one_conversation(order: str) -> None:
    chain = [letter(str(n), *([str(n - 1)] if n else []), minute=n) for n in range(20_000)]
    if order == "newest first":
        chain.reverse()
    elif order == "shuffled":
        random.Random(7).shuffle(chain)
    elif order == "halves":
        chain = chain[1::2] + chain[::2]
    (conversation,) = thread(chain)
    assert [place.depth for place in conversation] == list(range(20_000))


def test_a_letter_with_too_many_references_keeps_the_ends() -> None:
    letters = [
        letter("first"),
        letter("z", "first", *map(str, range(5000)), "last"),
        letter("2500", "else", minute=1),
    ]
    assert shape(letters, thread(letters)) == [[("first", 0), ("z", 1)], [("2500", 0)]]


def test_a_letter_that_names_no_parent_has_none_whatever_others_say() -> None:
    """RFC 5256 step 1.B: what it says itself beats the chain in somebody else's References."""
    letters = [letter("a"), letter("c", "a", "b", minute=2), letter("b", minute=1)]
    assert shape(letters, thread(letters)) == [[("a", 0)], [("b", 0), ("c", 1)]]


# Mailboxes on disk


def eml(message_id: str, *, parent: str = "", subject: str = "Hello", body: str = "text") -> bytes:
    lines = [f"Subject: {subject}", "From: a@b.example", "Date: Thu, 1 Jan 2026 10:00:00 +0000"]
    lines += [f"Message-ID: <{message_id}>"] if message_id else []
    lines += [f"In-Reply-To: <{parent}>"] if parent else []
    return "\n".join([*lines, "", body, ""]).encode()


def mbox_of(*letters: bytes) -> bytes:
    return b"\n".join(
        b"From a@b.example  Fri Feb 22 15:06:2%d 2008\n%b" % (n, raw) for n, raw in enumerate(letters)
    )


def test_an_mbox_is_cut_at_dated_from_lines_only(tmp_path: Path) -> None:
    body = "one\n\nFrom Russia with love\n\n>From the start\n>>From deeper"
    (tmp_path / "box").write_bytes(mbox_of(eml("a@x", body=body), eml("b@x")))
    first, second = letters_in(tmp_path / "box")
    assert b"\nFrom Russia with love\n" in first.raw
    assert b"\nFrom the start\n>From deeper\n" in first.raw
    assert second.raw == eml("b@x")
    assert second.received == datetime(2008, 2, 22, 15, 6, 21, tzinfo=UTC)


def test_a_maildir_gives_what_lies_in_cur_and_new(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp", ".Sent/cur"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / f"1.{name[-3:]}").write_bytes(eml(f"{name[-3:]}@x"))
    (tmp_path / "dovecot-uidlist").write_text("3 V1 N1")
    (tmp_path / ".Sent" / "cur" / "1.cur").write_bytes(eml("sent@x"))
    (tmp_path / "loose").write_bytes(eml("loose@x"))
    assert [found.raw for found in letters_in(tmp_path)] == [
        eml(f"{name}@x") for name in ("loose", "sent", "cur", "new")
    ]


def test_a_folder_of_files_gives_each_letter_and_each_mbox_inside(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(eml("a@x"))
    (tmp_path / "b.mbox").write_bytes(mbox_of(eml("b@x"), eml("c@x")))
    (tmp_path / ".hidden").write_bytes(eml("d@x"))
    (tmp_path / "empty.eml").write_bytes(b"")
    assert [found.raw for found in letters_in(tmp_path)] == [eml("a@x"), eml("b@x"), eml("c@x"), b""]


@given(st.binary(max_size=300))
def test_any_bytes_are_some_letters(content: bytes) -> None:
    from postroom.mail.mbox import split_mbox

    assert sum(len(found.raw) for found in split_mbox(content.splitlines(keepends=True), name="x")) <= len(
        content
    )


def test_a_mailbox_becomes_conversations_of_ids(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(mbox_of(eml("b@x", parent="a@x"), eml("", subject="alone"), eml("a@x")))
    assert conversations_in([tmp_path / "box"], subjects=SubjectMerging.NEVER) == [
        [stand_in_id(eml("", subject="alone"))],
        ["a@x", "b@x"],
    ]


def test_the_command_prints_one_json_list_of_conversations(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(eml("a@x", subject="Invoice"))
    (tmp_path / "b.eml").write_bytes(eml("b@x", subject="Re: Invoice"))
    out = StringIO()
    call_command("threads", str(tmp_path), json=True, stdout=out)
    assert json.loads(out.getvalue()) == [["a@x", "b@x"]]
    out = StringIO()
    call_command("threads", str(tmp_path), json=True, subjects=SubjectMerging.NEVER, stdout=out)
    assert json.loads(out.getvalue()) == [["a@x"], ["b@x"]]


def test_the_command_names_the_file_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="gone: No such file"):
        call_command("threads", str(tmp_path / "gone"), json=True, stdout=StringIO())


def test_conversations_are_told_without_django() -> None:
    code = "import sys, postroom.mail.mailbox_threads; sys.exit('django' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": SOURCE}).returncode == 0
    )
