"""Mail addresses as letters write them (RFC 5322 section 3.4, leniently). Not a check that an address can be reached.

A first pass cuts the field into quoted strings, angles, comments and text; it is linear and never fails. Encoded words are
decoded only in names, after the cutting: `=?utf-8?q?boss=40corp.com?=@evil.com` never becomes boss@corp.com.
"""

import re
from dataclasses import dataclass

from . import limits, words
from .charsets import decode_header
from .headers import tidy


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox: the name (empty if none) and the address as written, without blanks and controls."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """For comparing: the whole address in lower case."""
        return self.address.lower()

    @property
    def domain(self) -> str:
        """What follows the last '@', in lower case; empty if there is none."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


_SIMPLE = re.compile(
    r"(?:\"([^\"\\<>]*)\"|([^\"<>(),;:@\\]*?))[ \t]*<([^\s<>()\",;:@\\]+@[^\s<>()\",;:@\\]+)>"
)
_BARE = re.compile(r"[^\s<>()\",;:@\\\[\]]+@[^\s<>()\",;:@\\\[\]]+")
_TOKEN = re.compile(
    r"(?P<word>=\?[^?\s]{1,60}\?[bBqQ]\?[^?\"<>]*\?=)"
    r"|(?P<quoted>\"(?:[^\"\\]++|\\.)*+\")"
    r"|(?P<angle><[^<>]*>)"
    r"|(?P<literal>\[[^\[\]<>,;\"]{0,200}\])"
    r"|(?P<text>[^=\"<\[(),;:]++|=)"
    r"|(?P<mark>.)",
    re.S,
)
_ESCAPE = re.compile(r"\\(.)", re.S)
_TAKEN = r"\1"
_ATOM = r"[^\s<>()\",;:@\\]"
_FOUND = re.compile(rf"(?<!{_ATOM}){_ATOM}++@{_ATOM}+")  # only from the begin of a word: linear
_QUOTED_LOCAL = re.compile(r"\"(?:[^\"\\]|\\.){1,300}\"@[^\s<>()\",;:@\\]+")
_ROUTE = re.compile(r"^@[^:<>\"]*:")
_HIDDEN = dict.fromkeys((173, *range(8203, 8208), *range(8234, 8239), *range(8288, 8298), 65279))


def read_addresses(value: bytes | str) -> tuple[Address, ...]:
    """The mailboxes of a field, groups flattened; as many as can be made out. Never raises.

    Text must not have its encoded words decoded yet (`Headers.plain`).
    """
    return tuple(one for one in read_people(value) if one.address)


def read_people(value: bytes | str) -> tuple[Address, ...]:
    """As `read_addresses`, and also people named without an address ('MAILER-DAEMON <>')."""
    text = decode_header(value) if isinstance(value, bytes) else value
    text = tidy(text).strip()
    if not text:
        return ()
    if (simple := _read_simple(text)) is not None:
        return simple
    found = _Cutter(text).cut()
    if not any(one.address for one in found) and "=?" in text and "@" not in words.WORD.sub("", text):
        decoded = tidy(words.decode(text))
        found = _Cutter(decoded).cut() if decoded != text else found
    return tuple(found)


def _read_simple(text: str) -> tuple[Address, ...] | None:
    match = _SIMPLE.fullmatch(text)
    if match is not None:
        quoted, plain, address = match.groups()
        name = quoted if plain is None else plain
        return (Address(_name(name), address),) if "=?" not in address else None
    return (Address("", text),) if _BARE.fullmatch(text) and "=?" not in text else None


def _name(text: str) -> str:
    if "=?" in text:
        text = tidy(words.decode(text))
    text = " ".join(text.split())
    return text[: limits.ADDRESS_CHARS]


