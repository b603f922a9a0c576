"""Reports made for machines: delivery status (RFC 3464), feedback (RFC 5965), disposition (RFC 8098). Not their prose.

Read as they are found: blank lines missing or one too many, fields out of order, the part labelled text/plain or inside
the text, addresses in angle brackets, recipients without a type.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .bounce_status import read_field, settle
from .bounce_values import BouncedRecipient, BounceKind
from .parts import Part

STATUS_TYPES = frozenset(
    {"message/delivery-status", "message/global-delivery-status", "message/delivery-reports"}
)
FEEDBACK_TYPES = frozenset({"message/feedback-report"})
DISPOSITION_TYPES = frozenset({"message/disposition-notification", "message/global-disposition-notification"})

REPORT_LIMIT = 200_000
"""Characters of one report that are read."""

RECIPIENT_LIMIT = 1_000
"""Recipients read from one report."""

_ACTIONS = {
    "failed": "failed", "failure": "failed", "fail": "failed", "permanent-failure": "failed", "error": "failed",
    "delayed": "delayed", "delay": "delayed", "deferred": "delayed",
    "delivered": "delivered", "deliverable": "delivered", "success": "delivered",
    "relayed": "relayed", "relay": "relayed", "expanded": "expanded",
}  # fmt: skip
_FIELD = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9-]{1,60})[ \t]{0,3}:[ \t]*(?P<value>.*)")
_RECIPIENT_NAMES = ("final-recipient", "original-recipient")
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:\\]{1,250}@[^\s<>()\[\]\",;:\\@]{1,250}")
_COMMENT = re.compile(r"\([^()]{0,200}\)")

_CHALLENGE = re.compile(
    r"^diagnostic-code:[^\n]{0,200}(?:not pre-?approved|challenge)", re.IGNORECASE | re.MULTILINE
)

Fields = dict[str, str]


@dataclass(frozen=True)
class Report:
    """What a machine's report says."""

    kind: BounceKind
    recipients: tuple[BouncedRecipient, ...]
    reporting_mta: str = ""
    original_message_id: str = ""


def read_status(text: str) -> Report | None:
    """A delivery status report; None when it tells of no recipient. A recipient whose address it hides has an empty one."""
    groups = _recipient_groups(list(_groups(text[:REPORT_LIMIT])))
    general = groups[0]
    recipients = tuple(_recipients(groups[1:]))
    if not recipients:
        return None
    return Report(
        kind_of(recipients),
        recipients,
        reporting_mta=_after_type(general.get("reporting-mta", "") or general.get("reporting-ua", "")),
        original_message_id=general.get(
            "x-original-message-id", general.get("original-message-id", "")
        ).strip("<> "),
    )


def is_challenge(text: str) -> bool:
    """Whether this is no failure but a question whether we are human, which some services dress as one."""
    return _CHALLENGE.search(text[:REPORT_LIMIT]) is not None


def read_feedback(text: str) -> Report:
    """A complaint: who complained, about which letter (recipients may be empty, many providers black them out)."""
    fields: dict[str, list[str]] = {}
    for group in _groups(text[:REPORT_LIMIT], repeats_split=False):
        for name, value in group.items():
            fields.setdefault(name, []).extend(value.split("\n"))
    feedback = " ".join(fields.get("feedback-type", ["abuse"])).split()[:1] or ["abuse"]
    named = [*fields.get("original-rcpt-to", []), *fields.get("removal-recipient", [])]
    addresses = dict.fromkeys(address for value in named if (address := read_address(value)))
    recipients = [_complaint(address, feedback[0].lower()) for address in addresses]
    return Report(
        BounceKind.COMPLAINT,
        tuple(recipients),
        reporting_mta=_after_type(" ".join(fields.get("reporting-mta", []))),
    )


def read_disposition(text: str) -> Report | None:
    """A receipt: what the recipient's program did with the letter."""
    groups = list(_groups(text[:REPORT_LIMIT]))
    fields = {name: value for group in reversed(groups) for name, value in group.items()}
    address = read_address(fields.get("final-recipient", ""))
    disposition = fields.get("disposition", "")
    if not disposition:
        return None
    action = disposition.rpartition(";")[2].strip().partition("/")[0].lower() or "processed"
    original = read_address(fields.get("original-recipient", ""))
    recipient = BouncedRecipient(
        address=address, action=action, status="", diagnostic=disposition, final=True, original=original
    )
    return Report(
        BounceKind.MDN,
        (recipient,) if address else (),
        reporting_mta=fields.get("reporting-ua", ""),
        original_message_id=fields.get("original-message-id", "").strip("<> "),
    )


def kind_of(recipients: Iterable[BouncedRecipient]) -> BounceKind:
    """What the worst news makes of the whole."""
    actions = {recipient.action for recipient in recipients}
    if "failed" in actions:
        return BounceKind.BOUNCE
    return BounceKind.DELAYED if "delayed" in actions else BounceKind.SUCCESS


