"""The charset ladder: what a body says when its label is missing, wrong, unknown or hostile."""

import pytest

from postroom.mail.charsets import ALIASES, codec_for, decode

RUSSIAN = "Здравствуйте, где мой заказ? Жду ответа уже вторую неделю."


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        ("Grüße", "utf-8", "utf-8"),
        ("Grüße", "latin-1", "iso-8859-1"),
        ("“smart”", "cp1252", "iso-8859-1"),
        ("中文信件，請查收", "big5", "big5"),
        ("简体中文", "gb18030", "gb2312"),
        ("한국어 편지", "cp949", "ks_c_5601-1987"),
        ("日本語の手紙", "cp932", "shift_jis"),
        ("日本語の手紙", "iso2022_jp", "iso-2022-jp"),
        ("日本語の手紙", "euc_jp", "x-euc-jp"),
        ("שלום", "iso8859-8", "iso-8859-8-i"),
        (RUSSIAN, "koi8-r", "KOI8-R"),
        ("Grüße", "utf-16", "utf-16"),
        ("Grüße", "utf-8", "cp65001"),
        ("Grüße", "mac_roman", "macintosh"),
        ("简体", "gb18030", "x-gbk"),
    ],
)
def test_declared_charsets_are_read(text, codec, label):
    assert decode(text.encode(codec), label) == (text, False)


@pytest.mark.parametrize(
    "label",
    [
        "foo-bar",
        "x-unknown",
        "unicode",
        "ut\0f8",
        "idna",
        "punycode",
        "rot13",
        "zlib",
        "unicode_escape",
        "base64",
        "x" * 500,
    ],
)
def test_labels_outside_the_list_are_guessed_and_flagged(label):
    assert decode("Grüße".encode(), label) == ("Grüße", True)
    assert decode(b"plain \\u0041", label) == ("plain \\u0041", True)


def test_only_text_codecs_are_on_the_list():
    for codec in set(ALIASES.values()) - {""}:
        assert isinstance(b"a\0a\0".decode(codec, "replace"), str)


def test_a_wrong_declaration_gives_way():
    assert decode("“quotes” – dash".encode("cp1252"), "utf-8")[0] == "“quotes” – dash"
    assert decode("Grüße".encode(), "iso-8859-1")[0] == "Grüße"
    assert decode("Grüße".encode(), "us-ascii")[0] == "Grüße"


def test_undeclared_text_is_recognised():
    assert decode(RUSSIAN.encode("koi8-r"))[0] == RUSSIAN
    assert decode(RUSSIAN.encode("cp1251"))[0] == RUSSIAN
    assert decode("日本語の手紙".encode("iso2022_jp"))[0] == "日本語の手紙"


def test_a_few_broken_bytes_do_not_cost_the_charset():
    data = RUSSIAN.encode() + b"\xff" + RUSSIAN.encode()
    assert decode(data, "utf-8") == (RUSSIAN + "\ufffd" + RUSSIAN, True)


def test_utf8_cut_inside_its_last_character_is_still_utf8():
    assert decode("привет €".encode()[:-1], "utf-8")[0] == "привет \ufffd"


def test_nec_rows_of_japanese_letters_are_read():
    assert decode(b"\x1b$B-!\x1b(B", "iso-2022-jp")[0] == "①"


def test_utf7_never_turns_into_markup():
    assert decode(b"+ADw-script+AD4-alert(1)", "utf-7")[0] == "+ADw-script+AD4-alert(1)"
    assert decode(b"Gr+APwA3w-e", "utf-7")[0] == "Grüße"
    assert decode(b"Gr+APwA3w-e", "utf-7", html=True)[0] == "Gr+APwA3w-e"


def test_nul_and_surrogates_never_come_out():
    for label in ("utf-8", "utf-16", "utf-32", "gb18030", "utf-7", "hz", ""):
        for data in (b"a\0b\xed\xa0\x80", b"\xd8\x00\xd8\x00", b"\x84\x31\xa4\x37", b"+2AA-"):
            text = decode(data, label)[0]
            assert "\0" not in text
            text.encode("utf-8")


def test_html_may_name_its_own_charset():
    html = '<meta charset="windows-1251"><p>Привет</p>'
    assert "Привет" in decode(html.encode("cp1251"), "", html=True)[0]


def test_codecs_are_found_under_many_spellings():
    assert codec_for("UTF8") == codec_for("utf-8") == codec_for(" utf_8 ") == "utf-8"
    assert codec_for("windows-1252") == codec_for("cp1252") == "cp1252"
