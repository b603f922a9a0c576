"""Hostile letters end soon: each is far past every limit and must take the time of its length, not of its square."""

import time

import pytest

from postroom.mail.letter import Letter, read

GENEROUS = 5.0
"""Seconds; each takes a few hundredths on an idle machine. A quadratic step would take minutes."""

HOSTILE = {
    "5,000 nested multiparts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5_000)
    ),
    "5,000 nested messages": b"Content-Type: message/rfc822\n\n" * 5_000,
    "50,000 parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nhi\n" * 50_000,
    "children with the boundary of their parent": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
    * 5_000,
    "a field of 10 MB": b"Subject: " + b"x" * 10_000_000 + b"\n\nhi",
    "400,000 words in a subject": b"Subject: " + b"a " * 400_000 + b"\n\nhi",
    "200,000 encoded words": b"Subject: " + b" =?utf-8?q?a?=" * 200_000 + b"\n\nhi",
    "half encoded words": b"Subject: " + b"=?a?b?x" * 14_000 + b"\n\nhi",
    "100,000 fields": b"X: y\n" * 100_000 + b"\nhi",
    "20,000 addresses": b"To: "
    + b", ".join(b"N%d <u%d@x.example>" % (n, n) for n in range(20_000))
    + b"\n\nhi",
    "1,000 nested comments": b"From: " + b"(" * 1_000 + b")" * 1_000 + b" a@b.example\n\n",
    "open comments": b"From: " + b"(" * 90_000 + b"\n\n",
    "open angles": b"From: " + b"<a@b " * 19_000 + b"\n\n",
    "groups": b"From: " + b"g:" * 45_000 + b"\n\n",
    "ats": b"From: " + b"@" * 90_000 + b"\n\n",
    "equals and question marks": b"From: " + b"=?" * 45_000 + b" a@b.example\n\n",
    "blanks in a type": b"Content-Type: text/plain; name=a" + b" " * 90_000 + b"b\n\n",
    "open quotes in a type": b"Content-Type: text/plain; " + b'a="' * 30_000 + b"\n\n",
    "8,000 pieces of a name": b"Content-Type: text/plain; "
    + b"".join(b"name*%d*=%%41;" % n for n in range(8_000))
    + b"\n\n",
    "open angles in references": b"References: " + (b"<" + b" " * 4_000) * 24 + b"\n\n",
    "false boundaries": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + b"--bb\n" * 1_000_000,
    "a boundary of one dash": b'Content-Type: multipart/mixed; boundary="-"\n\n' + b"---\n" * 1_000_000,
    "a million junk lines": b"abc\n" * 1_000_000,
    "20 MB of blank lines": b"\n" * 20_000_000,
    "20 MB of lone returns": b"Subject: x\r\r" + b"a\r" * 10_000_000,
    "endless padding": b"Content-Transfer-Encoding: base64\n\n" + b"QQ==\n" * 500_000,
    "soft breaks": b"Content-Transfer-Encoding: quoted-printable\n\n" + (b"=" + b" " * 5_000 + b"x") * 200,
    "flowed blanks": b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 500_000,
    "random bytes": b"Content-Type: text/plain; charset=utf-8\n\n" + bytes(range(128, 256)) * 20_000,
    "one line of 5 MB": b"Subject: x\n\n" + b"a" * 5_000_000,
}


def read_all(found: Letter) -> tuple[object, ...]:
    people = (found.from_, found.sender, found.reply_to, found.to, found.cc, found.bcc)
    ids = (found.message_id, found.in_reply_to, found.references)
    return (
        found.subject,
        people,
        ids,
        found.date,
        found.text,
        found.html,
        [one.sha256() for one in found.attachments],
        found.defects,
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_letters_end_soon(name):
    began = time.perf_counter()
    read_all(read(HOSTILE[name]))
    assert time.perf_counter() - began < GENEROUS


def test_twice_the_length_takes_about_twice_the_time():
    def seconds(parts: int) -> float:
        raw = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nhello\n" * parts
        best = 9e9
        for _ in range(3):
            began = time.process_time()
            read_all(read(raw))
            best = min(best, time.process_time() - began)
        return best

    assert seconds(80_000) < 8 * seconds(20_000) + 0.05
