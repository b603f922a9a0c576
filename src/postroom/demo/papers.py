"""Small files that customers attach, made on the spot: an invoice (PDF), a photo of a label (PNG), bank lines (CSV)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """One file with its media type."""

    name: str
    kind: str
    data: bytes


def make_paper(kind: str, order: str) -> Paper:
    """A file of this kind about an order. Raises KeyError for an unknown kind."""
    return {"pdf": _invoice, "png": _photo, "csv": _bank_lines}[kind](order)


def _invoice(order: str) -> Paper:
    lines = ["Nordlys AS", f"Invoice {order}", "", "1 Lamp Fjell          149.00", "1 Delivery             9.00", "Total EUR            158.00"]  # fmt: skip
    shown = " ".join(f"({line}) Tj T*" for line in lines)
    return Paper(
        f"invoice-{order}.pdf", "application/pdf", _pdf(f"BT /F1 14 Tf 18 TL 60 760 Td {shown} ET".encode())
    )


def _pdf(content: bytes) -> bytes:
    """One A4 page (ISO 32000-1, 7.5)."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>",
    )
    out, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, table, size, len(out))  # fmt: skip


def _photo(order: str) -> Paper:
    """A picture of 240 x 160 dots: dusk over a lamp, a little different for every order."""
    shade = sum(order.encode()) % 60
    rows = b"".join(b"\0" + b"".join(_dot(x, y, shade) for x in range(240)) for y in range(160))
    head = struct.pack(">IIBBBBB", 240, 160, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")  # fmt: skip
    return Paper(f"IMG_{order}.png", "image/png", data)


def _dot(x: int, y: int, shade: int) -> bytes:
    if abs(x - 120) < 4 and 70 < y < 140:
        return bytes((60, 52, 48))
    if 40 < y < 75 and abs(x - 120) < (y - 20):
        return bytes((244, 208, 120))
    if y > 140:
        return bytes((110, 84, 66))
    return bytes((70 + shade, 90 + y // 3, 130 + y // 2))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _bank_lines(order: str) -> Paper:
    text = (
        f"date;text;amount\r\n14.03.;NORDLYS {order};-189,00\r\n14.03.;NORDLYS {order};-189,00\r\n"
        "15.03.;Café Märchenmühle;-7,40\r\n"
    )
    return Paper("statement.csv", "text/csv", text.encode())
