"""The tree of a letter's parts, found as slices of the raw bytes and decoded when asked (RFC 2045, RFC 2046).

Not a judgement about what to show: see `letter.py`. Bounded by `limits`: what is too deep or too many stays one attachment.
"""

from collections.abc import Iterator
from typing import Final

from . import charsets, delimiters, header_block, limits, parameters, transfer
from .headers import Headers
from .lazily import lazily

PLAIN: Final = parameters.Value("text/plain", {})


class Bounds:
    """What one letter may still use, and the flags its parts raised. Shared by all parts of the letter."""

    __slots__ = ("flags", "parts")

    def __init__(self) -> None:
        self.parts = limits.PARTS
        self.flags: set[str] = set()

    def take(self) -> bool:
        """Count one part; False when the letter has used up its parts."""
        self.parts -= 1
        if self.parts < 0:
            self.flags.add("mime-limit")
        return self.parts >= 0


class Part:
    """One part: its headers now, its children, bytes and text when asked."""

    def __init__(
        self,
        raw: bytes,
        start: int,
        end: int,
        *,
        bounds: Bounds,
        parent: "Part | None" = None,
        default: str = "text/plain",
    ) -> None:
        self.raw = raw
        self.start = start
        self.end = end
        self.bounds = bounds
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 0
        self.headers: Headers
        self.headers, self.body_start = header_block.split(raw, start, end)
        self._default = default
        self.rest = False  # holds everything after the part limit
        self.hollow = end <= self.body_start  # a multipart with nothing in it

    @lazily
    def _content_type(self) -> parameters.Value:
        written = self.headers.written("content-type")
        if not written:
            return parameters.Value(self._default, {})
        found = parameters.read_type(written)
        if not found.value:
            self.bounds.flags.add("mime-defect")
            return parameters.Value(_type_of_defective(written), found.params, found.ambiguous)
        return found

    @lazily
    def _disposition(self) -> parameters.Value | None:
        written = self.headers.written("content-disposition")
        return parameters.read(written) if written else None

    @lazily
    def type(self) -> str:
        """'type/subtype' in lower case; text/plain where it is missing or nonsense (RFC 2045 section 5.2)."""
        return self._content_type.value

    @property
    def params(self) -> dict[str, str]:
        """Parameters of the Content-Type, names in lower case."""
        return self._content_type.params

    @property
    def disposition(self) -> str:
        """'attachment', 'inline' or ''; an unknown word means attachment (RFC 2183 section 2.8)."""
        found = self._disposition
        if found is None or not found.value:
            return ""
        return "inline" if found.value == "inline" else "attachment"

    @lazily
    def filename(self) -> str:
        """The file name given by the sender, made safe to show; empty if none."""
        found = self._disposition
        name = found.params.get("filename", "") if found else ""
        name = name or self.params.get("name", "") or (found.params.get("name", "") if found else "")
        return parameters.clean_filename(name)

    @lazily
    def content_id(self) -> str:
        """Content-ID without angle brackets; empty if none."""
        return self.headers.plain("content-id").strip(" <>")

    @property
    def charset(self) -> str:
        """The declared charset label in lower case; empty if none."""
        return self.params.get("charset", "").lower()

    @lazily
    def encoding(self) -> str:
        """The transfer encoding in lower case; 7bit where none is given."""
        written = self.headers.written("content-transfer-encoding")
        if not written:
            return "7bit"
        if self.headers.count("content-transfer-encoding") > 1 and len(self._encodings()) > 1:
            self.bounds.flags.add("mime-ambiguous")
        return _encoding(written)

    def _encodings(self) -> set[str]:
        return {_encoding(written) for written in self.headers.plain_all("content-transfer-encoding")}

    @property
    def is_multipart(self) -> bool:
        """Whether it is declared to hold parts."""
        return self.type.startswith("multipart/")

    @lazily
    def body(self) -> bytes:
        """The bytes as written, transfer encoding included."""
        return self.raw[self.body_start : self.end]

    @property
    def approx_size(self) -> int:
        """Size of the content in bytes, estimated from the encoded size without decoding."""
        size = self.end - self.body_start
        if self.encoding == "base64":
            return size * 3 * 76 // (4 * 78) if size > 78 else size * 3 // 4
        return size

    def content(self) -> bytes:
        """The bytes behind the transfer encoding. Kept, so that asking twice costs once."""
        return self._content

    @lazily
    def _content(self) -> bytes:
        if self.is_multipart and self.encoding not in ("base64", "quoted-printable"):
            return self.body
        return transfer.decode(self.body, self.encoding)

    def text(self) -> str:
        """The content as text, line ends as LF, without NUL and lone surrogates."""
        return self._text

    @lazily
    def _text(self) -> str:
        text, guessed = charsets.decode(self.content(), self.charset, html=self.type == "text/html")
        if guessed:
            self.bounds.flags.add("charset-guess")
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    @lazily
    def children(self) -> "tuple[Part, ...]":
        """The parts of a multipart, or the attached message of a message/rfc822; empty for a leaf."""
        if self.is_multipart:
            return tuple(self._split())
        return (self.message,) if self.message is not None else ()

    @lazily
    def message(self) -> "Part | None":
        """The root of an attached message; None for any other part."""
        if self.type not in ("message/rfc822", "message/global", "message/news") or self.rest:
            return None
        if self.depth >= limits.DEPTH or not self.bounds.take():
            self.bounds.flags.add("mime-limit")
            return None
        if self.encoding in ("base64", "quoted-printable"):  # forbidden by RFC 2046 section 5.2.1, and sent
            raw = self.content()
            return Part(raw, header_block.skip_marks(raw)[0], len(raw), bounds=self.bounds, parent=self)
        skipped, _ = header_block.skip_marks(
            self.raw[self.body_start : min(self.end, self.body_start + 1_000)]
        )
        return Part(self.raw, self.body_start + skipped, self.end, bounds=self.bounds, parent=self)

    def walk(self) -> "Iterator[Part]":
        """This part and all below it in the order written, attached messages included."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))

    def _split(self) -> "list[Part]":
        if self.depth >= limits.DEPTH:
            self.bounds.flags.add("mime-limit")
            return []
        boundary = self._boundary()
        if not boundary:
            self.bounds.flags.add("mime-defect")
            return []
        cuts = delimiters.find_cuts(self.raw, self.body_start, self.end, boundary)
        self._judge(cuts)
        return self._make(cuts.places) if cuts.places else []

    def _judge(self, cuts: delimiters.Cuts) -> None:
        """Raise the flags of a multipart that is not as it should be."""
        flags = self.bounds.flags
        if cuts.flooded:
            flags.add("mime-limit")
        if not cuts.places:
            flags.add("mime-defect")
            self.hollow = self.hollow or (cuts.closed and self.body.strip().startswith(b"--"))
            return
        if not cuts.closed and self.end >= len(self.raw):
            flags.add("truncated")
        if delimiters.hides_text(self.raw, self.body_start, self.end, cuts):
            flags.add("hidden-text")

    def _make(self, cuts: tuple[tuple[int, int], ...]) -> "list[Part]":
        default = "message/rfc822" if self.type == "multipart/digest" else "text/plain"
        parts: list[Part] = []
        for start, end in cuts:
            if not self.bounds.take():
                parts.append(self._keep_rest(start, cuts[-1][1]))
                break
            parts.append(Part(self.raw, start, end, bounds=self.bounds, parent=self, default=default))
        return parts

    def _keep_rest(self, start: int, end: int) -> "Part":
        part = Part(self.raw, start, end, bounds=self.bounds, parent=self)
        part.rest = True
        part.body_start = start
        part.__dict__["_content_type"] = parameters.Value("application/octet-stream", {})
        return part

    def _boundary(self) -> bytes:
        found = self._content_type
        if found.ambiguous:
            self.bounds.flags.add("mime-ambiguous")
        boundary = found.params.get("boundary", "").encode("latin-1", "replace").rstrip()
        if boundary and self._is_inherited(boundary):
            self.bounds.flags.add("mime-limit")
        return boundary

    def _is_inherited(self, boundary: bytes) -> bool:
        above = self.parent
        while above is not None and above.is_multipart:
            if above.params.get("boundary", "").encode("latin-1", "replace").rstrip() == boundary:
                return True
            above = above.parent
        return False


def _encoding(written: str) -> str:
    words = written.partition(";")[0].partition("(")[0].strip(" \t\n\"'").lower()
    return words.replace("base-64", "base64").replace("quoted_printable", "quoted-printable")


def _type_of_defective(written: str) -> str:
    word = written.strip().partition(";")[0].strip().lower()
    if word in ("text", "html", "text/", "plain", ""):
        return "text/html" if word == "html" else "text/plain"
    return "application/octet-stream" if word in ("application", "image", "audio", "video") else "text/plain"
