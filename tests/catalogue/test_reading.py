"""The catalogue of bad inputs, as far as it is about reading a letter: each row's bytes are built here and checked.

Rows of these groups that are about sending, pages, storage or routing stand in ELSEWHERE; no row may be in neither table.
"""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from postroom.mail.automatic import is_automatic
from postroom.mail.bounces import read_bounce
from postroom.mail.describe import describe_bytes, to_json
from postroom.mail.letter import Letter, read
from tests.corpus import need
from tests.mail.letters import ANA, bound, raw

AREAS = {"mime/structure+encoding", "headers", "addresses", "dates", "attachments"}


@dataclass(frozen=True, slots=True)
class Case:
    """Letters of one row, and what must be true of each."""

    letters: tuple[bytes, ...]
    holds: Callable[[Letter], bool]


def case(*letters: bytes, holds: Callable[[Letter], bool]) -> Case:
    return Case(letters, holds)


def mixed(*parts: str, kind: str = "mixed") -> bytes:
    return raw(f"Content-Type: multipart/{kind}; boundary=cut", body=bound(*parts))


def typed(content_type: str, body: str | bytes = "Hello", *fields: str) -> bytes:
    return raw(f"Content-Type: {content_type}", *fields, body=body)


def nested(levels: int) -> bytes:
    return (
        ANA
        + b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels)
        )
        + b"\r\nHello"
    )


def fields(*lines: str | bytes, head: bytes = b"To: desk@desk.example\r\n") -> bytes:
    block = b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines)
    return head + block + b"\r\nHello"


def flagged(*names: str) -> Callable[[Letter], bool]:
    return lambda found: set(names) <= set(found.defects)


def texts(found: Letter) -> str:
    return to_json(describe_bytes(found.raw))


def parts(found: Letter) -> list[str]:
    return [part.type for part in found.root.walk()]


PLAIN = "Content-Type: text/plain\n\n"
CUT_BASE64 = "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQK"
SMIME = "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"

