"""An outgoing letter as bytes: correct MIME for SMTP, the same bytes for the same values. Not sending, not templates.

    text                          text/plain
    text, html                    multipart/alternative
    html with inline files        the html side becomes multipart/related
    files                         multipart/mixed around all that

Written by hand and not with the standard library, because its writer turns long ids in References into encoded words
(RFC 2047 forbids them there, and threading breaks) and makes 500 letters a second. Lines end with CRLF and stay within
76 characters where they can be folded, within 998 always; bodies are 7-bit on the wire, so no server has to convert them
and signatures survive.
"""

import hashlib
import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from .addresses import Address
from .header_writing import (
    ComposeError,
    clean,
    is_field_name,
    is_id,
    write_ids,
    write_list,
    write_mailbox,
    write_parameters,
    write_text,
)

REFERENCES_KEPT = 20
"""The newest ids kept in References besides the first; what is left out in the middle nobody threads by."""

OWN_FIELDS = frozenset(
    "from to cc bcc reply-to subject date message-id in-reply-to references mime-version content-type "
    "content-transfer-encoding content-disposition content-id auto-submitted".split()
)
"""Fields `Outgoing` has its own attributes for, or that describe the MIME structure; not to be given as extra headers."""

_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,100}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,100}", re.ASCII)
_LOCAL_PART = re.compile(r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,\"]{1,255}")
_QUOTED_LOCAL_PART = re.compile(r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e]){0,255}"')
_DOMAIN = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.){0,40}[A-Za-z0-9_-]{1,63}|\[[0-9A-Za-z:.-]{1,100}\]", re.ASCII)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BROKEN = re.compile("[\ud800-\udfff]")
_NOT_ASCII = bytes(range(128, 256))
_NEWLINE_BYTES = re.compile(rb"\r\n|\r|\n")
_FROM_LINE = re.compile(rb"^From ([^\n]*)$", re.MULTILINE)
_AUTO_SUBMITTED = re.compile(r"[a-z-]{1,30}(?:; ?[a-z-]{1,30}=[A-Za-z0-9-]{1,60})*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class File:
    """One file to send along. `inline` with a `content_id` belongs into the html, which names it as `cid:<content_id>`."""

    name: str
    type: str
    content: bytes
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A letter to be written. Ids are without angle brackets; `date` is aware; `bcc` is for the envelope and never written.

    `auto_submitted` is the value of RFC 3834 ("auto-replied", "auto-generated"), empty for what a person wrote.
    """

    from_: Address
    subject: str
    message_id: str
    date: datetime
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    text: str = ""
    html: str = ""
    attachments: tuple[File, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    auto_submitted: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def compose(outgoing: Outgoing) -> bytes:
    """The bytes to hand to a server. ComposeError names the field that cannot be written."""
    fields = list(_fields(outgoing))
    seed = hashlib.sha256(outgoing.message_id.encode()).hexdigest()[:24]
    body = _build(outgoing, seed)
    head = "\r\n".join([*fields, "MIME-Version: 1.0"]).encode()
    return b"%b\r\n%b" % (head, body)


def recipients(outgoing: Outgoing) -> tuple[str, ...]:
    """The addresses for the envelope: To, Cc and Bcc, each once, in this order."""
    everybody = (*outgoing.to, *outgoing.cc, *outgoing.bcc)
    return tuple(dict.fromkeys(_address("recipient", address.address) for address in everybody))


# Header


def _fields(outgoing: Outgoing) -> Iterator[str]:
    yield f"Date: {_date(outgoing.date)}"
    yield write_list("From", [_mailbox("from", outgoing.from_)])
    yield from _address_field("To", outgoing.to)
    yield from _address_field("Cc", outgoing.cc)
    if not outgoing.to and not outgoing.cc:
        yield "To: undisclosed-recipients:;"
    yield from _address_field("Reply-To", outgoing.reply_to)
    yield write_text("Subject", outgoing.subject)
    if not is_id(outgoing.message_id):
        raise ComposeError("message_id", f"{outgoing.message_id[:100]!r} cannot be a Message-ID")
    yield write_ids("Message-ID", [outgoing.message_id])
    yield from _thread_fields(outgoing)
    if outgoing.auto_submitted:
        yield f"Auto-Submitted: {_auto_submitted(outgoing.auto_submitted)}"
    for name, value in outgoing.headers:
        yield _extra_field(name, value)


def _date(date: datetime) -> str:
    if date.tzinfo is None:
        raise ComposeError("date", "has no time zone")
    return format_datetime(date)


def _address_field(name: str, addresses: tuple[Address, ...]) -> Iterator[str]:
    if addresses:
        yield write_list(name, [_mailbox(name.lower(), address) for address in addresses])


def _mailbox(field: str, address: Address) -> str:
    return write_mailbox(address.name, _address(field, address.address))


def _address(field: str, text: str) -> str:
    """`local@domain`, the domain in ASCII. Dots in odd places stay: such mailboxes exist."""
    local, at, domain = text.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            raise ComposeError(field, f"{text[:100]!r} has a domain no name server knows how to ask for") from None
    well_formed = _LOCAL_PART.fullmatch(local) or _QUOTED_LOCAL_PART.fullmatch(local)
    if not at or well_formed is None or _DOMAIN.fullmatch(domain) is None or not local.isprintable():
        raise ComposeError(field, f"{text[:100]!r} is not an address")
    return f"{local}@{domain}"




def _thread_fields(outgoing: Outgoing) -> Iterator[str]:
    """Ids of others that cannot be written are left out: a letter without its thread is better than no letter."""
    parent = outgoing.in_reply_to if is_id(outgoing.in_reply_to) else ""
    if parent:
        yield write_ids("In-Reply-To", [parent])
    chain = [reference for reference in dict.fromkeys(outgoing.references) if is_id(reference) and reference != parent]
    chain += [parent] if parent else []
    if len(chain) > REFERENCES_KEPT + 1:
        chain = chain[:1] + chain[-REFERENCES_KEPT:]
    if chain:
        yield write_ids("References", chain)


def _auto_submitted(value: str) -> str:
    if _AUTO_SUBMITTED.fullmatch(value) is None:
        raise ComposeError("auto_submitted", f"{value[:100]!r} is no value of RFC 3834")
    return value


def _extra_field(name: str, value: str) -> str:
    if not is_field_name(name) or name.lower() in OWN_FIELDS or name.lower().startswith("content-"):
        raise ComposeError("headers", f"{name[:100]!r} cannot be given as an extra header")
    if any(character in value for character in "\r\n\x00"):
        raise ComposeError("headers", f"{name} would break out of its line")
    return write_text(name, value)


# Body: each part is its header lines, an empty line and its content, as one run of bytes


def _build(outgoing: Outgoing, seed: str) -> bytes:
    related: list[bytes] = []
    attached: list[bytes] = []
    for file in outgoing.attachments:
        belongs_to_html = outgoing.html and file.inline and file.content_id
        (related if belongs_to_html else attached).append(_file_part(file))
    body = _text_body(outgoing, related, seed)
    return _multipart("mixed", [body, *attached], f"{seed}0") if attached else body


def _text_body(outgoing: Outgoing, inline: list[bytes], seed: str) -> bytes:
    if not outgoing.html:
        return _text_part("plain", outgoing.text)
    html = _text_part("html", outgoing.html)
    if inline:
        html = _multipart("related", [html, *inline], f"{seed}2", root_type="text/html")
    if not outgoing.text:
        return html
    return _multipart("alternative", [_text_part("plain", outgoing.text), html], f"{seed}1")


def _multipart(subtype: str, parts: list[bytes], seed: str, root_type: str = "") -> bytes:
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


def _text_part(subtype: str, text: str) -> bytes:
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


def _file_part(file: File) -> bytes:
    content_type = file.type.lower() if _TYPE.fullmatch(file.type) else "application/octet-stream"
    encoding, body = "base64", b""
    if content_type == "message/rfc822" and _is_seven_bit(file.content):
        encoding, body = "7bit", _NEWLINE_BYTES.sub(b"\r\n", file.content)
    elif content_type.startswith(("message/", "multipart/")):
        content_type = "application/octet-stream"  # RFC 2046 section 5.2.1 forbids base 64 for these
    if encoding == "base64":
        body = _wrapped_base64(file.content).replace(b"\n", b"\r\n")
    return "".join(f"{line}\r\n" for line in _file_fields(file, content_type, encoding)).encode() + b"\r\n" + body


def _is_seven_bit(content: bytes) -> bool:
    return content.isascii() and b"\x00" not in content and max(map(len, _NEWLINE_BYTES.split(content))) <= 998


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