class _Cutter:
    """Collects the pieces of one mailbox until a separator ends it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Address] = []
        self.reset()

    def reset(self) -> None:
        self.pieces: list[tuple[str, str]] = []
        self.angle: str | None = None
        self.named = 0  # pieces that stood before the angle
        self.comments: list[str] = []

    def cut(self) -> list[Address]:
        position, end = 0, len(self.text)
        while position < end and len(self.found) < limits.ADDRESSES:
            match = _TOKEN.match(self.text, position)
            if match is None:
                break
            position = match.end()
            kind, token = match.lastgroup or "", match[0]
            if kind == "mark":
                position = self.mark(token, position)
            elif kind == "angle":
                self.take_angle(token[1:-1])
            else:
                self.pieces.append((kind, token))
        self.close()
        return self.found

    def mark(self, token: str, position: int) -> int:
        """A separator, or a bracket without its partner."""
        if token == "(":
            return self.comment(position)
        if token in ",;":
            self.close()
        elif token == ":" and self.angle is None and not self.holds_address():
            self.reset()  # what came before was the name of a group
        elif token == "<":
            return self.open_angle(position)
        elif token not in ')"':
            self.pieces.append(("text", token))
        return position

    def comment(self, position: int) -> int:
        """Skip a comment, nested ones included, keeping its text as a possible name; an unclosed one ends at the comma."""
        depth, start = 1, position
        for match in _PAREN.finditer(self.text, position):
            if match[0] == "(":
                depth += 1
            elif match[0] == ")":
                depth -= 1
            if not depth:
                self.comments.append(self.text[start : match.start()])
                return match.end()
        self.text = self.text.replace("(", " ")  # unbalanced: no comment counts, and none is looked for again
        return position

    def open_angle(self, position: int) -> int:
        """'<a@b.c' without its end: it goes to the next separator."""
        stop = _ANGLE_STOP.search(self.text, position)
        end = stop.start() if stop else len(self.text)
        self.take_angle(self.text[position:end])
        return end

    def take_angle(self, inside: str) -> None:
        """A second address without a comma between begins the next mailbox."""
        if self.angle is not None and "@" in self.angle:
            if "@" not in inside:
                return
            follows = self.pieces[self.named :]
            del self.pieces[self.named :]
            self.close()
            self.pieces = follows
        self.angle = inside
        self.named = len(self.pieces)

    def holds_address(self) -> bool:
        return any(kind == "text" and "@" in token for kind, token in self.pieces)

    def close(self) -> None:
        if self.pieces or self.angle is not None or self.comments:
            address = self.finish()
            if address is not None:
                self.found.append(address)
        self.reset()

    def finish(self) -> Address | None:
        if self.angle is not None:
            inner = _address(self.angle)
            name = _join_name(self.pieces[: self.named]) or _join_name(self.pieces)
            if inner or "@" not in name:
                return self.person(_name(name + self.comment_tail()) or self.comment_name(), inner)
        return self.from_text()

    def comment_name(self) -> str:
        return _name(_ESCAPE.sub(_TAKEN, self.comments[0])) if self.comments else ""

    def person(self, name: str, address: str) -> Address | None:
        return Address(name, address) if name or address else None

    def comment_tail(self) -> str:
        """'Ana (Sales) <a@b.c>': the comment belongs to the name as people read it."""
        return f" ({_ESCAPE.sub(_TAKEN, self.comments[0])})" if self.comments and self.has_name() else ""

    def has_name(self) -> bool:
        return any(token.strip() for _, token in self.pieces)

    def from_text(self) -> Address | None:
        """Without angles: the address is the word with an '@', the rest its name."""
        written = "".join(token for _, token in self.pieces)
        bare = written.strip()
        if "@" not in written:
            if _is_local(bare, self.pieces):
                return Address(self.comment_name(), bare.strip("<>")[: limits.ADDRESS_CHARS])
            return self.person(_name(_join_name(self.pieces)) or self.comment_name(), "")
        written = written.replace(">", " ")
        bare = written.strip()
        compact = _join_dots(bare)
        if " " not in compact and compact.count("@") == 1:
            return Address(self.comment_name(), _address(compact))
        match = _QUOTED_LOCAL.search(written) or _FOUND.search(written)
        if match is None:
            return Address(self.comment_name(), _address(compact)) if " " not in compact else None
        rest = written[: match.start()] + " " + written[match.end() :]
        return Address(_name(rest.replace('"', " ")) or self.comment_name(), _address(match[0]))


_PAREN = re.compile(r"(?<!\\)[()]")
_ANGLE_STOP = re.compile(r"[<,;\"]")
_INNER_COMMENT = re.compile(r"\([^()]*\)")
_DOTS = re.compile(r"\s*([.@])\s*")


def _join_dots(text: str) -> str:
    """Blanks around dots and '@' are allowed by RFC 5322 section 4.4."""
    return _DOTS.sub(r"\1", text) if len(text) < limits.ADDRESS_CHARS else text


def _is_local(text: str, pieces: list[tuple[str, str]]) -> bool:
    """'MAILER-DAEMON' and 'root' are addresses of this host; several words and encoded words are names."""
    return bool(text) and "=?" not in text and " " not in text and all(kind == "text" for kind, _ in pieces)


def _join_name(pieces: list[tuple[str, str]]) -> str:
    """The name before an angle: quoted strings without quotes, encoded words left for `_name`."""
    return "".join(_ESCAPE.sub(r"\1", token[1:-1]) if kind == "quoted" else token for kind, token in pieces)


def _address(inside: str) -> str:
    """What stands between angles, without source route, blanks, controls and 'mailto:'."""
    inside = inside.strip().translate(_HIDDEN)
    if "(" in inside and '"' not in inside:
        inside = _INNER_COMMENT.sub("", inside)
    if inside.startswith("@"):
        inside = _ROUTE.sub("", inside)
    if inside.endswith(";") and ":" in inside:  # an empty group in angles: 'Undisclosed-Recipient:;'
        return ""
    if inside[:7].lower() == "mailto:":
        inside = inside[7:]
    if '"' not in inside:
        inside = "".join(inside.split()) if "@" in inside or " " not in inside else ""
    return inside.strip("'")[: limits.ADDRESS_CHARS]