CASES: dict[str, Case] = {
    "MIME-01": case(b"", holds=flagged("empty")),
    "MIME-04": case(
        raw("Content-Type: multipart/mixed; boundary=cut", body=bound(PLAIN + "Hello", CUT_BASE64, closed=False)[:-4]),
        holds=lambda found: flagged("truncated")(found) and found.attachments[0].content().startswith(b"%PDF-1"),
    ),
    "MIME-05": case(typed("multipart/mixed", "--x\r\n\r\nHello"), holds=lambda f: flagged("mime-defect")(f) and "Hello" in f.text),
    "MIME-06": case(
        typed("multipart/mixed; boundary=absent"), holds=lambda f: flagged("mime-defect")(f) and f.text == "Hello"
    ),
    "MIME-08": case(
        *(nested(levels) for levels in (51, 100, 300, 1_000)),
        holds=lambda f: flagged("mime-limit")(f) and [one.name for one in f.attachments] == ["rest.eml"],
    ),
    "MIME-10": case(
        raw("Content-Type: multipart/mixed; boundary=cut", body=b"--cut\r\nContent-Type: multipart/mixed; boundary=cut\r\n\r\n" * 2_000),
        mixed("Content-Type: multipart/mixed; boundary=cut\n\nHello"),
        holds=flagged("mime-limit"),
    ),
    "MIME-12": case(
        raw("Content-Type: multipart/mixed; boundary*0=c; boundary*1=ut", body=bound(PLAIN + "Hello")),
        raw("Content-Type: multipart/mixed; boundary*0=c; boundary*0=x; boundary*1=ut", body=bound(PLAIN + "Hello")),
        holds=flagged("mime-ambiguous"),
    ),
    "MIME-13": case(raw('Content-Type: multipart/mixed; boundary="=?utf-8?q?cut?="', body=bound(PLAIN + "x")), holds=flagged("mime-ambiguous")),
    "MIME-14": case(
        raw("Content-Type: multipart/mixed; boundary=cut; boundary=other", body=bound(PLAIN + "Hello")),
        holds=lambda f: flagged("mime-ambiguous")(f) and f.text == "Hello",
    ),
    "MIME-16": case(
        raw("Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding: base64", body="SGVsbG8="), holds=flagged("mime-ambiguous")
    ),
    "MIME-18": case(
        typed("text/plain", "SGVs*bG8=", "Content-Transfer-Encoding: base64"),
        typed("text/plain", "SGVsbG8gA", "Content-Transfer-Encoding: base64"),
        holds=lambda f: flagged("mime-defect")(f) and f.text.startswith("Hello") and f.root.body.startswith(b"SGVs"),
    ),
    "MIME-20": case(
        typed("text/plain", "begin 644 x.exe\r\n#0V%T\r\n`\r\nend\r\n"), holds=lambda f: "begin 644" in f.text and not f.attachments
    ),
    "MIME-21": case(
        *(typed(f"text/plain; charset={label}", "Grüße") for label in ("foo-bar", "unicode", '"x-unknown"')),
        typed("text/plain; charset=foo-bar", "Grüße".encode("cp1252")),
        holds=lambda f: flagged("charset-guess")(f) and f.text == "Grüße",
    ),
    "MIME-22": case(typed('text/plain; charset="ut\0f8"', "Grüße"), holds=lambda f: flagged("charset-guess")(f) and f.text == "Grüße"),
    "MIME-23": case(
        *(typed(f"text/plain; charset={label}", "Uryyb \\u0041") for label in ("idna", "punycode", "rot13", "zlib", "unicode_escape")),
        holds=lambda f: flagged("charset-guess")(f) and f.text == "Uryyb \\u0041",
    ),
    "MIME-24": case(
        typed("text/plain; charset=utf-7", "+ADw-script+AD4-alert(1)"),
        typed("text/html; charset=utf-7", "+ADw-script+AD4-alert(1)"),
        holds=lambda f: "<script" not in texts(f),
    ),
    "MIME-25": case(
        typed("text/plain; charset=iso-2022-jp", b"\x1b$B$3$s\x1b$Zbroken\x1b(B ok \xff\xfe"),
        typed("text/plain; charset=hz-gb-2312", b"~{<:Ky2;NpJ)~} ~{ab"),
        typed("text/plain; charset=gb18030", "简体".encode("gb18030") + b"\xff\xff" + "繁體".encode("big5")),
        holds=lambda f: bool(f.text) and f.raw.endswith(f.root.body),
    ),
    "MIME-26": case(
        typed("text/plain; charset=utf-8", "It’s “fine” – ok".encode("cp1252")), holds=lambda f: f.text == "It’s “fine” – ok"
    ),
    "MIME-27": case(typed("text/plain", b"a\0b"), holds=lambda f: f.text == "ab" and b"\0" in f.raw),
    "MIME-29": case(
        b"From: a\rBcc: x@y.example\rSubject: s\n\nbody", holds=lambda f: flagged("line-endings")(f) and f.bcc == ()
    ),
    "MIME-30": case(
        raw(body=b".\r\n..\r\n.x\r\n.\r\n\n.\n"), holds=lambda f: f.root.body == b".\r\n..\r\n.x\r\n.\r\n\n.\n"
    ),
    "MIME-31": case(raw(body=b"a" * 5_000_000), holds=lambda f: len(f.text) == 5_000_000),
    "MIME-35": case(
        typed('message/external-body; access-type=URL; URL="http://192.0.2.1/x"', "Content-Type: text/plain\r\n\r\n"),
        typed("message/external-body; access-type=local-file; name=/etc/passwd", ""),
        holds=lambda f: len(f.attachments) == 1 and f.attachments[0].size < 100,
    ),
    "MIME-36": case(
        mixed("Content-Type: text/html\n\n<b>Hello</b>", PLAIN + "Other", kind="alternative"),
        holds=lambda f: f.text == "Other" and f.html == "<b>Hello</b>",
    ),
    "MIME-38": case(
        raw(
            "Content-Type: multipart/report; report-type=feedback-report; boundary=cut",
            body=bound(PLAIN + "x", "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\nUser-Agent: x\n"),
        ),
        holds=is_automatic,
    ),
    "MIME-39": case(
        typed(SMIME, "MIIB", "Content-Transfer-Encoding: base64"),
        mixed(PLAIN + "Hello", "Content-Type: application/pgp-signature; name=signature.asc\n\nxx", kind="signed"),
        mixed("Content-Type: application/pgp-encrypted\n\nVersion: 1", "Content-Type: application/octet-stream\n\nxx", kind="encrypted"),
        holds=lambda f: len(f.attachments) >= 1 and all(one.part.body in f.raw for one in f.attachments),
    ),
    "MIME-41": case(
        mixed(PLAIN + "one", "Content-Type: image/png\n\nx", PLAIN + "two", "Content-Type: image/png\n\nx", PLAIN + "three"),
        holds=lambda f: f.text == "one\ntwo\nthree" and len(f.attachments) == 2,
    ),
    "MIME-42": case(typed(";;;==="), typed("text"), typed("*/*"), holds=lambda f: f.text == "Hello"),
    "MIME-43": case(
        mixed("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKaGk="),
        holds=lambda f: len(f.attachments) == 1 and f.attachments[0].content() == b"Subject: x\n\nhi",
    ),
    "MIME-44": case(
        b"From ana@x.example Mon Jan  1 10:00:00 2024\nSubject: x\n\nbody",
        b"\xef\xbb\xbfSubject: x\n\nbody",
        "Subject: x\n\nbody".encode("utf-16"),
        holds=lambda f: flagged("mime-defect")(f) and (f.subject, f.text) == ("x", "body"),
    ),
    "MIME-45": case(
        typed("text/plain", b"\x1f\x8b\x08" + b"\0" * 50, "Content-Encoding: gzip"), holds=lambda f: len(f.text) < 100
    ),
    "MIME-46": case(
        typed("text/html", "My answer<html><body><div>On Monday you wrote:<blockquote>old</blockquote></div></body></html>"),
        holds=lambda f: "My answer" in str(describe_bytes(f.raw)["visible_text"]),
    ),
    "MIME-47": case(
        raw("Content-Type: multipart/mixed; boundary=cut", body=b"hidden before\r\n" + bound(PLAIN + "Hello")),
        raw("Content-Type: multipart/mixed; boundary=cut", body=bound(PLAIN + "Hello") + b"hidden after\r\n"),
        holds=lambda f: flagged("hidden-text")(f) and f.text == "Hello",
    ),
    "HDR-01": case(fields("Subject: " + "=?utf-8?q?abc?= " * 20_000), holds=flagged("header-limit")),
    "HDR-02": case(fields("X-Long: " + "x" * 10_000_000), holds=flagged("header-limit")),
    "HDR-04": case(fields("Subject: " + "a " * 400_000), holds=flagged("header-limit")),
    "HDR-06": case(
        b"From : ana@b.example\r\nSubject : x\r\nTo: desk@desk.example\r\n\r\nHello",
        holds=lambda f: flagged("header-defect")(f) and bool(f.from_ and f.to) and (f.subject, f.text) == ("x", "Hello"),
    ),
    "HDR-07": case(b" lost\r\nSubject: x\r\n\r\nHello", holds=lambda f: (f.subject, f.text) == ("x", "Hello")),
    "HDR-08": case(
        fields("Subject: a\r\n \r\n b"), fields("Subject: =?utf-8?q?a_\r\n b?="), b"Subject: a\n b\n\nHello",
        holds=lambda f: f.subject.split() == ["a", "b"] and f.text == "Hello",
    ),
    "HDR-09": case(fields(b"Subject: a\x00b\x07c\xc2\x85d"), holds=lambda f: f.subject == "a b c d"),
    "HDR-11": case(
        fields("Subject: =?nope?q?caf=C3=A9?="), fields("Subject: =?utf-8?b?Y2Fmw6k*?="),
        fields("Subject: =?utf-8?q?caf=C3?= =?utf-8?q?=A9?="), fields("Subject: café" + " =?utf-8?q??=" * 5_000),
        holds=lambda f: f.subject == "café",
    ),
    "HDR-12": case(
        fields("Subject: Grüße", "From: Jürgen <j@x.example>"),
        fields("Subject: Grüße".encode("cp1252"), "From: Jürgen <j@x.example>".encode("cp1252")),
        holds=lambda f: f.subject == "Grüße" and f.from_ is not None and f.from_.name == "Jürgen" and bool(texts(f).encode()),
    ),
    "HDR-13": case(fields(), fields("Subject:"), fields("Subject:    "), holds=lambda f: f.subject == ""),
    "HDR-14": case(
        fields("Subject: a\u202eb\u200bc" + "e\u0301\u0302" * 5_000), holds=lambda f: "\n" not in f.subject and len(f.subject) <= 20_000
    ),
    "HDR-15": case(
        fields("Subject: <img src=x onerror=alert(1)>"), holds=lambda f: f.subject == "<img src=x onerror=alert(1)>"
    ),
    "HDR-16": case(fields("Subject: {{7*7}} {% for %} ${7*7} <%= 7*7 %>"), holds=lambda f: f.subject == "{{7*7}} {% for %} ${7*7} <%= 7*7 %>"),
    "HDR-19": case(
        *(
            fields("From: a@x.example", "Subject: s", "Message-ID: <1@x>", "Date: Tue, 18 Nov 2025 10:00:00 +0000", again)
            for again in ("From: b@x.example", "To: c@x.example", "Subject: t", "Date: x", "Message-ID: <2@x>")
        ),
        holds=lambda f: flagged("dup-header")(f) and f.from_ is not None and f.from_.address == "a@x.example" and f.subject == "s"
        and f.message_id == "1@x" and [one.address for one in f.to] == ["desk@desk.example"],
    ),
    "HDR-20": case(fields(*["Received: from a by b; Tue, 18 Nov 2025 10:00:00 +0000"] * 250), holds=flagged("loop")),
    "HDR-22": case(
        fields("List-Id: <news.x.example>"), fields("List-Unsubscribe: <mailto:x@x.example>"),
        *(fields(f"Precedence: {kind}") for kind in ("bulk", "list", "junk")),
        holds=lambda f: is_automatic(f) or bool(describe_bytes(f.raw)["list"]),
    ),
    "HDR-23": case(
        *(fields("From: a@x.example", f"Auto-Submitted: {kind}") for kind in ("auto-generated", "auto-replied", "auto-notified", "garbage")),
        holds=is_automatic,
    ),
    "HDR-27": case(fields("From: a@x.example"), holds=lambda f: f.message_id == ""),
    "HDR-28": case(
        *(fields(f"Message-ID: {one}") for one in ("<[", "<a b c>>>", "no-brackets", "<" + "x" * 2_000 + ">", "<é@x>")),
        holds=lambda f: 0 < len(f.message_id) <= 998 and "<" not in f.message_id,
    ),
    "HDR-29": case(
        fields(b"X-\x07Bell: 1", b"X-\xff: 2", "X-" + "y" * 300 + ": 3", "Subject: s"), holds=lambda f: (f.subject, f.text) == ("s", "Hello")
    ),
    "ADDR-01": case(fields(), fields("From:"), fields("From: <>"), holds=flagged("no-sender")),
    "ADDR-02": case(fields("From: MAILER-DAEMON"), holds=lambda f: f.from_ is not None and f.from_.address == "MAILER-DAEMON"),
    "ADDR-03": case(fields('From: "A <a@b.example'), holds=lambda f: f.from_ is not None and f.from_.address == "a@b.example"),
    "ADDR-04": case(
        fields("From: A <a@b.example> junk <d@e.example>"),
        holds=lambda f: flagged("header-defect")(f) and f.from_ is not None and f.from_.address == "a@b.example",
    ),
    "ADDR-05": case(
        fields("From: a@b.example, c@d.example"), fields("From: Team: a@b.example, c@d.example;"),
        holds=lambda f: flagged("multi-from")(f) and f.from_ is not None and f.from_.address == "a@b.example",
    ),
    "ADDR-07": case(fields("From: " + "g:" * 200), holds=lambda f: not (f.from_ and f.from_.address)),
    "ADDR-08": case(
        b"To: " + b", ".join(b"u%d@x.example" % n for n in range(20_000)) + b"\r\n\r\n",
        holds=lambda f: flagged("header-limit")(f) and len(f.to) >= 500,
    ),
    "ADDR-11": case(
        fields("From: =?utf-8?q?boss=40corp.example?=@evil.example"),
        holds=lambda f: f.from_ is not None and f.from_.domain == "evil.example" and "boss@" not in f.from_.address,
    ),
    "ADDR-13": case(
        fields("From: p\u0430ypal <x@p\u0430ypal.example>"), fields("From: x@xn--pypal-4ve.example"),
        holds=lambda f: f.from_ is not None and f.from_.address.endswith(".example"),
    ),
    "ADDR-14": case(fields("From: 用户@例え.jp"), holds=lambda f: f.from_ is not None and f.from_.address == "用户@例え.jp"),
    "ADDR-16": case(
        fields("From: <@r1.example,@r2.example:a@b.example>"), holds=lambda f: f.from_ is not None and f.from_.address == "a@b.example"
    ),
    "ADDR-18": case(
        fields('From: "a\r\n RCPT TO:<x@y.example>"@b.example'),
        holds=lambda f: f.from_ is not None and not set("\r\n") & set(f.from_.address) and f.from_.domain == "b.example",
    ),
    "ADDR-19": case(
        *(fields(f"From: {one}") for one in ("x" * 70 + "@b.example", "a@" + "b." * 140 + "example", "a@b..example", "a@b.example.", "a@b_c.example")),
        holds=lambda f: f.from_ is not None and "@" in f.from_.address,
    ),
    "DATE-01": case(fields(), fields("Date:"), fields("Date: yesterday-ish"), holds=lambda f: f.date is None),
    "DATE-03": case(
        *(fields(f"Date: Tue, 18 Nov 2025 10:00:00 {zone}") for zone in ("+9999", "-0000", "EST", "GMT+02:00 (CEST)", "")),
        holds=lambda f: f.date is not None and f.date.utcoffset() is not None and f.date.year == 2025,
    ),
    "DATE-04": case(
        fields("Date: Tue, 18 Nov 2025 25:61:61 +0000"), fields("Date: 31 Feb 2025 10:00:00 +0000"), holds=lambda f: f.date is None
    ),
    "ATT-01": case(
        *(
            mixed(f'Content-Type: text/x; name="{name}"\n\nx')
            for name in ("../../etc/passwd", "C:\\x", "/abs", "~/x", "a\0b", "CON", "...", "x. ", "y" * 300 + ".pdf", "")
        ),
        holds=lambda f: (name := f.attachments[0].name).upper() != "CON"
        and not set("/\\\0") & set(name) and not name.endswith((".", " ")) and len(name) <= 255,
    ),
    "ATT-04": case(
        mixed("Content-Type: text/x\nContent-Disposition: attachment; filename*=bogus''a%ZZ.txt\n\nx"),
        mixed("Content-Type: text/x\nContent-Disposition: attachment; " + ";".join(f"filename*{n}=a" for n in range(8_000)) + "\n\nx"),
        holds=lambda f: f.attachments[0].name.startswith("a"),
    ),
    "ATT-08": case(
        mixed('Content-Type: image/png"><script>alert(1)</script>\n\nx'), mixed("Content-Type: text/<b>x\n\nx"),
        holds=lambda f: all(set("<>\"\r\n").isdisjoint(part) for part in parts(f)),
    ),
    "ATT-09": case(
        mixed("Content-Type: image/png\nContent-ID: <A%<b>>\n\nx", "Content-Type: image/png\nContent-ID: <a>\n\nx", kind="related"),
        holds=lambda f: len(f.attachments) == 2 and not any(one.content_id.startswith("<") for one in f.attachments),
    ),
    "ATT-19": case(
        mixed("Content-Type: text/x; name=a.txt\n\nsame", "Content-Type: text/x; name=a.txt\n\nsame"),
        holds=lambda f: [one.name for one in f.attachments] == ["a.txt", "a.txt"] and len({one.sha256() for one in f.attachments}) == 1,
    ),
}  # fmt: skip

