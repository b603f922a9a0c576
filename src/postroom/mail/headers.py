"""The header block of a letter or part: found, split and kept as written; decoded when asked (RFC 5322 section 2.2).

Tolerant: lines without a colon are skipped, 'Subject : x' counts, any line ending, mbox and BOM marks before the first
field. Not addresses, dates or parameters: those read the values from here.
"""

import re
from collections.abc import Iterator

from . import charsets, limits, words

_BLANK = re.compile(rb"\n[ \t]*\r?\n")
_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.I)
_PART_CHARSET = re.compile(
    rb"\ncontent-type:[^\n]*(?:\n[ \t][^\n]*)?charset=[\"']?([A-Za-z0-9_.:-]{1,40})", re.I
)
_LOST_FOLD = re.compile(r";\n(?=[A-Za-z][\w*-]{0,40}=)")
_PARAMETER = re.compile(rb"[A-Za-z][\w*-]{0,40}=")
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")
_CONTROLS |= {0xFEFF: None, 0x2028: " ", 0x2029: " "}  # type: ignore[dict-item]  # translate() takes None for 'remove'
_FROM_LINE = re.compile(rb">?From (?![ \t]*:)[^\r\n]*\r?\n")


_KEYS: dict[str, str] = {}
"""Field names as written -> lower case. Looking one up is cheaper than checking and lowering it for every letter."""
_KEYS_KEPT = 4_000


class Headers:
    """Fields in the order written. Names are compared without case. `flags` tells what had to be repaired or cut."""

    __slots__ = ("_decoded", "_fields", "_lines", "below", "flags")

    def __init__(self, block: bytes, below: tuple[bytes, int, int] = (b"", 0, 0)) -> None:
        self.below = (
            below  # (raw, begin, end) of the body: a look into it helps to guess the charset of 8-bit fields
        )
        self.flags: set[str] = set()
        self._decoded: dict[str, str] = {}
        self._fields: dict[str, list[str]] = {}
        self._lines = self._unfold(block)
        self._index()

    def _unfold(self, block: bytes) -> list[str]:
        if len(block) > limits.HEADERS_BYTES:
            self.flags.add("header-limit")
            block = block[: limits.HEADERS_BYTES]
        text = block.decode("latin-1")  # one character per byte: fields are cut first and decoded later
        if "\r" in text:
            text = text.replace("\r\n", "\n")
            if "\r" in text:
                self.flags.add("line-endings")
                text = text.replace("\r", " ")
        text = text.replace("\n ", " ").replace("\n\t", " ")
        if ";\n" in text:
            text = _LOST_FOLD.sub("; ", text)
        lines = text.split("\n")
        if len(lines) > limits.HEADER_LINES:
            self.flags.add("header-limit")
            del lines[limits.HEADER_LINES :]
        return lines

    def _index(self) -> None:
        fields = self._fields
        for line in self._lines:
            written, colon, value = line.partition(":")
            name = _KEYS.get(written) or self._key(written, colon)
            if name in fields:
                fields[name].append(value)
            elif name:
                fields[name] = [value]
        if len(self._lines) and max(map(len, self._lines)) > limits.HEADER_BYTES:
            self._cut_values()

    def _cut_values(self) -> None:
        self.flags.add("header-limit")
        for values in self._fields.values():
            values[:] = [value[: limits.HEADER_BYTES] for value in values]

    def _key(self, written: str, colon: str) -> str:
        """The lower-case name of a field; empty for a line that is no field. Names seen before are in _KEYS."""
        if not colon or " " in written or "\t" in written:
            return self._repair(written, colon).lower()
        name = written.lower()
        if len(_KEYS) < _KEYS_KEPT and len(written) < 80:
            _KEYS[written] = name
        return name

    def _repair(self, name: str, colon: str) -> str:
        """The name of a field written with space before its colon; empty for a line that is no field."""
        bare = name.rstrip(" \t")
        if not colon or not bare or " " in bare or "\t" in bare:
            if bare:
                self.flags.add("header-defect")
            return ""
        self.flags.add("header-defect")
        return bare

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __len__(self) -> int:
        return len(self._fields)

    @property
    def names(self) -> list[str]:
        """Lower-case names, each once, in the order of first appearance."""
        return list(self._fields)

    def get(self, name: str) -> str:
        """The first field of that name, unfolded, decoded, controls as spaces; empty if absent."""
        name = name.lower()
        found = self._decoded.get(name)
        if found is None:
            values = self._fields.get(name)
            found = self._decoded[name] = self._decode(values[0]) if values else ""
        return found

    def all(self, name: str) -> list[str]:
        """Every field of that name, decoded."""
        return [self._decode(value) for value in self._fields.get(name.lower(), ())]

    def raw(self, name: str) -> bytes | None:
        """The bytes of the first field of that name, unfolded, edge blanks stripped; None if absent."""
        values = self._fields.get(name.lower())
        return values[0].strip(" \t\n").encode("latin-1") if values else None

    def count(self, name: str) -> int:
        """How often the field occurs."""
        return len(self._fields.get(name.lower(), ()))

    def items(self) -> Iterator[tuple[str, str]]:
        """Name and decoded value of every field in the order written."""
        for line in self._lines:
            name, colon, value = line.partition(":")
            name = name.rstrip(" \t")
            if colon and name and " " not in name and "\t" not in name:
                yield name, self._decode(value[: limits.HEADER_BYTES])

    def plain(self, name: str) -> str:
        """The first field as text without decoding its encoded words; empty if absent. For structured fields."""
        values = self._fields.get(name.lower())
        return self._to_text(values[0]) if values else ""

    def plain_all(self, name: str) -> list[str]:
        """As `plain`, for every field of that name."""
        return [self._to_text(value) for value in self._fields.get(name.lower(), ())]

    def written(self, name: str) -> str:
        """The first field with one character per byte (latin-1); empty if absent."""
        values = self._fields.get(name.lower())
        return values[0] if values else ""

    @property
    def charset_hint(self) -> str:
        """The charset of the body, as a hint for 8-bit bytes in the fields."""
        if match := _CHARSET.search(self.written("content-type")):
            return match[1]
        raw, start, end = self.below
        inner = _PART_CHARSET.search(raw, start, min(end, start + 8_000))
        return inner[1].decode("ascii") if inner else ""

    def _to_text(self, value: str) -> str:
        if not value.isascii() or "\x1b$" in value:
            value = self._from_bytes(value.encode("latin-1"))
        value = value.strip(" \t\n")
        return value if value.isprintable() else tidy(value)

    def _from_bytes(self, value: bytes) -> str:
        if b"\x1b$" in value:
            return charsets.decode(value)[0]
        text = charsets.strict(value, "utf-8")
        if text is not None:
            return text
        raw, start, end = self.below
        return charsets.decode_header(value, self.charset_hint, raw[start : min(end, start + 8_000)])

    def _decode(self, value: str) -> str:
        text = self._to_text(value)
        if "=?" in text:
            text, guessed = words.decode_checked(text)
            if guessed:
                self.flags.add("charset-guess")
            text = tidy(text).strip()
        return text


