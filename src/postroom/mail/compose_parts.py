"""The MIME parts of an outgoing letter: each as its header lines, an empty line and its content, in one run of bytes.

Every part is 7-bit on the wire and its lines end with CRLF (RFC 2045, 2046). Not the fields of the letter: `compose.py`.
"""

import hashlib
import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass

from .header_writing import ComposeError, clean, is_id, write_parameters

_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,100}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,100}", re.ASCII)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BROKEN = re.compile("[\ud800-\udfff]")
_NOT_ASCII = bytes(range(128, 256))
_NEWLINE_BYTES = re.compile(rb"\r\n|\r|\n")
_FROM_LINE = re.compile(rb"^From ([^\n]*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class File:
    """One file to send along. `inline` with a `content_id` belongs into the html, which names it as `cid:<content_id>`."""

    name: str
    type: str
    content: bytes
    inline: bool = False
    content_id: str = ""


def multipart(subtype: str, parts: list[bytes], seed: str, root_type: str = "") -> bytes:
    """Parts joined into one. `seed` (hexadecimal, different for each multipart of a letter) makes the boundary."""
    boundary = _boundary(parts, seed)
    parameters = [("type", root_type)] if root_type else []
    value = write_parameters(f"multipart/{subtype}", [*parameters, ("boundary", boundary)])
    line = b"\r\n--" + boundary.encode()
    return b"".join(
        [f"Content-Type: {value}\r\n".encode(), *(line + b"\r\n" + part for part in parts), line, b"--\r\n"]
    )


def _boundary(parts: list[bytes], seed: str) -> str:
    """A line that occurs in no part. A quoted letter of ours may hold an old one, so it is looked for."""
    boundary = f"=_{seed}"
    while any(boundary.encode() in part for part in parts):
        boundary = f"=_{hashlib.sha256(boundary.encode()).hexdigest()[:25]}"
    return boundary


def text_part(subtype: str, text: str) -> bytes:
    """text/<subtype> in UTF-8. Control characters are dropped, the last line gets its end."""
    lines = _NEWLINE.sub("\n", _CONTROLS.sub("", text))
    lines = _BROKEN.sub("\ufffd", lines)
    if lines and not lines.endswith("\n"):
        lines += "\n"
    encoding, body = _encode_text(lines)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body.replace(b"\n", b"\r\n")


def _encode_text(text: str) -> tuple[str, bytes]:
    """As it is when it travels safely, else quoted-printable, else (mostly not ASCII) base64; lines end with LF."""
    content = text.encode()
    if text.isascii() and "\nFrom " not in f"\n{text}" and max(map(len, text.split("\n"))) <= 76:
        return "7bit", content
    others = len(content) - len(content.translate(None, _NOT_ASCII))
    if others * 6 > len(content):  # more than a sixth costs more as =XX than everything does in base 64
        return "base64", _wrapped_base64(content.replace(b"\n", b"\r\n"))
    return "quoted-printable", _FROM_LINE.sub(_guard_from, b2a_qp(content, istext=True))


def _guard_from(line: re.Match[bytes]) -> bytes:
    """`From ` at the start of a line is quoted by mailboxes on the way, which breaks signatures."""
    rest = line[1]
    if len(rest) <= 69:
        return b"=46rom " + rest
    return b"=46rom =\n" + rest


def _wrapped_base64(content: bytes) -> bytes:
    encoded = b2a_base64(content, newline=False)
    return b"".join(encoded[at : at + 76] + b"\n" for at in range(0, len(encoded), 76))


def file_part(file: File) -> bytes:
    """A file, byte for byte. A letter goes as a letter when it is 7-bit, as a plain file otherwise. ComposeError on a bad id."""
    content_type = file.type.lower() if _TYPE.fullmatch(file.type) else "application/octet-stream"
    encoding, body = "base64", b""
    if content_type == "message/rfc822" and _is_seven_bit(file.content):
        encoding, body = "7bit", _NEWLINE_BYTES.sub(b"\r\n", file.content)
    elif content_type.startswith(("message/", "multipart/")):
        content_type = "application/octet-stream"  # RFC 2046 section 5.2.1 forbids base 64 for these
    if encoding == "base64":
        body = _wrapped_base64(file.content).replace(b"\n", b"\r\n")
    return (
        "".join(f"{line}\r\n" for line in _file_fields(file, content_type, encoding)).encode()
        + b"\r\n"
        + body
    )


def _is_seven_bit(content: bytes) -> bool:
    return (
        content.isascii() and b"\x00" not in content and max(map(len, _NEWLINE_BYTES.split(content))) <= 998
    )


def _file_fields(file: File, content_type: str, encoding: str) -> Iterator[str]:
    name = clean(file.name)
    named = [("name", name)] if name else []
    yield f"Content-Type: {write_parameters(content_type, [*_charset(file, content_type), *named])}"
    yield f"Content-Transfer-Encoding: {encoding}"
    disposition = "inline" if file.inline else "attachment"
    yield f"Content-Disposition: {write_parameters(disposition, [('filename', name)] if name else [])}"
    if file.content_id:
        if not is_id(file.content_id):
            raise ComposeError("attachments", f"{file.content_id[:100]!r} cannot be a Content-ID")
        yield f"Content-ID: <{file.content_id}>"


def _charset(file: File, content_type: str) -> list[tuple[str, str]]:
    if not content_type.startswith("text/"):
        return []
    try:
        file.content.decode("utf-8")
    except UnicodeDecodeError:
        return []
    return [("charset", "utf-8")]