def read_address(value: str) -> str:
    """The address in a recipient field: `rfc822; a@b`, `<a@b>`, `a@b (Name)`; a bare local name where there is no more."""
    kind, semicolon, rest = value.partition(";")
    text = (rest if semicolon else kind)[:2_000].strip()
    quoted = re.fullmatch(r'<?("[^"]{1,250}"@[^\s<>@]{1,250})>?', text)
    if quoted:
        return quoted[1]
    match = _ADDRESS.search(text)
    if match and match[0][0] not in "/|":
        return match[0].strip("'.").removeprefix("mailto:")
    bare = _COMMENT.sub("", text).strip("<> \t\"'")
    return (
        bare
        if bare
        and " " not in bare
        and bare[0] not in "/|@:"
        and kind.strip().lower() in ("rfc822", "local", "utf-8")
        else ""
    )


def find_reports(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts that hold a report by their type."""
    types = STATUS_TYPES | FEEDBACK_TYPES | DISPOSITION_TYPES
    return (part for part in parts if part.type in types)


# Delivery status


def _groups(text: str, *, repeats_split: bool = True) -> Iterator[Fields]:
    """Runs of fields. A blank line ends one, and so does a field that was there already (blank lines get lost)."""
    group: Fields = {}
    name = ""
    for line in text.split("\n"):
        if line[:1] in " \t" and line.strip() and name:
            group[name] += f"\n{line.strip()}" if len(group[name]) < 20_000 else ""
            continue
        field = _FIELD.match(line.strip("\r"))
        if field is None:
            if not line.strip() and group:
                yield group
                group, name = {}, ""
            continue
        name = field["name"].lower()
        if (
            name in group
            and repeats_split
            and name not in ("remote-mta", "diagnostic-code", "x-display-name")
        ):
            yield group
            group = {}
        group[name] = f"{group[name]}\n{field['value']}" if name in group else field["value"]
    if group:
        yield group


def _recipient_groups(groups: list[Fields]) -> list[Fields]:
    """[fields about the letter, fields of each recipient...], put together again when a blank line tore them apart."""
    general: Fields = {}
    found: list[Fields] = []
    loose: Fields = {}
    for group in groups:
        if any(name in group for name in _RECIPIENT_NAMES) or "x-actual-recipient" in group:
            found.append({**loose, **group})
            loose = {}
        elif "action" in group or "status" in group or "diagnostic-code" in group:
            target = found[-1] if found and not (found[-1].keys() & group.keys()) else loose
            target.update(group)
        elif not found:
            general.update(group)
    if found and "reporting-mta" in found[0] and not general:
        general = found[0]
    return [general, *found[:RECIPIENT_LIMIT]]


def _recipients(groups: list[Fields]) -> Iterator[BouncedRecipient]:
    seen: set[tuple[str, str]] = set()
    for group in groups:
        recipient = _recipient(group)
        if recipient is not None and (recipient.address, recipient.action) not in seen:
            seen.add((recipient.address, recipient.action))
            yield recipient


def _recipient(fields: Fields) -> BouncedRecipient | None:
    final = read_address(fields.get("final-recipient", ""))
    original = read_address(fields.get("original-recipient", ""))
    actual = read_address(fields.get("x-actual-recipient", ""))
    address = next((one for one in (final, original, actual) if "@" in one), final or original)
    if not address and "action" not in fields:
        return None
    diagnostic = _diagnostic(fields)
    status = read_field(fields.get("status", ""))
    action = _action(fields.get("action", ""), status)
    return BouncedRecipient(
        address=address,
        action=action,
        status=settle(field=status, diagnostic=diagnostic, action=action),
        diagnostic=diagnostic,
        final=action != "delayed",
        original=original if original.lower() != address.lower() else "",
    )


def _action(value: str, status: str) -> str:
    """The action, by its word; without one a 2.x status delivered it and everything else failed it."""
    word = re.split(r"[\s(;,]", value.strip().lower(), maxsplit=1)[0]
    if word in _ACTIONS:
        return _ACTIONS[word]
    if status.startswith("2"):
        return "delivered"
    return "delayed" if status.startswith("4") and not word else "failed"


def _diagnostic(fields: Fields) -> str:
    value = fields.get("diagnostic-code", "") or fields.get("x-supplementary-info", "")
    return " ".join(_after_type(value).split())


def _after_type(value: str) -> str:
    """What follows `smtp;`, `dns;`, `x-unix;`..."""
    match = re.match(r"\s{0,9}[A-Za-z0-9+-]{1,30}\s{0,9};\s{0,9}", value)
    return (value[match.end() :] if match else value).strip()


def _complaint(address: str, feedback: str) -> BouncedRecipient:
    return BouncedRecipient(address=address, action=feedback, status="", diagnostic="", final=True)
