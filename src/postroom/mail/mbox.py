"""Letters kept in files: an mbox, a Maildir, or a folder of .eml files, one after another as raw bytes. Not a store.

An mbox is told by its first line (RFC 4155). Only a `From ` line that follows an empty line (or nothing) and that ends
like a date starts a letter, because writers exist that leave `From ` in bodies unquoted; one `>` is taken off lines
that were quoted (`>From `, `>>From `), as mboxrd does. Content-Length is not believed.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MONTHS = {
    name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}

_FROM_LINE = re.compile(
    rb"From (?P<sender>[^\r\n]{0,1000}?)[ \t]{0,10}"
    rb"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) "
    rb"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?: [A-Za-z0-9+-]{1,10}){0,2} (?P<year>\d{4})"
    rb"(?: [+-]\d{4}| remote from [^\r\n]{0,200})?[ \t]*\r?\n?$"
)
_BARE_FROM_LINE = re.compile(rb"From -[ \t]*\r?\n?$")  # Thunderbird's when it has no date
_LOOSE_FROM_LINE = re.compile(
    rb"From [^ \r\n]{1,320}[ \t]*\r?\n?$|From [^ \r\n]{1,320} .{0,200}\d{4}.{0,20}\r?\n?$"
)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_BOM = b"\xef\xbb\xbf"
_NOTES = re.compile(r"dovecot|maildirsize$|maildirfolder$|subscriptions$|courier")
"""What mail servers keep for themselves beside the letters of a Maildir."""


@dataclass(frozen=True, kw_only=True)
class FiledLetter:
    """A letter found on disk. `received` is what the mbox separator says, None elsewhere; `place` names file and ordinal."""

    raw: bytes
    place: str
    received: datetime | None = None


def letters_in(path: Path) -> Iterator[FiledLetter]:
    """Every letter under `path`: an mbox or single letter if it is a file, a Maildir or any folder otherwise.

    Folders are walked in the order of names, hidden files, `tmp` of a Maildir and what servers note in it left
    out. Errors are those of the file
    system (OSError); content never raises.
    """
    if path.is_dir():
        for file in _files_under(path):
            yield from letters_of_file(file)
    else:
        yield from letters_of_file(path)


def letters_of_file(path: Path) -> Iterator[FiledLetter]:
    """The letters of one file: all of an mbox, or the file itself."""
    with path.open("rb") as lines:
        first = lines.readline()
        if is_separator(first.removeprefix(_BOM)):
            lines.seek(0)
            yield from split_mbox(lines, name=str(path))
        else:
            yield FiledLetter(raw=first + lines.read(), place=str(path))


def is_separator(line: bytes) -> bool:
    """Whether this first line of a file says that the file is an mbox."""
    return _FROM_LINE.match(line) is not None or _LOOSE_FROM_LINE.match(line) is not None


def split_mbox(lines: Iterable[bytes], *, name: str) -> Iterator[FiledLetter]:
    """Cuts the lines of an mbox into letters. `name` goes into their `place`."""
    held: list[bytes] | None = None
    received: datetime | None = None
    count = 0
    after_blank = True
    for line in lines:
        if held is None:
            line = line.removeprefix(_BOM)
        if after_blank and line.startswith(b"From ") and (held is None or _splits(line)):
            if held is not None:
                count += 1
                yield _cut(held, received, f"{name}#{count}")
            held, received = [], _moment(line)
        elif held is not None:
            held.append(line)
        after_blank = not line.strip(b"\r\n")
    if held is not None:
        yield _cut(held, received, f"{name}#{count + 1}")


def _splits(line: bytes) -> bool:
    return _FROM_LINE.match(line) is not None or _BARE_FROM_LINE.match(line) is not None


def _cut(lines: list[bytes], received: datetime | None, place: str) -> FiledLetter:
    if lines and not lines[-1].strip(b"\r\n"):
        lines = lines[:-1]  # the empty line belongs to the separator
    raw = b"".join(lines)
    if b"From " in raw:
        raw = _QUOTED_FROM.sub(rb"\1", raw)
    return FiledLetter(raw=raw, place=place, received=received)


def _moment(line: bytes) -> datetime | None:
    match = _FROM_LINE.match(line)
    if match is None:
        return None
    try:
        return datetime(
            int(match["year"]), MONTHS[match["month"].lower()], int(match["day"]), int(match["hour"]),
            int(match["minute"]), int(match["second"] or 0), tzinfo=UTC,
        )  # fmt: skip
    except (KeyError, ValueError):
        return None


def _files_under(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        is_maildir = "cur" in folders and "new" in folders
        folders[:] = sorted(
            name for name in folders if not (is_maildir and name == "tmp") and _is_walked(Path(here, name))
        )
        yield from (
            Path(here, name)
            for name in sorted(files)
            if not (is_maildir and _NOTES.match(name)) and name[0] != "."
        )


def _is_walked(folder: Path) -> bool:
    """Not hidden, but for the folders of a Maildir, whose names begin with a dot."""
    return folder.name[0] != "." or (folder / "cur").is_dir() or (folder / "new").is_dir()