def tidy(text: str) -> str:
    """One line without control characters."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def split(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The header block of raw[start:end] and where its body begins."""
    stop, body = _find_end(raw, start, end)
    headers = Headers(raw[start:stop], (raw, body, end))
    if "header-defect" in headers.flags:
        early = _body_without_blank_line(raw, start, stop)
        if early is not None:
            flags = headers.flags
            headers = Headers(raw[start:early], (raw, early, end))
            headers.flags |= flags
            body = early
    return headers, body


def _find_end(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """(end of the block, begin of the body); the block runs to the end when there is no blank line."""
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return start, start + (1 if raw[start] == 10 else 2)
    first = raw.find(b"\n", start, end)
    if first > start and raw[first - 1] == 13:  # search for the likely form first: the other may be nowhere in 20 MB
        full = raw.find(b"\n\r\n", start, end)
        bare = raw.find(b"\n\n", start, end if full < 0 else full)
    else:
        bare = raw.find(b"\n\n", start, end)
        full = raw.find(b"\n\r\n", start, end if bare < 0 else bare)
    if bare >= 0 and (full < 0 or bare < full):
        return bare, bare + 2
    if full >= 0:
        return (full - 1 if raw[full - 1] == 13 else full), full + 3
    return end, end


def _body_without_blank_line(raw: bytes, start: int, stop: int) -> int | None:
    """Where the text begins if the blank line was forgotten: a line that is no field, with no field in the lines after it."""
    position = start
    for _ in range(limits.HEADER_LINES):
        if position >= stop:
            return None
        line_end = raw.find(b"\n", position, stop)
        line_end = stop if line_end < 0 else line_end
        if not _is_header_line(raw, position, line_end) and _text_begins(
            raw[position : min(stop, position + 2_000)]
        ):
            return position
        position = line_end + 1
    return position


def _text_begins(rest: bytes) -> bool:
    """Whether a line that is no field begins the body rather than being junk between two fields."""
    following = rest.split(b"\n", 4)[1:4]
    if rest.startswith(b"--") or (
        following and following[0].startswith(b"--")
    ):  # the first delimiter of a multipart
        return True
    return not any(_FIELD.match(line) for line in following)


def _is_header_line(raw: bytes, position: int, line_end: int) -> bool:
    if raw[position : position + 1] in (b" ", b"\t"):
        return True
    if raw.startswith(b";", position - 2) or raw.startswith(b";\r", position - 3):
        return bool(_PARAMETER.match(raw, position, line_end) or _FIELD.match(raw, position, line_end))
    return bool(_FIELD.match(raw, position, line_end)) or raw.startswith((b"From ", b">From "), position)


def skip_marks(raw: bytes) -> tuple[int, bool]:
    """Where the first field begins: after a BOM, blank lines and an mbox 'From ' line; and whether anything was skipped."""
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    while raw.startswith((b"\n", b"\r\n"), start) and _field_follows(raw, start):
        start += 1 if raw[start] == 10 else 2
    if match := _FROM_LINE.match(raw, start):
        start = match.end()
    return start, start > 0


def _field_follows(raw: bytes, start: int) -> bool:
    match = re.compile(rb"\s*").match(raw, start, start + 100)
    position = match.end() if match else start
    return bool(_FIELD.match(raw, position) or _FROM_LINE.match(raw, position))
