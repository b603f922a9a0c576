"""Content-Transfer-Encoding undone without ever failing (RFC 2045 section 6). Not charsets."""

import binascii
import re

BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NOT_BASE64 = bytes(set(range(256)) - set(BASE64))
NOT_BASE64_NOR_SPACE = bytes(set(range(256)) - set(BASE64 + b"= \t\r\n"))
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4}[ \t]*([^\r\n]*)\r?\n", re.M)
_SOFT_BREAK_SPACE = re.compile(rb"=[ \t]+(?=\r?\n)")


def decode(data: bytes, encoding: str) -> bytes:
    """The bytes behind a body; an unknown encoding leaves them as they are (RFC 2045 section 6.4)."""
    if encoding in ("7bit", "8bit"):
        return data
    if encoding == "base64":
        return decode_base64(data)
    if encoding == "quoted-printable":
        return decode_quoted(data)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue", "x-uu"):
        return decode_uu(data)
    return data


def decode_base64(data: bytes) -> bytes:
    """Base64 with foreign characters, early padding and lost tails: as much as can be read."""
    if _is_prose(
        data.lstrip(b" \t\r\n=")[:100].partition(b"\n")[0]
    ):  # plain text that only claims to be base64
        return data
    try:
        return binascii.a2b_base64(data, strict_mode=False) if _ends_once(data) else _decode_pieces(data)
    except binascii.Error:
        return _decode_pieces(data)


def _ends_once(data: bytes) -> bool:
    """Whether '=' occurs only at the end: CPython stops reading at the first complete padding."""
    first = data.find(b"=")
    return first < 0 or not data[first:].strip(b"= \t\r\n")


def _decode_pieces(data: bytes) -> bytes:
    pieces = data.replace(b"=", b"").split(b"=") if data.count(b"=") > 10_000 else data.split(b"=")
    read = [_decode_piece(pieces[0])]
    for piece in pieces[1:]:
        if _is_prose(piece):  # a list's footer below the encoded text
            break
        read.append(_decode_piece(piece))
    return b"".join(read)


def _is_prose(piece: bytes) -> bool:
    """Words with blanks between them, which base64 never has."""
    return len(piece.translate(None, BASE64 + b"=\r\n")) * 12 > len(piece) and b" " in piece.strip()


def _decode_piece(piece: bytes) -> bytes:
    digits = piece.translate(None, NOT_BASE64)
    spare = len(digits) % 4
    if spare == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + (b"", b"", b"==", b"=")[spare])


def is_clean_base64(data: bytes) -> bool:
    """Whether the body is base64 with nothing foreign and nothing missing."""
    if not data.isascii() or data.translate(None, BASE64 + b"= \t\r\n"):
        return False
    return len(data.translate(None, NOT_BASE64)) % 4 != 1


def decode_quoted(data: bytes) -> bytes:
    """Quoted-printable; bad escapes stay as written (RFC 2045 section 6.7, note on robustness)."""
    if b"= " in data or b"=\t" in data:
        data = _SOFT_BREAK_SPACE.sub(b"=", data)
    return binascii.a2b_qp(data)


def decode_uu(data: bytes) -> bytes:
    """The first uuencoded file of the body, line by line; lines that are not uuencoded are left out."""
    begin = _UU_BEGIN.search(data)
    lines = data[begin.end() if begin else 0 :].splitlines()
    return b"".join(_decode_uu_lines(lines))


def _decode_uu_lines(lines: list[bytes]) -> list[bytes]:
    out: list[bytes] = []
    for line in lines:
        if line.strip() == b"end":
            break
        out.append(_decode_uu_line(line))
    return out


def _decode_uu_line(line: bytes) -> bytes:
    if not line:
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        wanted = (((line[0] - 32) & 63) * 4 + 5) // 3  # some encoders pad the line beyond its count
        try:
            return binascii.a2b_uu(line[:wanted])
        except binascii.Error:
            return b""