ELSEWHERE = {
    "MIME-32": "collecting: size is known before the letter is read",
    "MIME-40": "TNEF stays an attachment; its decoding is no part of the reader",
    "HDR-17": "exports neutralise cells",
    "HDR-18": "steps never read our own fields from a letter",
    "HDR-24": "tests of automatic letters and acknowledgements",
    "HDR-25": "nothing answers receipts",
    "HDR-26": "replies and the context pane",
    "HDR-30": "tests of acknowledgements",
    "ADDR-12": "screening against our agents",
    "ADDR-21": "replies", "ADDR-22": "replies", "ADDR-24": "screening", "ADDR-25": "acknowledgements", "ADDR-26": "screening",
    "DATE-06": "collecting", "DATE-07": "filing and pages",
    "ATT-07": "pages", "ATT-10": "pages", "ATT-11": "not unpacked by us", "ATT-12": "pages", "ATT-13": "pages", "ATT-14": "virus hook",
    "ATT-16": "virus hook", "ATT-18": "composer", "ATT-20": "pages", "ATT-23": "storage",
}  # fmt: skip


@pytest.mark.parametrize("row", CASES)
def test_row(row):
    for bytes_ in CASES[row].letters:
        found = read(bytes_)
        assert CASES[row].holds(found), (row, bytes_[:200], found.defects, found.text[:100], found.from_)
        json.loads(to_json(describe_bytes(bytes_)))
        read_bounce(found)


def rows_of_the_catalogue() -> set[str]:
    text = (need("design") / "bad-inputs.tsv").read_text(encoding="utf-8")
    return {
        row["id"]
        for row in csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
        if row["area"] in AREAS
    }


def test_every_row_is_accounted_for(capsys):
    rows = rows_of_the_catalogue()
    with capsys.disabled():
        print(
            f"\nbad inputs about reading: {len(CASES)} of {len(rows - set(ELSEWHERE))}; {len(ELSEWHERE)} more are tested elsewhere"
        )
    assert rows == set(CASES) | set(ELSEWHERE)
    assert not set(CASES) & set(ELSEWHERE)
