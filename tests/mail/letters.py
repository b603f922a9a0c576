"""Builds the letters of these tests in one line each. Not fixtures from the corpus."""

from postroom.mail.letter import Letter, read

ANA = b"From: Ana Lima <ana@customer.example>\r\nTo: desk@desk.example\r\nSubject: Order 7\r\n"


def letter(*fields: str, body: bytes | str = "Hello", head: bytes = ANA) -> Letter:
    """A letter with the usual three fields and the given ones."""
    return read(raw(*fields, body=body, head=head))


def raw(*fields: str, body: bytes | str = "Hello", head: bytes = ANA) -> bytes:
    block = head + b"".join(field.encode() + b"\r\n" for field in fields)
    return block + b"\r\n" + (body if isinstance(body, bytes) else body.encode())


def multipart(*parts: str, kind: str = "mixed", boundary: str = "cut", closed: bool = True) -> Letter:
    """A letter of parts written as 'Field: value\\n\\nbody'."""
    return letter(
        f'Content-Type: multipart/{kind}; boundary="{boundary}"',
        body=bound(*parts, boundary=boundary, closed=closed),
    )


def bound(*parts: str, boundary: str = "cut", closed: bool = True) -> bytes:
    text = "".join(f"--{boundary}\n{part}\n" for part in parts) + (f"--{boundary}--\n" if closed else "")
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
