"""Encoded words (RFC 2047), and what is sent instead of them."""

import pytest

from postroom.mail.words import decode


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?iso-8859-1?Q?Gr=FC=DFe?= aus =?utf-8?q?K=C3=B6ln?=", "Grüße aus Köln"),
        ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
        ("=?utf-8?Q?a_b?=", "a b"),
        ("=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("plain = text ?= only", "plain = text ?= only"),
        ("=?utf-8?Q??=", ""),
    ],
)
def test_words_are_decoded(written, meant):
    assert decode(written) == meant


def test_a_character_cut_over_two_words_is_whole_again():
    assert decode("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=") == "Grüße"
    assert decode("=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=") == "Grüße"


def test_base64_cut_inside_a_quantum_is_joined():
    assert decode("=?utf-8?B?R3LDvM?= =?utf-8?B?OfZQ==?=") == "Grüße"


def test_sloppy_words_are_read():
    assert decode("=?utf-8?Q?with spaces =C3=A9?=") == "with spaces é"
    assert decode("=?utf-8?Q?no end =C3=A9") == "no end é"
    assert decode("=?utf-8?Q?glued=C3=A9?==?utf-8?Q?_on?=") == "gluedé on"
    assert decode("=?utf-8?B?R3LDvMOfZQ?=") == "Grüße"


def test_raw_characters_inside_a_word_mean_what_its_label_says():
    assert decode("=?iso-8859-1?Q?Fr\xf6sche?=") == "Frösche"


def test_japanese_words_keep_their_state():
    assert decode("=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=") == "日本語"


def test_an_unknown_or_wrong_label_still_gives_text():
    assert decode("=?x-unknown?Q?M=C3=BCller?=") == "Müller"
    assert decode("=?utf-8?Q?M=FCller?=") == "Müller"
    assert decode("=?rot13?Q?abc?=") == "abc"


def test_ten_thousand_words_take_no_time():
    assert decode(" =?utf-8?q?a?=" * 10_000) == " " + "a" * 10_000
    assert "=?" in decode("=?" * 50_000)
