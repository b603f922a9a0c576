"""Who did not get it, out of prose that servers write for people. Not for reports made for machines: see `bounce_reports.py`.

No server's wording is known here by name. Recipients are looked for in the places where servers put them, best first:

    X-Failed-Recipients        Exim, Gmail and others say it plainly
    at the start of a line     qmail, Postfix, sendmail, Exchange, Domino... : the address, then what was said about it
    after a label              `Failed Recipient: a@b`, `RCPT TO:<a@b>`, `550 <a@b>... User unknown`
    in a telling sentence      `There was an error delivering your mail to <a@b>.`

What was said about a recipient are the lines after it up to the next one, and every line elsewhere that names it.
"""

import itertools
import re
from collections.abc import Iterable, Iterator

from .bounce_status import settle
from .bounce_values import BouncedRecipient

RECIPIENT_LIMIT = 200
"""Recipients read from one text."""

BLOCK_LINES = 25
"""Lines after a recipient that may be about it."""

DIAGNOSTIC_LENGTH = 1_000
"""Characters of a diagnostic that are kept."""

_ADDRESS = re.compile(
    r"[A-Za-z0-9_.!#$%&*+/=?^`{|}~'\x80-\uffff-]{1,128}@[A-Za-z0-9\x80-\uffff](?:[A-Za-z0-9.\x80-\uffff_-]{0,200}[A-Za-z0-9\x80-\uffff])?"
)
_LEADING = re.compile(
    r"[\s>*.\-–•|\"'\[(=:]{0,80}<?" + r"(?P<address>" + _ADDRESS.pattern + r")" + r"(?P<rest>.*)"
)
_LABELLED = re.compile(
    r"(?:(?:failed|final|original|invalid|unknown|bad|undeliverable|rejected|intended|target)?[ -]{0,2}"
    r"(?:recipients?|addressee|mailbox|user(?:id)?|e-?mail address|mail address|rcpt|rcpt to|error-for|addressed to|undeliverable to|"
    r"allowed size|recipient address|did not reach the following recipient|address))(?![A-Za-z0-9])"
    r"[^\S\n]{0,3}[:=]?[^\S\n]{0,8}[<'\"\[]{0,2}(?P<address>" + _ADDRESS.pattern + r")",
    re.IGNORECASE,
)
_REPLY = re.compile(
    r"^\W{0,10}[45]\d\d[ -](?:[45]\.\d{1,2}\.\d{1,3} )?<?(?P<address>" + _ADDRESS.pattern + r")>?\.{0,3}"
)
_TELLING = re.compile(
    r"deliver|delever|recipient|address|mailbox|user|fail|reject|rcpt|quota|error|reach|unknown|could not|cannot|gateway|account|group",
    re.IGNORECASE,
)
_MISLEADING = re.compile(
    r"contact|assistance|further help|questions|support|mail from|sender|envelope-from|mailto:|https?://|generated (?:from|by)|"
    r"^\W*(?:from|reply-to|cc|bcc|date|subject)\W*:|please send|expanded from|abuse@|send mail to|notify|e-?mail:|resent|unsubscribe",
    re.IGNORECASE,
)
_HEADING = re.compile(r"(?:recipient|address|following|user)[^:]{0,200}:\s{0,9}$", re.IGNORECASE)
_BARE = re.compile(r"[ \t]{1,20}<?(?P<local>[A-Za-z0-9._+-]{1,64})>?(?:\s{2,}|\t|$)")
_GENERATED = re.compile(
    r"(?:generated|expanded) (?:from|by):? {0,3}<?(?P<address>" + _ADDRESS.pattern + r")", re.IGNORECASE
)
_NOT_RECIPIENTS = re.compile(
    r"^(?:postmaster|mailer-daemon|abuse|support|helpdesk|noreply|no-reply)@", re.IGNORECASE
)
_DATE_AFTER = re.compile(r"^\W*(?:sent|received|date|to|cc|from|subject)\b", re.IGNORECASE)


def read_text(
    lines: list[str], *, named: Iterable[str], ours: frozenset[str], delayed: bool, domain: str = ""
) -> tuple[BouncedRecipient, ...]:
    """The recipients the lines are about.

    `named` are those a header names, `ours` the addresses of our letter's and this letter's authors, `domain` that of the
    server, for servers that tell only the local part.
    """
    starts = _find(lines, tuple(named), ours, domain)
    if not starts:
        return ()
    action = "delayed" if delayed else "failed"
    text = "\n".join(lines)
    return tuple(
        _recipient(address, said, text if len(starts) == 1 else "", action)
        for address, said in _blocks(lines, dict(list(starts.items())[:RECIPIENT_LIMIT]))
    )


