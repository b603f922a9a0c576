"""The fields of a header block: kept as written, decoded when asked (RFC 5322 section 2.2). Not addresses, dates, parameters.

Tolerant: lines without a colon are skipped, 'Subject : x' counts, a parameter whose fold was lost joins its field.
"""

import re
from collections.abc import Iterator

from . import charsets, limits, words

_FIELD = re.compile(r"^(?:([^:\n]++):)?+(.*+(?:\n[ \t].*+)*+)", re.M)
"""Name (empty for a line without a colon) and value with its folds, of one line after another."""
_FOLD = re.compile(r"\r?\n[ \t]")
_LOST_FOLD = re.compile(r"[A-Za-z][\w*-]{0,40}=")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.I)
_PART_CHARSET = re.compile(
    rb"\ncontent-type:[^\n]*(?:\n[ \t][^\n]*)?charset=[\"']?([A-Za-z0-9_.:-]{1,40})", re.I
)
_CONTROLS: dict[int, str | None] = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ")
_CONTROLS[0xFEFF] = None

_KEYS: dict[str, str] = {}
"""Field names as written -> lower case. Looking one up is cheaper than checking and lowering it for every letter."""
_KEYS_KEPT = 4_000


class Headers:
    """Fields in the order written. Names are compared without case. `flags` tells what had to be repaired or cut."""

    __slots__ = ("_block", "_decoded", "_fields", "_found", "below", "flags")

    def __init__(self, block: bytes, below: tuple[bytes, int, int] = (b"", 0, 0)) -> None:
        self.below = below  # (raw, begin, end) of the body: a look into it tells the charset of 8-bit fields
        self.flags: set[str] = set()
        self._decoded: dict[str, str] = {}
        self._fields: dict[str, list[str]] = {}
        if len(block) > limits.HEADERS_BYTES:
            self.flags.add("header-limit")
            block = block[: limits.HEADERS_BYTES]
        self._block = block.decode(
            "latin-1"
        )  # one character per byte: fields are cut first and decoded later
        self._found = _FIELD.findall(self._block)
        self._index()

    def _index(self) -> None:
        if len(self._found) > limits.HEADER_LINES:
            self.flags.add("header-limit")
            del self._found[limits.HEADER_LINES :]
        fields, name = self._fields, ""
        for written, value in self._found:
            name = _KEYS.get(written) or self._key(written, value, name)
            if name in fields:
                fields[name].append(value)
            elif name:
                fields[name] = [value]
        if len(self._block) > limits.HEADER_BYTES:
            self._cut_values()

    def _cut_values(self) -> None:
        for values in self._fields.values():
            if max(map(len, values)) > limits.HEADER_BYTES:
                self.flags.add("header-limit")
                values[:] = [value[: limits.HEADER_BYTES] for value in values]

    def _key(self, written: str, value: str, before: str) -> str:
        """The lower-case name of a field; empty for a line that is no field. Names seen before are in _KEYS."""
        if not written or " " in written or "\t" in written or "=" in written:
            return self._repair(written, value, before)
        name = written.lower()
        if len(_KEYS) < _KEYS_KEPT and len(written) < 80:
            _KEYS[written] = name
        return name

    def _repair(self, written: str, value: str, before: str) -> str:
        """The name of a field with space before its colon; empty for junk and for a value that lost its fold."""
        line = f"{written}:{value}" if written else value
        if not line.strip():
            return ""
        values = self._fields.get(before)
        if values and values[-1].endswith((";", ";\r")) and _LOST_FOLD.match(line):
            values[-1] = f"{values[-1].rstrip()} {line}"
            return ""
        self.flags.add("header-defect")
        bare = written.rstrip(" \t")
        return "" if " " in bare or "\t" in bare else bare.lower()

    def look_closer(self) -> set[str]:
        """The flags, those included that cost a look at every byte."""
        if self._block.count("\r") != self._block.count("\r\n"):
            self.flags.add("line-endings")
        return self.flags

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
        return _unfold(values[0]).encode("latin-1") if values else None

    def count(self, name: str) -> int:
        """How often the field occurs."""
        return len(self._fields.get(name.lower(), ()))

    def items(self) -> Iterator[tuple[str, str]]:
        """Name and decoded value of every field in the order written."""
        for written, value in self._found:
            name = written.rstrip(" \t")
            if name.lower() in self._fields:
                yield name, self._decode(value[: limits.HEADER_BYTES])

    def plain(self, name: str) -> str:
        """The first field as text without decoding its encoded words; empty if absent. For structured fields."""
        values = self._fields.get(name.lower())
        return self._to_text(values[0]) if values else ""

    def plain_all(self, name: str) -> list[str]:
        """As `plain`, for every field of that name."""
        return [self._to_text(value) for value in self._fields.get(name.lower(), ())]

    def written(self, name: str) -> str:
        """The first field, unfolded, with one character per byte (latin-1); empty if absent."""
        values = self._fields.get(name.lower())
        return _unfold(values[0]) if values else ""

    @property
    def charset_hint(self) -> str:
        """The charset of the body, as a hint for 8-bit bytes in the fields."""
        if match := _CHARSET.search(self.written("content-type")):
            return match[1]
        raw, start, end = self.below
        inner = _PART_CHARSET.search(raw, start, min(end, start + 8_000))
        return inner[1].decode("ascii") if inner else ""

    def _to_text(self, value: str) -> str:
        value = _unfold(value)
        if not value.isascii() or "\x1b$" in value:
            value = self._from_bytes(value.encode("latin-1")).strip()
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


def _unfold(value: str) -> str:
    if "\n" in value:
        value = _FOLD.sub(" ", value)
    return value.strip(" \t\r\n")


def tidy(text: str) -> str:
    """One line without control characters."""
    return text if text.isprintable() else text.translate(_CONTROLS)
