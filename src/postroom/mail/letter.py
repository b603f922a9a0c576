"""A letter as Postroom understands it: `read(raw)` gives one for any bytes and never raises. Not the tables of the database.

Everything is computed on first use; reading a subject does not look at the body.
"""

import re
from datetime import datetime

from . import addresses, bodies, dates, header_block, limits, transfer
from .addresses import Address
from .attachments import Attachment, attach
from .bodies import Bodies
from .headers import Headers
from .lazily import lazily
from .parts import Bounds, Part

__all__ = ["Address", "Attachment", "Headers", "Letter", "Part", "read"]

_ID = re.compile(r"<([^<>]{1,4000})>")
_ONCE = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "content-type",
    "cc",
    "sender",
    "reply-to",
    "in-reply-to",
)
_LOOP_HOPS = 50


class Letter:
    """One letter. All properties are lazy, kept, and free of exceptions, NUL and lone surrogates."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._bounds = Bounds()
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raw = self._from_wide(raw)
        raw = self._with_line_feeds(raw)
        start, marked = header_block.skip_marks(raw)
        if marked:
            self._bounds.flags.add("mime-defect")
        self.root = Part(raw, start, len(raw), bounds=self._bounds)
        self.headers: Headers = self.root.headers

    def _from_wide(self, raw: bytes) -> bytes:
        """A whole letter in UTF-16."""
        self._bounds.flags.add("mime-defect")
        return raw.decode("utf-16", "replace").encode()

    def _with_line_feeds(self, raw: bytes) -> bytes:
        """A letter whose lines end in CR alone, read as if they ended in LF."""
        end = raw.find(b"\r")
        if end < 0 or raw.startswith(b"\n", end + 1):
            return raw
        if raw.startswith(b"\r\n", end + 1):  # a gateway that turned each LF of CRLF into CRLF
            self._bounds.flags.add("line-endings")
            return raw.replace(b"\r\r\n", b"\r\n")
        first, blank = raw.find(b"\n"), raw.find(b"\r\r")
        if first < 0 or 0 <= blank < first:
            self._bounds.flags.add("line-endings")
            return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return raw

    # Header fields

    @lazily
    def subject(self) -> str:
        """Decoded, one line; empty if missing."""
        return " ".join(self.headers.get("subject")[: limits.SUBJECT_CHARS].split(" ")).strip()

    @lazily
    def authors(self) -> tuple[Address, ...]:
        """All mailboxes in From; if there is none, who is named there, with an empty address."""
        people = addresses.read_people(self.headers.plain("from"))
        return tuple(one for one in people if one.address) or people

    @property
    def from_(self) -> Address | None:
        """The first mailbox in From that has an '@', else the first."""
        return _first(self.authors)

    @lazily
    def sender(self) -> Address | None:
        """The mailbox in Sender."""
        return _first(addresses.read_addresses(self.headers.plain("sender")))

    @lazily
    def reply_to(self) -> tuple[Address, ...]:
        """Mailboxes in Reply-To."""
        return self._addresses("reply-to")

    @lazily
    def to(self) -> tuple[Address, ...]:
        """Mailboxes in To."""
        return self._addresses("to")

    @lazily
    def cc(self) -> tuple[Address, ...]:
        """Mailboxes in Cc."""
        return self._addresses("cc")

    @lazily
    def bcc(self) -> tuple[Address, ...]:
        """Mailboxes in Bcc; present only in letters of ours or from odd mailers. Never used for routing."""
        return self._addresses("bcc")

    def _addresses(self, name: str) -> tuple[Address, ...]:
        """The first field counts; of several Cc fields all do, since mailers write one per person."""
        if name != "cc" or self.headers.count(name) < 2:
            return addresses.read_addresses(self.headers.plain(name))
        values = self.headers.plain_all(name)
        found = (one for value in values for one in addresses.read_addresses(value))
        return tuple(dict.fromkeys(found))[: limits.ADDRESSES]

    @lazily
    def date(self) -> datetime | None:
        """The moment in Date, aware; None if missing or impossible."""
        value = self.headers.plain("date")
        return dates.read_date(value) if value else None

    @lazily
    def message_id(self) -> str:
        """Without angle brackets; an opaque string; empty if missing."""
        value = self.headers.plain("message-id")
        match = _ID.search(value)
        return (match[1].strip() if match else value.strip(" <>"))[: limits.ID_CHARS]

    @lazily
    def in_reply_to(self) -> tuple[str, ...]:
        """Ids in In-Reply-To, without brackets."""
        return read_ids(self.headers.plain_all("in-reply-to"))

    @lazily
    def references(self) -> tuple[str, ...]:
        """Ids in References, oldest first, without brackets."""
        return read_ids(self.headers.plain_all("references"))

    # Bodies and attachments

    @lazily
    def bodies(self) -> Bodies:
        """The parts to show and the parts carried."""
        return bodies.find_bodies(self.root)

    @lazily
    def text(self) -> str:
        """The plain text to show, parts joined in order; empty if there is none."""
        return bodies.join(bodies.plain_text(part) for part in self.bodies.plain)

    @lazily
    def html(self) -> str:
        """The HTML to show, as sent and not sanitised; empty if there is none."""
        return bodies.join(part.text() for part in self.bodies.html)

    @lazily
    def attachments(self) -> tuple[Attachment, ...]:
        """Everything not shown as body, inline images too; the position is a stable index."""
        return tuple(attach(part) for part in self.bodies.carried)

    @lazily
    def defects(self) -> tuple[str, ...]:
        """Flags for what was repaired, guessed or cut, sorted. Looks at the whole structure and the shown texts."""
        flags = set(self._bounds.flags)
        if not self.raw.strip():
            return ("empty",)
        _ = self.text, self.html, self.subject, self.to, self.cc
        for part in self.root.walk():
            flags |= part.headers.look_closer()
            _check_part(part, flags)
        flags |= self._bounds.flags | self._header_flags()
        return tuple(sorted(flags))

    def _header_flags(self) -> set[str]:
        flags: set[str] = set()
        if any(self.headers.count(name) > 1 for name in _ONCE):
            flags.add("dup-header")
        if self.headers.count("received") > _LOOP_HOPS:
            flags.add("loop")
        if not self.authors or not self.authors[0].address:
            flags.add("no-sender")
        elif len(self.authors) > 1:
            flags.add("multi-from")
        written = self.headers.plain("from")
        if (
            written.count("<") > written.count(",") + written.count(";") + 1
        ):  # two addresses with nothing between
            flags.add("header-defect")
        return flags


def read(raw: bytes) -> Letter:
    """The letter in these bytes. Never raises on any content."""
    return Letter(raw)


def read_ids(values: list[str]) -> tuple[str, ...]:
    """Message ids in the fields given, without brackets and repeats; a bounded number, the newest kept."""
    found: dict[str, None] = {}
    for value in values:
        for one in _ids(value):
            found[one] = None
    ids = tuple(found)
    return ids if len(ids) <= limits.IDS else (ids[0], *ids[1 - limits.IDS :])


def _ids(value: str) -> list[str]:
    if "<" in value:
        return [one.strip()[: limits.ID_CHARS] for one in _ID.findall(value) if one.strip()]
    return [word[: limits.ID_CHARS] for word in value.replace(",", " ").split() if "@" in word]


def _first(found: tuple[Address, ...]) -> Address | None:
    for address in found:
        if "@" in address.address:
            return address
    return found[0] if found else None


def _check_part(part: Part, flags: set[str]) -> None:
    if part.encoding != "base64" or part.is_multipart or part.end - part.body_start > limits.CHECKED_BYTES:
        return
    if not transfer.is_clean_base64(part.body):
        flags.add("mime-defect")
