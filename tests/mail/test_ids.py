"""Our signed Message-IDs and case tokens: read back always, believed never when anything was changed."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.ids import (
    TOKEN_LENGTH,
    OwnId,
    case_of,
    case_token,
    make_message_id,
    read_case_token,
    read_message_id,
)

KEY = b"a key of thirty-two random bytes"
OTHER_KEY = b"another key of thirty-two bytes!"
NUMBERS = st.integers(min_value=0, max_value=10**18)


def own_id(case: int = 12, message: int = 34) -> str:
    return make_message_id(KEY, case=case, message=message, domain="desk.example")


@given(case=NUMBERS, message=NUMBERS)
@pytest.mark.requirement("CA-01")
def test_every_id_is_read_back_in_any_case_and_with_brackets(case: int, message: int) -> None:
    made = own_id(case, message)
    assert read_message_id(made, KEY) == OwnId(case=case, message=message)
    assert case_of(f"<{made.upper()}>", KEY) == case


def test_an_id_is_the_same_on_every_attempt_and_differs_between_messages() -> None:
    assert own_id() == own_id()
    assert own_id(message=34) != own_id(message=35)
    assert make_message_id(KEY, case=1, message=2, domain="Desk.Example").endswith("@desk.example")


def test_a_token_carries_at_least_80_bits() -> None:
    assert TOKEN_LENGTH * 5 >= 80
    assert len({own_id(message=number).split(".")[2].split("@")[0] for number in range(200)}) == 200


@given(
    position=st.integers(min_value=0, max_value=60),
    character=st.sampled_from(string.ascii_lowercase + "0123456789.@-"),
)
def test_an_id_with_any_character_changed_is_refused(position: int, character: str) -> None:
    made = own_id()
    position %= len(made)
    forged = made[:position] + character + made[position + 1 :]
    assert (case_of(forged, KEY) is None) == (forged != made)


@given(st.text(max_size=100))
def test_ids_of_others_are_nobodys_case(text: str) -> None:
    assert case_of(text, KEY) is None


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "c12.m34.@desk.example",
        f"c12.m34.{'a' * 20}@desk.example",
        f"c012.m34.{own_id().split('.')[2]}.example",
        "c12@desk.example",
        own_id() + " " + own_id(),
        own_id() + ".evil.example",
        "x" + own_id(),
    ],
)
def test_forged_ids_are_refused(forged: str) -> None:
    assert case_of(forged, KEY) is None


def test_an_id_signed_with_another_key_is_refused() -> None:
    assert case_of(own_id(), OTHER_KEY) is None


def test_a_case_token_cannot_be_made_into_a_message_id() -> None:
    token = case_token(KEY, 12).removeprefix("c12-")
    assert case_of(f"c12.m0.{token}@desk.example", KEY) is None


@given(case=NUMBERS)
def test_a_case_token_is_found_in_a_reply_address_whatever_its_case(case: int) -> None:
    address = f"Desk <desk+{case_token(KEY, case)}@example.org>"
    assert read_case_token(address, KEY) == case
    assert read_case_token(address.upper(), KEY) == case
    assert read_case_token(address, OTHER_KEY) is None


def test_a_case_token_fits_a_local_part() -> None:
    assert len("desk+" + case_token(KEY, 10**18)) <= 64


def test_a_valid_token_is_found_behind_a_forged_one() -> None:
    assert read_case_token(f"c12-{'a' * 20} {case_token(KEY, 12)}", KEY) == 12


def test_a_token_longer_or_shorter_than_ours_is_refused() -> None:
    token = case_token(KEY, 12)
    assert read_case_token(token + "a", KEY) is None
    assert read_case_token(token[:-1], KEY) is None
    assert read_case_token("a" + token, KEY) is None
    assert read_case_token(token.replace("c12", "c13"), KEY) is None


def test_a_short_key_is_an_error_and_not_a_weak_token() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        case_token(b"short", 1)
    with pytest.raises(ValueError, match="at least 16"):
        make_message_id(b"", case=1, message=1, domain="desk.example")


@pytest.mark.parametrize("domain", ["", "a b", "desk.example>\r\nBcc: x@y", "bücher.example"])
def test_a_domain_no_id_can_carry_is_an_error(domain: str) -> None:
    with pytest.raises(ValueError, match="no Message-ID"):
        make_message_id(KEY, case=1, message=1, domain=domain)


@pytest.mark.parametrize(
    "text", ["c1-" * 350_000, "c" * 1_000_000, "9" * 1_000_000, f"c1-{'a' * 20} " * 40_000]
)
def test_a_megabyte_of_look_alikes_is_read_in_a_moment(text: str) -> None:
    assert read_case_token(text, KEY) is None
    assert case_of(text, KEY) is None
