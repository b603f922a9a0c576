"""The two mailboxes of the benches: `small` (about 3 kB each) and `mixed` (60 % small, 25 % HTML, 10 % with a file, 5 % 1-3 MB)."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

WORDS = [
    "order",
    "parcel",
    "invoice",
    "delivery",
    "address",
    "refund",
    "jacket",
    "size",
    "broken",
    "missing",
    "please",
    "thank",
    "number",
    "customer",
    "account",
    "payment",
    "yesterday",
    "tomorrow",
    "monday",
    "received",
    "opened",
    "returned",
    "label",
    "courier",
    "warehouse",
    "colour",
    "zip",
    "exchange",
    "receipt",
    "warranty",
]
HEADERS = (
    "Return-Path: <{sender}>\r\nReceived: from mx{i}.customer.example (mx.customer.example [192.0.2.{b}])\r\n"
    "\tby mail.desk.example (Postfix) with ESMTPS id 4XYZ{i:06d}\r\n\tfor <help@desk.example>; Thu, 12 Nov 2026 10:36:00 +0100 (CET)\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=customer.example; s=s1;\r\n\th=from:to:subject:date; bh={bh};\r\n\tb={sig}\r\n"
    "From: {name} <{sender}>\r\nTo: Help <help@desk.example>\r\nSubject: {subject}\r\n"
    "Date: Thu, 12 Nov 2026 10:36:{s:02d} +0100\r\nMessage-ID: <{i}.bench@customer.example>\r\nMIME-Version: 1.0\r\n"
)


def small(count: int, *, seed: int = 1) -> Iterator[bytes]:
    """Plain letters; one in five answers an earlier one of the same customer."""
    rng = random.Random(seed)
    for i in range(count):
        yield _plain(rng, i, f"s{seed}")


def mixed(count: int, *, seed: int = 2) -> Iterator[bytes]:
    """Letters as a desk gets them."""
    rng = random.Random(seed)
    for i in range(count):
        draw = rng.random()
        if draw < 0.60:
            yield _plain(rng, i, f"m{seed}")
        elif draw < 0.85:
            yield _html(rng, i)
        elif draw < 0.95:
            yield _with_file(rng, i, rng.randint(100_000, 300_000))
        else:
            yield _with_file(rng, i, rng.randint(1_000_000, 3_000_000))


def _text(rng: random.Random, size: int) -> str:
    lines, total = [], 0
    while total < size:
        line = " ".join(rng.choice(WORDS) for _ in range(rng.randint(6, 11)))
        lines.append(line)
        total += len(line) + 2
    return "\r\n".join(lines) + "\r\n"


def _head(rng: random.Random, i: int, mark: str, more: str = "", answers: int | None = None) -> str:
    customer = (i - 1 if answers is not None else i) * 7919 % 2000
    if answers is not None:
        parent = f"<{answers}.{mark}.bench@customer.example>"
        more = f"In-Reply-To: {parent}\r\nReferences: {parent}\r\n{more}"
    hashes = {
        "bh": base64.b64encode(rng.randbytes(32)).decode(),
        "sig": "\r\n\t ".join(base64.b64encode(rng.randbytes(57)).decode() for _ in range(4)),
    }
    return HEADERS.format(
        i=i, b=i % 250, s=i % 60, name=f"Customer {customer}", sender=f"c{customer}@customer.example",
        subject=" ".join(rng.choice(WORDS) for _ in range(5)).capitalize(), **hashes,
    ).replace(".bench@", f".{mark}.bench@") + more  # fmt: skip


def _plain(rng: random.Random, i: int, mark: str) -> bytes:
    more = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    answers = i - 1 if mark.startswith("s") and i % 5 == 4 else None
    return f"{_head(rng, i, mark, more, answers)}\r\n{_text(rng, 2100)}".encode()


def _html(rng: random.Random, i: int) -> bytes:
    text = _text(rng, 1500)
    rows = "".join(
        f"<tr><td style='padding:4px'><b>{rng.choice(WORDS)}</b></td><td>{_text(rng, 300)}</td></tr>"
        for _ in range(rng.randint(35, 90))
    )
    page = f"<html><head><style>td{{color:#333}}</style></head><body><p>{text}</p><table>{rows}</table></body></html>"
    head = _head(rng, i, "h", 'Content-Type: multipart/alternative; boundary="alt"\r\n')
    return (
        f"{head}\r\n--alt\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--alt\r\n"
        f"Content-Type: text/html; charset=utf-8\r\n\r\n{page}\r\n--alt--\r\n"
    ).encode()


def _with_file(rng: random.Random, i: int, size: int) -> bytes:
    head = _head(rng, i, "f", 'Content-Type: multipart/mixed; boundary="mix"\r\n').encode()
    body = base64.encodebytes(rng.randbytes(size * 3 // 4)).replace(b"\n", b"\r\n")
    return b"".join(
        [
            head, b"\r\n--mix\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", _text(rng, 1200).encode(),
            b'\r\n--mix\r\nContent-Type: application/pdf; name="scan.pdf"\r\nContent-Transfer-Encoding: base64\r\n',
            b'Content-Disposition: attachment; filename="scan.pdf"\r\n\r\n', body, b"--mix--\r\n",
        ]
    )  # fmt: skip
