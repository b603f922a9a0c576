"""The quick look that spares most letters the slow reading is never wrong: what it lets pass folds to nothing either way."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.mail import quotes, signatures
from postroom.mail.bounce_marks import SUBJECTS, is_about_delivery
from postroom.mail.caseless import AnyOf, fold_case
from postroom.mail.quote_gate import is_all_said
from postroom.mail.quote_labels import FORWARDED, HEADERS, ORIGINAL, SENT_FROM, WROTE, alternatives
from tests.corpus import samples

LINES = [
    "", "", " ", "Hello Ann", "thanks, it is", "thanks:", "-- ", "--", "_____", "- one", "> old", "a=", "b@desk.example", "<b@desk.example>",
    "On Mon, 12 Nov 2026 at 10:36, Bob <b@desk.example> wrote:", "bla --On Monday 12:30 Bob wrote--", "12 Nov 2026",
    "2026-11-12 10:36 GMT+01:00 Bob", "2026/11/12 Bob <b@desk.example>", "Sent from my iPhone", "Get Outlook for iOS", "\u1427",
    "## Please type your reply above this line ##", "Please consider the environment before printing this message", "| old",
    "This e-mail is confidential and intended solely for the addressee.", "www.desk.example", "Tel: +49 30 1234567",
    *(word.replace("\\", "") + ":" for word in alternatives(*WROTE)),
    *(f"--- {word} ---" for word in alternatives(*ORIGINAL, *FORWARDED)),
    *(f"{word} Telefon" for word in alternatives(*SENT_FROM)),
    *(f"{word}: x" for row in HEADERS.values() for word in alternatives(*row)),
]  # fmt: skip
changes = st.sampled_from(
    [str, str, str.upper, str.title, lambda line: line.replace("s", "ſ").replace("i", "İ")]
)
line = st.builds(lambda change, text: change(text), changes, st.sampled_from(LINES) | st.text(max_size=6))
texts = st.lists(
    st.tuples(line, st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"])).map("".join), max_size=8
).map("".join)


def folds_to_itself(text: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the slow reading says that the writer said all of it."""
    with monkeypatch.context() as patch:
        patch.setattr(quotes, "is_all_said", lambda _: False)
        return all(block.kind == "said" and block.text == text for block in quotes.fold(text).blocks)


@given(texts)
@settings(max_examples=1500, deadline=None)
def test_what_passes_the_gate_has_nothing_to_fold(text: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert not is_all_said(text) or folds_to_itself(text, monkeypatch)


@pytest.mark.corpus
def test_no_letter_of_the_corpus_passes_the_gate_with_a_quote(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0
    for sample in samples("replies", "languages", "threads", "autoreplies"):
        text = sample.read().decode("utf-8", "replace")
        if is_all_said(text):
            passed += 1
            assert folds_to_itself(text, monkeypatch), sample.name
    assert passed > 20


@given(st.from_regex(SUBJECTS))
@settings(max_examples=400, deadline=None)
def test_no_subject_of_a_report_is_missed_by_the_first_look(subject: str) -> None:
    assert is_about_delivery(subject)


@pytest.mark.parametrize("number", range(len(signatures._STRONG)))
def test_every_disclaimer_holds_one_of_its_words(number: int) -> None:
    words, pattern = signatures._STRONG[number]

    @given(st.from_regex(pattern))
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )
    def check(text: str) -> None:
        assert words.are_in(fold_case(text))

    check()


def test_words_without_case_are_found_as_patterns_find_them() -> None:
    words = AnyOf(["sent", "yazdı", "ΣΑΣ"])
    for text in ("SENT", "ſENT", "YAZDI", "yazdı", "σας", "ΣΑΣ"):
        assert words.are_in(fold_case(text)), text
    assert not words.are_in(fold_case("set"))


def test_a_plain_letter_is_read_at_a_glance() -> None:
    text = "I have looked at the parcel again and the colour is not the one\r\n" * 40
    began = time.process_time()
    for _ in range(200):
        quotes.fold(text)
    assert time.process_time() - began < 200 * 0.001
