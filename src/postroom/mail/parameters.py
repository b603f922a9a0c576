"""Content-Type and Content-Disposition: a value and its parameters (RFC 2045, RFC 2231), and names safe to show.

Lenient: missing semicolons and quotes, blanks in file names, RFC 2047 words where RFC 2231 is meant. Not the bytes of parts.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from . import charsets, limits, words

_VALUE = re.compile(r"\s*([^\s;,=\"]+)")
_TYPE = re.compile(r"\s*\"?([^\s;/,=\"<>()]+)\s*/\s*([^\s;,=\"<>()/]+)")
_PARAMETER = re.compile(
    r"(?:;|(?<!\s)\s)\s*+([^\s;=\"\x00-\x1f]{1,100}?)(?:\*(\d{1,5}))?(\*)?[ \t]*=[ \t]*"
    r"(?:\"((?:[^\"\\]++|\\.)*+)(?:\"|\\?$)|([^;\"]*+(?:\"(?!\s*(?:;|$))[^;\"]*+)*+))",
    re.S,
)
_COMMENT = re.compile(r"\([^()]*\)")
_QUOTED_PAIR = re.compile(r'\\(["\\])')
_NEXT_NAME = re.compile(r"(?<!\s)\s++[A-Za-z][A-Za-z-]*\*?\d*\*?=")
_TEXT = frozenset({"filename", "name"})


@dataclass(frozen=True, slots=True)
class Value:
    """A structured header: its main value in lower case, its parameters by lower-case name, and what was wrong with it."""

    value: str
    params: dict[str, str]
    ambiguous: bool = False


@lru_cache(maxsize=1024)
def _read_short(written: str) -> Value:
    return _read(written)


def read(written: str) -> Value:
    """Parse a field given with one character per byte (`Headers.written`). Never raises."""
    return _read_short(written) if len(written) < 120 else _read(written)


def _read(written: str) -> Value:
    main = _VALUE.match(written)
    start = main.end() if main else 0
    params, ambiguous = _read_parameters(written, start)
    return Value(main[1].lower() if main else "", params, ambiguous)


def read_type(written: str) -> Value:
    """As `read`, with the value 'type/subtype', or empty if it is not one."""
    found = read(written)
    match = _TYPE.match(written)
    kind = f"{match[1]}/{match[2]}".lower() if match else ""
    if not kind.isascii() or "*" in kind or len(kind) > 150 or not kind.isprintable():
        kind = ""
    return Value(kind, found.params, found.ambiguous)


def _read_parameters(written: str, start: int) -> tuple[dict[str, str], bool]:
    params: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    ambiguous = False
    for match in _PARAMETER.finditer(written, start):
        name = match[1].lower()
        value = _unquoted(match[5], name) if match[4] is None else _QUOTED_PAIR.sub(r"\1", match[4])
        if match[2] is not None or match[3]:
            section = pieces.setdefault(name, {})
            ambiguous |= name == "boundary" or int(match[2] or 0) in section
            section.setdefault(int(match[2] or 0), (value, bool(match[3])))
        elif name in params:
            ambiguous |= name == "boundary" and params[name] != value
        else:
            params[name] = _plain(value, name)
            ambiguous |= name == "boundary" and value.startswith("=?")
    for name, section in pieces.items():
        params[name] = _assemble(section)
    return params, ambiguous


def _unquoted(value: str, name: str) -> str:
    """A value without quotes; only file names may hold blanks."""
    value = value.strip()
    if name in _TEXT:
        cut = _NEXT_NAME.search(value)
        return value[: cut.start()] if cut else value
    value = _COMMENT.sub("", value).strip() if "(" in value else value
    return value.split(None, 1)[0].strip("'" if name == "charset" else "") if value else ""


def _plain(value: str, name: str) -> str:
    if not value.isascii():
        value = charsets.decode_header(value.encode("latin-1"))
    return words.decode(value) if name in _TEXT and "=?" in value else value


def _assemble(section: dict[int, tuple[str, bool]]) -> str:
    """RFC 2231 sections 3 and 4: pieces in order, joined as bytes, the charset named by the first."""
    first = min(section)
    head, extended = section[first]
    label = ""
    if extended and head.count("'") >= 2:
        label, _, head = head.split("'", 2)
    data = [_bytes(head, percent=extended)]
    for number in sorted(section)[1:]:
        data.append(_bytes(*section[number]))
    joined = b"".join(data)
    text = charsets.decode_word(joined, label)[0] if label or not joined.isascii() else joined.decode("ascii")
    return words.decode(text) if "=?" in text else text


def _bytes(value: str, percent: bool) -> bytes:
    data = value.encode("latin-1")
    return unquote_to_bytes(data) if percent else data


_INVISIBLE = dict.fromkeys((*range(32), *range(127, 160), 173, 1564, *range(8203, 8208), *range(8232, 8239), *range(8288, 8304), 65279))  # fmt: skip
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


def clean_filename(name: str) -> str:
    """A file name without path, controls, invisible and direction-changing characters; empty if nothing is left."""
    if not name:
        return ""
    if not name.isprintable() or not name.isascii():
        name = name.replace("\t", " ").translate(_INVISIBLE)
    if "/" in name or "\\" in name:
        name = _basename(name)
    name = name.strip(" .") if name[:1] != "." else "." + name.strip(" .") if name.strip(" .") else ""
    if name.partition(".")[0].lower() in _RESERVED:
        name = "_" + name
    return name if len(name) <= limits.FILENAME_CHARS else _shorten(name)


def _basename(name: str) -> str:
    """The last non-empty step of a path, whatever system wrote it."""
    steps = [step for step in name.replace("\\", "/").split("/") if step.strip(" .~")]
    return steps[-1] if steps else ""


def _shorten(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 20:
        return name[: limits.FILENAME_CHARS]
    return stem[: limits.FILENAME_CHARS - len(extension) - 1] + "." + extension
