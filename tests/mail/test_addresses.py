"""Addresses as people and machines write them."""

import pytest

from postroom.mail import limits
from postroom.mail.addresses import Address, read_addresses, read_people


def pairs(written: str | bytes) -> list[tuple[str, str]]:
    return [(found.name, found.address) for found in read_addresses(written)]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("ana@customer.example", [("", "ana@customer.example")]),
        ("<ana@customer.example>", [("", "ana@customer.example")]),
        ("Ana Lima <ana@customer.example>", [("Ana Lima", "ana@customer.example")]),
        ('"Lima, Ana" <ana@customer.example>', [("Lima, Ana", "ana@customer.example")]),
        ('"Ana \\"A\\" Lima" <ana@customer.example>', [('Ana "A" Lima', "ana@customer.example")]),
        ("ana@customer.example (Ana Lima)", [("Ana Lima", "ana@customer.example")]),
        ("Ana (Sales) <ana@customer.example>", [("Ana (Sales)", "ana@customer.example")]),
        ("a@b.example, c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ("a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        (
            "Team: a@b.example, c@d.example;, e@f.example",
            [("", "a@b.example"), ("", "c@d.example"), ("", "e@f.example")],
        ),
        ("undisclosed-recipients:;", []),
        ("<undisclosed-recipients:;>", []),
        ("<@relay.example,@other.example:a@b.example>", [("", "a@b.example")]),
        ("=?utf-8?Q?J=C3=BCrgen?= <j@b.example>", [("Jürgen", "j@b.example")]),
        ("=?utf-8?Q?Lima,_Ana?= <a@b.example>", [("Lima, Ana", "a@b.example")]),
        ("=?utf-8?Q?Lima, Ana?= <a@b.example>", [("Lima, Ana", "a@b.example")]),
        ('"=?utf-8?Q?J=C3=BCrgen?=" <j@b.example>', [("Jürgen", "j@b.example")]),
        ("=?utf-8?Q?Ana_=3Ca=40b.example=3E?=", [("Ana", "a@b.example")]),
        ("a @ b . example", [("", "a@b.example")]),
        ("a@b.example>", [("", "a@b.example")]),
        ("Ana <a@b.example", [("Ana", "a@b.example")]),
        ('"Ana <a@b.example>', [("Ana", "a@b.example")]),
        ("Ana a@b.example", [("Ana", "a@b.example")]),
        ("mailto:a@b.example", [("", "a@b.example")]),
        ("<mailto:a@b.example>", [("", "a@b.example")]),
        ("A <a@b.example> junk <d@e.example>", [("A", "a@b.example"), ("junk", "d@e.example")]),
        ("用户@例え.jp", [("", "用户@例え.jp")]),
        ("MAILER-DAEMON", [("", "MAILER-DAEMON")]),
        ("Ana <a@b.example> (home)", [("Ana (home)", "a@b.example")]),
        ("", []),
        (",,;;", []),
    ],
)
def test_fields_are_read(written, found):
    assert pairs(written) == found


def test_an_encoded_word_in_an_address_is_never_decoded_into_another_one():
    assert pairs("=?utf-8?q?boss=40corp.example?=@evil.example") == [
        ("", "=?utf-8?q?boss=40corp.example?=@evil.example")
    ]


def test_a_quoted_local_part_stays_as_written():
    assert pairs('"a b"@c.example')[0][1].endswith("@c.example")
    hostile = pairs('"a\r\nRCPT TO:<x@y.example>"@b.example')
    assert all("\r" not in address and "\n" not in address for _, address in hostile)


def test_raw_bytes_are_read_too():
    assert pairs("Jürgen <j@b.example>".encode("latin-1")) == [("Jürgen", "j@b.example")]


def test_who_is_named_without_an_address_is_a_person_but_no_address():
    assert read_people("MAILER-DAEMON <>") == (Address("MAILER-DAEMON", ""),)
    assert read_addresses("MAILER-DAEMON <>") == ()


def test_keys_compare_without_case():
    assert Address("", "Ana@Customer.Example").key == Address("x", "ana@customer.example").key


def test_the_number_of_addresses_is_bounded():
    assert len(read_addresses("a@b.example," * (limits.ADDRESSES + 500))) == limits.ADDRESSES


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 50_000,
        "()" * 50_000,
        "<" * 50_000,
        '"' * 50_001,
        "g:" * 50_000,
        "@" * 50_000,
        "a . " * 25_000,
        "=?" * 50_000,
        "\\" * 50_000,
    ],
)
def test_hostile_fields_end(hostile):
    assert isinstance(read_addresses(hostile + " a@b.example"), tuple)
