"""The JSON of `postroom read`, and the command itself."""

import io
import json
import sys

import pytest
from django.core.management import call_command

from postroom.mail.describe import describe_bytes, summarise
from tests.mail.letters import ANA, bound, raw

KEYS = [
    "subject",
    "from",
    "sender",
    "reply_to",
    "to",
    "cc",
    "date",
    "message_id",
    "in_reply_to",
    "references",
    "text",
    "html_text",
    "visible_text",
    "folded_text",
    "attachments",
    "bounce",
    "automatic",
    "list",
    "language",
    "defects",
]


def test_every_key_is_there_and_absent_is_null():
    described = describe_bytes(b"X: y\n\n")
    assert list(described) == KEYS
    nothing = {key: described[key] for key in KEYS if described[key] is not None}
    assert nothing == {"attachments": [], "automatic": False, "defects": ["no-sender"]}


def test_a_letter_is_described():
    parts = bound(
        "Content-Type: text/plain\n\nHello, where is my order?",
        "Content-Type: application/pdf; name=bill.pdf\n\nabc",
    )
    described = describe_bytes(
        raw(
            "Date: Tue, 18 Nov 2025 10:12:33 +0100",
            "Message-ID: <1@customer.example>",
            "References: <0@desk.example>",
            "Content-Type: multipart/mixed; boundary=cut",
            body=parts,
        )
    )
    assert described["subject"] == "Order 7"
    assert described["from"] == {"name": "Ana Lima", "address": "ana@customer.example"}
    assert described["to"] == [{"name": None, "address": "desk@desk.example"}]
    assert described["date"] == "2025-11-18T10:12:33+01:00"
    assert described["message_id"] == "1@customer.example"
    assert described["references"] == ["0@desk.example"]
    assert described["visible_text"] == "Hello, where is my order?"
    assert described["language"] == "en"
    assert described["attachments"] == [
        {
            "name": "bill.pdf",
            "type": "application/pdf",
            "size": 3,
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "inline": False,
            "content_id": None,
        }
    ]


def test_a_bounce_is_described():
    report = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; gone@x.example\nAction: failed\nStatus: 5.1.1\n"
    parts = bound(
        "Content-Type: text/plain\n\nNot delivered", f"Content-Type: message/delivery-status\n\n{report}"
    )
    described = describe_bytes(
        raw("Content-Type: multipart/report; report-type=delivery-status; boundary=cut", body=parts)
    )
    recipient = described["bounce"]["recipients"][0]
    assert (recipient["address"], recipient["action"], recipient["status"]) == (
        "gone@x.example",
        "failed",
        "5.1.1",
    )


def test_the_summary_holds_no_terminal_commands():
    text = summarise(describe_bytes(ANA + b"\nHello \x1b]0;owned\x07 \x1b[2J"))
    assert "Order 7" in text
    assert "\x1b" not in text


def run(*arguments: str) -> tuple[str, str, int]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("read", *arguments, stdout=out, stderr=err)
    except SystemExit as stop:
        return out.getvalue(), err.getvalue(), int(stop.code or 0)
    return out.getvalue(), err.getvalue(), 0


def test_the_command_prints_one_object_per_line_and_tells_what_it_could_not_read(tmp_path):
    first, second = tmp_path / "a.eml", tmp_path / "b.eml"
    first.write_bytes(raw())
    second.write_bytes("Subject: Grüße\n\nHallo".encode())
    out, err, code = run(str(first), str(tmp_path / "missing.eml"), str(second), "--json")
    assert [json.loads(line)["subject"] for line in out.splitlines()] == ["Order 7", "Grüße"]
    assert "missing.eml: No such file" in err
    assert code == 2


def test_the_command_reads_standard_input_and_speaks_to_people(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw())))
    out, err, code = run("-")
    assert "Ana Lima <ana@customer.example>" in out
    assert (err, code) == ("", 0)


def test_a_folder_is_no_letter(tmp_path):
    _, err, code = run(str(tmp_path))
    assert "directory" in err.lower()
    assert code == 2


@pytest.mark.parametrize("junk", [b"", b"\0" * 50, b"\xff\xfe", bytes(range(256)) * 4])
def test_junk_is_described_too(junk):
    assert list(describe_bytes(junk)) == KEYS