def addresses_in(line: str) -> list[str]:
    """Every address in a line, trailing punctuation taken off."""
    return [_tidy(match[0]) for match in _ADDRESS.finditer(line)]


def _find(lines: list[str], named: tuple[str, ...], ours: frozenset[str], domain: str) -> dict[str, int]:
    """address -> the line it stands in (-1 when only a header names it)."""
    if named:
        return {address: _line_of(address, lines) for address in named}
    for places in (_leading(lines), _replied(lines), _labelled(lines), _bare(lines, domain), _telling(lines)):
        found = _collect(places, ours)
        if found:
            return found
    return _collect(_generated(lines), frozenset()) or _collect(_telling(lines), frozenset(), strict=False)


def _collect(
    places: Iterable[tuple[str, int]], ours: frozenset[str], *, strict: bool = True
) -> dict[str, int]:
    found: dict[str, int] = {}
    known: set[str] = set()
    for address, at in places:
        key = address.lower()
        if key in known or key in ours or (strict and _NOT_RECIPIENTS.match(key)):
            continue
        known.add(key)
        found[address] = at
        if len(found) == RECIPIENT_LIMIT:
            break
    return found


def _line_of(address: str, lines: list[str]) -> int:
    key = address.lower()
    return next((at for at, line in enumerate(lines) if key in line.lower()), -1)


def _leading(lines: list[str]) -> Iterator[tuple[str, int]]:
    for at, line in enumerate(lines):
        if "@" in line and (match := _LEADING.match(line)):
            rest = match["rest"].lstrip(">)]'\" \t")
            if not _is_sentence(rest):
                yield _tidy(match["address"]), at


def _is_sentence(rest: str) -> bool:
    """Whether the address only happened to begin a line of running text."""
    words = rest.split()
    return (
        bool(words)
        and words[0][:1].islower()
        and words[0]
        not in ("on", "unknown", "no", "not", "invalid", "is", "has", "does", "mailbox", "user", "due")
    )


def _labelled(lines: list[str]) -> Iterator[tuple[str, int]]:
    for at, line in enumerate(lines):
        if "@" in line and not _is_misleading(line):
            yield from ((_tidy(match["address"]), at) for match in _LABELLED.finditer(line))


def _replied(lines: list[str]) -> Iterator[tuple[str, int]]:
    for at, line in enumerate(lines):
        if "@" in line and (match := _REPLY.match(line)):
            yield _tidy(match["address"]), at


def _bare(lines: list[str], domain: str) -> Iterator[tuple[str, int]]:
    """Local parts in lines of their own after `the following recipients...:`."""
    for at, (before, line) in enumerate(itertools.pairwise(lines), 1):
        match = _BARE.match(line) if domain and _HEADING.search(before) else None
        if match:
            yield f"{match['local']}@{domain}", at


def _telling(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Addresses in sentences that speak of delivery, or right after one that does."""
    before = ""
    for at, line in enumerate(lines):
        if "@" in line and not _is_misleading(line) and _TELLING.search(f"{before} {line}"):
            yield from ((address, at) for address in addresses_in(line))
        before = line if line.strip() else before


def _generated(lines: list[str]) -> Iterator[tuple[str, int]]:
    for at, line in enumerate(lines):
        if "@" in line and (match := _GENERATED.search(line)):
            yield _tidy(match["address"]), at


def _is_misleading(line: str) -> bool:
    return _MISLEADING.search(line) is not None


def _tidy(address: str) -> str:
    return address.strip(".'`=").removeprefix("mailto:")


def _blocks(lines: list[str], starts: dict[str, int]) -> Iterator[tuple[str, str]]:
    """(address, what was said about it)."""
    begins = sorted(at for at in starts.values() if at >= 0)
    for address, at in starts.items():
        if at < 0:
            yield address, "\n".join(lines) if len(starts) == 1 else ""
            continue
        end = next((begin for begin in begins if begin > at), len(lines))
        block = lines[at : min(end, at + BLOCK_LINES)]
        key = address.lower()
        elsewhere = (
            line for other, line in enumerate(lines) if not at <= other < end and key in line.lower()
        )
        yield address, "\n".join([*block, *elsewhere])


def _recipient(address: str, said: str, everything: str, action: str) -> BouncedRecipient:
    status = settle(field="", diagnostic=said, action=action)
    if status.endswith(".0.0") and everything:
        status = settle(field="", diagnostic=everything, action=action)
    return BouncedRecipient(
        address=address,
        action=action,
        status=status,
        diagnostic=_diagnostic(said),
        final=action != "delayed",
    )


def _diagnostic(said: str) -> str:
    return " ".join(said.split())[:DIAGNOSTIC_LENGTH]
