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
from .bounce_marks import SUBJECTS, cut_original, is_daemon, is_daemon_name, says_delayed, says_undelivered
from .bounce_original import MESSAGE_TYPES, Original, answered_id, find_original
from .bounce_reports import (
    DISPOSITION_TYPES,
    FEEDBACK_TYPES,
    STATUS_TYPES,
    Report,
    kind_of,
    read_disposition,
    read_feedback,
    read_status,
)
from .bounce_status import find_reply, find_status
from .bounce_text import addresses_in, read_text
from .bounce_values import Bounce, BouncedRecipient, BounceKind
from .letter import Letter
from .parts import Part
from .text import html_to_text

__all__ = ["Bounce", "BounceKind", "BouncedRecipient", "read_bounce"]

HTML_LIMIT = 200_000
"""Characters of an HTML-only report that are turned into text."""

_REPLY_MARK = re.compile(r"(?:re|aw|sv|antw|fw|fwd|wg|tr)\s?:", re.IGNORECASE)
_ABSENCE = re.compile(r"automatic reply|out of (?:the )?office|autoreply|auto[- ]?response|abwesen|absence du bureau", re.IGNORECASE)
_JUNK_REPORT = re.compile(r"complaint about message from ", re.IGNORECASE)
_HEADLINE = re.compile(r"[\W_]{0,80}(?:non-?delivery (?:report|notice)|delivery (?:failure|status) (?:report|notification))", re.IGNORECASE)
_UNSUBSCRIBING = re.compile(r"\s*Apple Mail sent this email to unsubscribe")


def read_bounce(letter: Letter) -> Bounce | None:
    """What the letter reports about one of ours; None for every other letter. Never raises on any content."""
    parts = _outer_parts(letter)
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
        report = _human_report(letter, parts, lines, rest, original)
    if report is None:
        return None
    recipients = _complete(letter, report, lines, original)
    return Bounce(
        kind=report.kind,
        recipients=recipients,
        original_message_id=original.message_id or report.original_message_id or answered_id(letter),
        original_to=original.to,
        original_subject=original.subject,
        reporting_mta=report.reporting_mta,
    )


def _outer_parts(letter: Letter) -> list[Part]:
    """The parts in order, without what lies inside attached messages: those are somebody's letters, not reports."""
    found: list[Part] = []
    waiting = [letter.root]
    while waiting:
        part = waiting.pop()
        found.append(part)
        if part.type not in MESSAGE_TYPES:
            waiting.extend(reversed(part.children))
    return found


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
    return _status_in(lines) if _is_from_server(letter) else None


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
        named = [header for part in letter.root.walk() for header in part.headers.all("x-hmxmroriginalrecipient")]
        named += [line.partition(":")[2] for line in lines if line[:26].lower().startswith("x-hmxmroriginalrecipient:")]
        return _complaint(named[0].strip(), "abuse") if named else Report(BounceKind.COMPLAINT, ())
    return None


def _complaint(address: str, feedback: str) -> Report:
    recipient = BouncedRecipient(address=address, action=feedback, status="", diagnostic="", final=True)
    return Report(BounceKind.COMPLAINT, (recipient,))


def _complete(letter: Letter, report: Report, lines: list[str], original: Original) -> tuple[BouncedRecipient, ...]:
    """The recipients, those the report hides taken from its prose or from the letter it gives back."""
    recipients = report.recipients
    if report.kind is BounceKind.COMPLAINT and not recipients and len(original.to) == 1:
        return (BouncedRecipient(address=original.to[0], action="abuse", status="", diagnostic="", final=True),)
    if all(recipient.address for recipient in recipients):
        return recipients
    known = {recipient.address.lower() for recipient in recipients}
    told = (one.address for one in read_text(lines, named=_named(letter), ours=_ours(letter, original), delayed=False))
    candidates: Iterator[str] = (address for address in (*told, *original.to) if address.lower() not in known)
    filled = [one if one.address else replace(one, address=next(candidates, "")) for one in recipients]
    return tuple(one for one in filled if one.address)


# Prose


def _human_report(letter: Letter, parts: list[Part], lines: list[str], rest: str, original: Original) -> Report | None:
    report = "\n".join(lines)
    if not _reports_failure(letter, report):
        return None
    delayed = says_delayed(report) or says_delayed(letter.subject)
    domain = letter.from_.domain if letter.from_ else ""
    recipients = read_text(
        lines, named=_named(letter), ours=_ours(letter, original), delayed=delayed, domain=domain
    )
    if not recipients:
        nested = _nested_report(letter, parts, rest)
        if nested is not None:
            return nested
    if not recipients and len(original.to) == 1:
        recipients = read_text([original.to[0], *lines], named=original.to, ours=frozenset(), delayed=delayed)
    if not recipients:
        return Report(BounceKind.DELAYED if delayed else BounceKind.BOUNCE, ())
    return Report(kind_of(recipients), recipients)


def _nested_report(letter: Letter, parts: list[Part], rest: str) -> Report | None:
    """A report that a server, a gateway or a virus scanner sent on inside its own letter."""
    for part in parts:
        if part.type in MESSAGE_TYPES and part.message is not None:
            report = _machine_report(list(part.message.walk()))
            if report is not None:
                return report
    return _status_in(rest.split("\n")) if "final-recipient:" in rest.lower() else None


def _named(letter: Letter) -> tuple[str, ...]:
    """X-Failed-Recipients, a header of Exim that others have taken up."""
    named = [address for value in letter.headers.all("x-failed-recipients") for address in addresses_in(value)]
    return tuple(dict.fromkeys(named))


def _ours(letter: Letter, original: Original) -> frozenset[str]:
    return frozenset(address.key for address in (*letter.to, *letter.authors)) | {original.from_.lower()}


def _reports_failure(letter: Letter, report: str) -> bool:
    """Whether a server wrote this, and to say that something was not delivered."""
    if "x-failed-recipients" in letter.headers:
        return True
    if "x-autoreply" in letter.headers or "x-autorespond" in letter.headers or _ABSENCE.match(letter.subject):
        return False
    subject = letter.subject[:500]
    about_delivery = SUBJECTS.search(subject) is not None
    if _is_from_server(letter):
        if _REPLY_MARK.match(subject):  # postmasters are people too
            return bool(find_status(report) or find_reply(report)) and not letter.references
        if not says_undelivered(report):
            return about_delivery
        return about_delivery or _is_from_nobody(letter) or bool(find_status(report) or find_reply(report))
    if not about_delivery or _REPLY_MARK.match(subject) or not says_undelivered(report):
        return False
    return _is_from_nobody(letter) or _HEADLINE.match(report.strip()[:200]) is not None


def _is_from_server(letter: Letter) -> bool:
    if letter.root.params.get("report-type", "").lower() == "delivery-status":
        return True
    author = letter.from_
    if author is None:
        return "<>" in letter.headers.plain("from") or is_daemon_name(letter.headers.get("from"))
    return is_daemon(author.address, author.name)


def _is_from_nobody(letter: Letter) -> bool:
    """Whether an answer would reach nobody, or the letter says that no person wrote it."""
    automatic = letter.headers.get("auto-submitted").lower().startswith("auto-")
    return automatic or letter.headers.plain("return-path").strip() == "<>" or letter.root.type == "multipart/report"
