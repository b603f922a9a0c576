"""Whether a letter is a report about one of ours, and what it says: bounces, delays, receipts, complaints. Not what to do then.

Reports made for machines (RFC 3464, 5965, 8098) are believed first; without one the prose of mail servers is read, but only
when a server wrote the letter, so that a person who writes about an undelivered letter is not taken for one.

    1  a part made for machines           multipart/report, whatever its parts are called
    2  the same fields inside the text    Amazon WorkMail, broken boundaries
    3  JSON                               Amazon SES
    4  a complaint in prose               Hotmail's junk mail reports, Apple Mail's unsubscribing
    5  prose of a server                  qmail, old Exim and sendmail, Exchange 2003, Domino, gateways...
    6  a report inside what a server sent on
    7  whom the returned letter was for   when a server says no more than that it failed
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from .bounce_json import read_notification
from .bounce_marks import cut_original, says_delayed
from .bounce_original import Original, answered_id, find_original
from .bounce_reports import (
    DISPOSITION_TYPES,
    FEEDBACK_TYPES,
    STATUS_TYPES,
    Report,
    is_challenge,
    kind_of,
    read_disposition,
    read_feedback,
    read_status,
)
from .bounce_signs import is_from_server, may_report, outer_parts, reports_failure
from .bounce_text import addresses_in, read_text
from .bounce_values import Bounce, BouncedRecipient, BounceKind
from .letter import Letter
from .parts import Part
from .text import html_to_text

__all__ = ["Bounce", "BounceKind", "BouncedRecipient", "read_bounce"]

HTML_LIMIT = 200_000
"""Characters of an HTML-only report that are turned into text."""

_JUNK_REPORT = re.compile(r"complaint about message from ", re.IGNORECASE)
_UNSUBSCRIBING = re.compile(r"\s*Apple Mail sent this email to unsubscribe")


def read_bounce(letter: Letter) -> Bounce | None:
    """What the letter reports about one of ours; None for every other letter. Never raises on any content."""
    return _read(letter, nested=False)


def _read(letter: Letter, *, nested: bool) -> Bounce | None:
    if not may_report(letter):
        return None
    parts = outer_parts(letter)
    if any(part.type in STATUS_TYPES and is_challenge(part.text()) for part in parts):
        return None
    prose = _prose(letter, parts)
    lines, rest = cut_original(prose)
    original = find_original(letter, parts, rest)
    report = (
        _machine_report(parts)
        or _report_in_prose(letter, lines)
        or read_notification(prose)
        or _complaint_in_prose(letter, lines)
    )
    if report is None:
        if not reports_failure(letter, "\n".join(lines)):
            return None
        recipients = _told(letter, lines, original)
        inner = None if recipients or nested else _nested_bounce(parts)
        if inner is not None:
            return inner
        report = _human_report(letter, lines, rest, original, recipients)
    recipients = _complete(letter, report, lines, original)
    return Bounce(
        kind=report.kind,
        recipients=recipients,
        original_message_id=original.message_id or report.original_message_id or answered_id(letter),
        original_to=original.to,
        original_subject=original.subject,
        reporting_mta=report.reporting_mta,
    )


def _prose(letter: Letter, parts: list[Part]) -> str:
    """What the server wrote for people: the first text parts, or the HTML one where there is no other."""
    texts = [part for part in parts if part.type == "text/plain" and not part.is_multipart]
    pieces = [part.text() for part in texts[:4]]
    if any(piece.strip() for piece in pieces):
        return "\n".join(pieces)
    html = next((part.text() for part in parts if part.type == "text/html"), "")
    if html.strip():
        return html_to_text(html[:HTML_LIMIT])
    return letter.text or letter.root.text()


# Reports made for machines


def _machine_report(parts: list[Part]) -> Report | None:
    for part in parts:
        if part.type in STATUS_TYPES:
            report = read_status(part.text())
        elif part.type in FEEDBACK_TYPES:
            report = read_feedback(part.text())
        elif part.type in DISPOSITION_TYPES:
            report = read_disposition(part.text())
        else:
            continue
        if report is not None:
            return report
    return None


def _report_in_prose(letter: Letter, lines: list[str]) -> Report | None:
    """A delivery status that somebody put into the text, where a server wrote the letter."""
    return _status_in(lines) if is_from_server(letter) else None


def _status_in(lines: list[str]) -> Report | None:
    marks = ("reporting-mta:", "final-recipient:", "original-recipient:")
    first = next((at for at, line in enumerate(lines) if line[:30].lower().startswith(marks)), None)
    if first is None:
        return None
    while first and ":" in lines[first - 1][:40] and lines[first - 1][:1].isalpha():
        first -= 1
    return read_status("\n".join(lines[first:]))


def _complaint_in_prose(letter: Letter, lines: list[str]) -> Report | None:
    """Complaints older than RFC 5965, or beside it."""
    if _UNSUBSCRIBING.match("\n".join(lines[:5])) and letter.from_ is not None:
        return _complaint(letter.from_.address, "opt-out")
    if _JUNK_REPORT.match(letter.subject):
        named = [
            header for part in letter.root.walk() for header in part.headers.all("x-hmxmroriginalrecipient")
        ]
        named += [
            line.partition(":")[2]
            for line in lines
            if line[:26].lower().startswith("x-hmxmroriginalrecipient:")
        ]
        return _complaint(named[0].strip(), "abuse") if named else Report(BounceKind.COMPLAINT, ())
    return None


def _complaint(address: str, feedback: str) -> Report:
    recipient = BouncedRecipient(address=address, action=feedback, status="", diagnostic="", final=True)
    return Report(BounceKind.COMPLAINT, (recipient,))


def _complete(
    letter: Letter, report: Report, lines: list[str], original: Original
) -> tuple[BouncedRecipient, ...]:
    """The recipients, those the report hides taken from its prose or from the letter it gives back."""
    recipients = report.recipients
    if report.kind is BounceKind.COMPLAINT and not recipients and len(original.to) == 1:
        return (
            BouncedRecipient(address=original.to[0], action="abuse", status="", diagnostic="", final=True),
        )
    if all(recipient.address for recipient in recipients):
        return recipients
    known = {recipient.address.lower() for recipient in recipients}
    told = (
        one.address
        for one in read_text(lines, named=_named(letter), ours=_ours(letter, original), delayed=False)
    )
    candidates: Iterator[str] = (address for address in (*told, *original.to) if address.lower() not in known)
    filled = [one if one.address else replace(one, address=next(candidates, "")) for one in recipients]
    return tuple(one for one in filled if one.address)


# Prose


def _human_report(
    letter: Letter, lines: list[str], rest: str, original: Original, recipients: tuple[BouncedRecipient, ...]
) -> Report:
    if not recipients and "final-recipient:" in rest.lower():
        report = _status_in(rest.split("\n"))
        if report is not None:
            return report
    delayed = _is_delayed(letter, lines)
    if not recipients and len(original.to) == 1:
        recipients = read_text([original.to[0], *lines], named=original.to, ours=frozenset(), delayed=delayed)
    if not recipients:
        return Report(BounceKind.DELAYED if delayed else BounceKind.BOUNCE, ())
    return Report(kind_of(recipients), recipients)


def _told(letter: Letter, lines: list[str], original: Original) -> tuple[BouncedRecipient, ...]:
    """The recipients the prose tells of."""
    domain = letter.from_.domain if letter.from_ else ""
    return read_text(
        lines,
        named=_named(letter),
        ours=_ours(letter, original),
        delayed=_is_delayed(letter, lines),
        domain=domain,
    )


def _is_delayed(letter: Letter, lines: list[str]) -> bool:
    return says_delayed("\n".join(lines)) or says_delayed(letter.subject)


def _nested_bounce(parts: list[Part]) -> Bounce | None:
    """A report that a server, a gateway or a virus scanner sent on inside its own letter."""
    for part in parts:
        message = part.message
        if message is not None and message.type == "multipart/report":
            bounce = _read(Letter(message.raw[message.start : message.end]), nested=True)
            if bounce is not None:
                return bounce
    return None


def _named(letter: Letter) -> tuple[str, ...]:
    """X-Failed-Recipients, a header of Exim that others have taken up."""
    named = [
        address for value in letter.headers.all("x-failed-recipients") for address in addresses_in(value)
    ]
    return tuple(dict.fromkeys(named))


def _ours(letter: Letter, original: Original) -> frozenset[str]:
    return frozenset(address.key for address in (*letter.to, *letter.authors)) | {original.from_.lower()}
