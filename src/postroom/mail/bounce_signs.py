"""Whether a letter is worth reading as a report, and whether a server wrote it. What it reports is read elsewhere."""

import re

from .bounce_marks import is_about_delivery, is_daemon, is_daemon_name, says_undelivered
from .bounce_original import MESSAGE_TYPES
from .bounce_reports import DISPOSITION_TYPES, FEEDBACK_TYPES, STATUS_TYPES
from .bounce_status import find_reply, find_status
from .caseless import AnyOf, fold_case
from .letter import Letter
from .parts import Part

_REPORT_TYPES = STATUS_TYPES | FEEDBACK_TYPES | DISPOSITION_TYPES
_NOTIFYING = re.compile(r"notification|unsubscribe|complaint about|amazon ses|aws", re.IGNORECASE)
_NOTIFYING_WORDS = AnyOf(_NOTIFYING.pattern.split("|"))
_REPLY_MARK = re.compile(r"(?:re|aw|sv|antw|fw|fwd|wg|tr)\s?:", re.IGNORECASE)
_ABSENCE = re.compile(
    r"automatic reply|out of (?:the )?office|autoreply|auto[- ]?response|abwesen|absence du bureau",
    re.IGNORECASE,
)
_HEADLINE = re.compile(
    r"[\W_]{0,80}(?:non-?delivery (?:report|notice)|delivery (?:failure|status) (?:report|notification))",
    re.IGNORECASE,
)


def may_report(letter: Letter) -> bool:
    """Whether it is worth reading the body: told by the header, so that ordinary letters cost next to nothing."""
    return (
        letter.root.type in ("multipart/report", *_REPORT_TYPES)
        or (letter.root.is_multipart and any(part.type in _REPORT_TYPES for part in outer_parts(letter)))
        or "x-failed-recipients" in letter.headers
        or is_about_delivery(letter.subject[:500])
        or _notifies(letter.subject[:500])
        or is_from_server(letter)
    )


def _notifies(subject: str) -> bool:
    return _NOTIFYING_WORDS.are_in(fold_case(subject)) and _NOTIFYING.search(subject) is not None


def outer_parts(letter: Letter) -> list[Part]:
    """The parts in order, without what lies inside attached messages: those are somebody's letters, not reports."""
    found: list[Part] = []
    waiting = [letter.root]
    while waiting:
        part = waiting.pop()
        found.append(part)
        if part.type not in MESSAGE_TYPES:
            waiting.extend(reversed(part.children))
    return found


def reports_failure(letter: Letter, report: str) -> bool:
    """Whether a server wrote this, and to say that something was not delivered."""
    if "x-failed-recipients" in letter.headers:
        return True
    if "x-autoreply" in letter.headers or "x-autorespond" in letter.headers or _ABSENCE.match(letter.subject):
        return False
    subject = letter.subject[:500]
    about_delivery = is_about_delivery(subject)
    if is_from_server(letter):
        if _REPLY_MARK.match(subject):  # postmasters are people too
            return bool(find_status(report) or find_reply(report)) and not letter.references
        if not says_undelivered(report):
            return about_delivery
        return about_delivery or _is_from_nobody(letter) or bool(find_status(report) or find_reply(report))
    if not about_delivery or _REPLY_MARK.match(subject) or not says_undelivered(report):
        return False
    if _HEADLINE.match(report.strip()[:200]):
        return True
    return _is_from_nobody(letter) and bool(find_status(report) or _gives_back(letter))  # parcels fail too


def is_from_server(letter: Letter) -> bool:
    if letter.root.params.get("report-type", "").lower() == "delivery-status":
        return True
    author = letter.from_
    if author is None:
        return "<>" in letter.headers.plain("from") or is_daemon_name(letter.headers.get("from"))
    return is_daemon(author.address, author.name)


def _is_from_nobody(letter: Letter) -> bool:
    """Whether an answer would reach nobody, or the letter says that no person wrote it."""
    automatic = letter.headers.get("auto-submitted").lower().startswith("auto-")
    return (
        automatic
        or letter.headers.plain("return-path").strip() == "<>"
        or letter.root.type == "multipart/report"
    )


def _gives_back(letter: Letter) -> bool:
    return letter.root.type == "multipart/report" or any(
        part.type in MESSAGE_TYPES for part in outer_parts(letter)
    )
