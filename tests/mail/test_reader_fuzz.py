"""Any bytes at all: the reader and its description never raise, and say the same twice."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.mail.addresses import read_addresses
from postroom.mail.dates import read_date
from postroom.mail.describe import describe_bytes, to_json
from postroom.mail.parameters import read as read_parameters
from postroom.mail.words import decode
from tests.corpus import samples

PIECES = [b"\r\n", b"\n", b"\r", b"\n\n", b" ", b"\t", b":", b";", b"=", b"=?utf-8?Q?", b"?=", b"=?gb2312?B?", b"<", b">", b"@", b'"', b"(", b")",
          b"\0", b"\xff", b"\xe9", b"\xc3\xa9", b"--", b"--b", b"--b--", b"boundary=b", b"Content-Type: ", b"multipart/mixed; ", b"message/rfc822",
          b"text/plain; charset=", b"utf-16", b"iso-2022-jp", b"\x1b$B", b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable",
          b"From: ", b"To: ", b"Date: ", b"Subject: ", b"References: ", b"*0*=", b"name", b"From ", b"\xef\xbb\xbf", b"begin 644 x\n"]  # fmt: skip


def describe_twice(raw: bytes) -> None:
    described = describe_bytes(raw)
    line = to_json(described)
    line.encode("utf-8")
    assert "\\u0000" not in line
    assert "\n" not in line
    assert json.loads(line) == json.loads(to_json(describe_bytes(raw)))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=60).map(b"".join))
def test_any_bytes_are_read(raw):
    describe_twice(raw)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_by_the_readers_of_fields(text):
    assert isinstance(read_addresses(text), tuple)
    assert isinstance(decode(text), str)
    read_date(text)
    read_parameters(text.encode("utf-8", "replace").decode("latin-1"))


def mutate(raw: bytes, dice: random.Random) -> bytes:
    """Cut, double, swap or spoil a few places."""
    data = bytearray(raw)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data) + 1)
        length = dice.randrange(1, 60)
        match dice.randrange(4):
            case 0:
                del data[at : at + length]
            case 1:
                data[at:at] = data[at : at + length]
            case 2:
                data[at:at] = dice.choice(PIECES)
            case _:
                data[at : at + 1] = bytes([dice.randrange(256)])
    return bytes(data)


@pytest.mark.corpus
def test_spoilt_letters_of_the_corpus_are_read():
    dice = random.Random(7)
    letters = [
        sample
        for sample in samples("mime", "invalid", "bounces", "languages", "crypto", "calendar")
        if sample.path.stat().st_size < 30_000
    ]
    for sample in dice.sample(letters, min(250, len(letters))):
        raw = mutate(sample.read(), dice)
        try:
            describe_twice(raw)
        except Exception as error:  # the letter is named, so that it can be kept as a test
            raise AssertionError(f"{sample.name} spoilt with {raw[:200]!r}... raised {error!r}") from error
