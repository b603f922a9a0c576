"""Brings the facts of the corpus, each in the field names of the library that asserts them, to one form. Not the facts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing asserted about a letter. `kind` is what Postroom calls it."""

    kind: str
    value: Any


def facts_of(source: str, facts: dict[str, Any]) -> Iterator[Fact]:
    """The comparable facts of one expectation; none for families that assert other things."""
    if "from_values" in facts:
        yield from _imap_tools(facts)
    elif "mail_parser" in facts:
        yield from _mail_parser(facts["mail_parser"])
    elif "jmap" in facts:
        yield from _jmap(facts["jmap"])
    elif "decoded" in facts:
        yield from _mime4j(facts["decoded"])
    elif source == "php-mime-mail-parser":
        yield from _php(facts)
    elif source == "webklex-php-imap":
        yield from _webklex(facts)
    elif source in ("zbateson", "stalwart-mail-parser"):
        yield from _zbateson(facts)
    elif source == "redmine":
        yield from _redmine(facts)


def _imap_tools(facts: dict[str, Any]) -> Iterator[Fact]:
    yield Fact("subject", facts["subject"])
    yield Fact("from", [(v["name"], v["email"]) for v in [facts["from_values"]] if v])
    for field in ("to", "cc", "bcc", "reply_to"):
        yield Fact(field, [(v["name"], v["email"]) for v in facts[f"{field}_values"] or ()])
    if not facts["date"].startswith("1900-01-01"):  # what imap_tools says for 'no date'
        yield Fact("date", _aware(datetime.fromisoformat(facts["date"])))
    yield Fact("text", facts["text"])
    yield Fact("html", facts["html"])
    yield Fact("names", [a["filename"] for a in facts["attachments"] if a["filename"]])
    yield Fact(
        "hashes",
        [
            a["payload"]["bytes_sha256"]
            for a in facts["attachments"]
            if a["content_type"] not in ("message/rfc822",) and a["payload"].get("size")
        ],
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _mail_parser(facts: dict[str, Any]) -> Iterator[Fact]:
    parts = facts["parts"]
    if not parts:
        return
    for header in parts[0]["headers"]:
        yield from _parser_header(header["name"], header["value"])
    for kind, index in (("text", "text_body"), ("html", "html_body")):
        wanted = "Text" if kind == "text" else "Html"
        bodies = [parts[i]["body"] for i in facts[index]]
        if bodies and all(wanted in body for body in bodies):
            yield Fact(kind, "\n".join(body[wanted] for body in bodies))
    yield Fact("attachments", len(facts["attachments"]))
    names = [name for i in facts["attachments"] for name in _parser_names(parts[i])]
    yield Fact("names", names)


def _parser_header(name: Any, value: Any) -> Iterator[Fact]:
    if not isinstance(value, dict):
        return
    if name == "subject" and "Text" in value:
        yield Fact("subject", value["Text"])
    elif name == "message_id" and "Text" in value:
        yield Fact("message_id", value["Text"])
    elif name == "date" and "DateTime" in value:
        yield Fact("date", _parser_date(value["DateTime"]))
    elif name in ("from", "to", "cc") and "Address" in value:
        yield Fact(name, list(_parser_addresses(value["Address"])))


def _parser_addresses(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    people = value.get("List")
    if people is None:
        people = [one for group in value.get("Group", ()) for one in group["addresses"]]
    for person in people:
        yield person.get("name") or "", person.get("address") or ""


def _parser_date(value: dict[str, Any]) -> datetime | None:
    offset = timedelta(hours=value["tz_hour"], minutes=value["tz_minute"])
    zone = timezone(-offset if value["tz_before_gmt"] else offset)
    clock = [value[field] for field in ("year", "month", "day", "hour", "minute", "second")]
    try:
        return datetime(*clock, tzinfo=zone)
    except ValueError:
        return None


def _parser_names(part: dict[str, Any]) -> Iterator[str]:
    found: dict[str, str] = {}
    for header in part["headers"]:
        content = (header["value"] or {}).get("ContentType") if isinstance(header["value"], dict) else None
        for attribute in (content or {}).get("attributes") or ():
            found.setdefault(f"{header['name']}:{attribute['name']}", attribute["value"])
    name = found.get("content_disposition:filename") or found.get("content_type:name")
    if name:
        yield name


def _jmap(facts: dict[str, Any]) -> Iterator[Fact]:
    if "subject" in facts:
        yield Fact("subject", facts["subject"] or "")
    for field in ("from", "to", "cc"):
        if facts.get(field):
            yield Fact(field, [(one["name"] or "", one["email"]) for one in facts[field]])
    if facts.get("sentAt"):
        yield Fact("date", datetime.fromisoformat(facts["sentAt"].replace("Z", "+00:00")))
    if facts.get("messageId"):
        yield Fact("message_id", facts["messageId"][0])
    if "attachments" in facts:
        yield Fact("attachments", len(facts["attachments"]))


def _mime4j(facts: dict[str, Any]) -> Iterator[Fact]:
    yield Fact("leaf_hashes", list(_leaves(facts)))


def _leaves(node: dict[str, Any]) -> Iterator[str]:
    if "decoded_body" in node and node["decoded_body"].get("size"):
        yield node["decoded_body"]["sha256"]
    for child in node.get("multipart", ()):
        yield from _leaves(child)
    if "part" in node:
        yield from _leaves(node["part"])


def _php(facts: dict[str, Any]) -> Iterator[Fact]:
    yield Fact("subject", facts["subject"])
    for field in ("from", "to"):
        people = facts[f"{field}_addresses"]
        yield Fact(
            field, [("" if p["display"] == p["address"] else p["display"], p["address"]) for p in people]
        )
    yield Fact("names", [a["filename"] for a in facts["attachments"]])
    for field in ("text", "html"):
        how, *rest = facts[f"{field}_check"]
        if how == "MATCH":
            yield Fact(field, rest[0])
        elif how == "COUNT":
            yield Fact(f"{field}_count", tuple(rest))


def _webklex(facts: dict[str, Any]) -> Iterator[Fact]:
    simple = {"getSubject": "subject", "subject": "subject", "subject->first()": "subject", "message_id": "message_id",
              "getTextBody": "text", "getHTMLBody": "html", "attachments_count": "attachments",
              "attachments->count()": "attachments"}  # fmt: skip
    for name, value in facts.items():
        if name in simple:
            yield Fact(simple[name], value)
        elif name in ("from->first()->mail", "to->first()->mail", "sender->first()->mail"):
            yield Fact(f"{name.partition('-')[0]}_first", value)
        elif name.startswith("date->first()"):
            yield Fact("date", datetime.fromisoformat(value).replace(tzinfo=UTC))
        elif name == "attachments":
            yield Fact("names", [a["filename"] if "filename" in a else a["name"] for a in value])


def _zbateson(facts: dict[str, Any]) -> Iterator[Fact]:
    for name, value in facts.items():
        if name in ("From", "To"):
            people = value if isinstance(value, list) else [value]
            yield Fact(f"{name.lower()}_person", (people[0].get("name") or "", people[0]["email"]))
        elif name == "Subject":
            yield Fact("subject", value)
        elif name == "Message-ID":
            yield Fact("message_id", value)
        elif name == "text_expected":
            yield Fact("text", value)
        elif name == "html_expected":
            yield Fact("html", value)
        elif name == "attachments" and isinstance(value, int):
            yield Fact("attachments", value)


def _redmine(facts: dict[str, Any]) -> Iterator[Fact]:
    names: dict[str, Callable[[Any], Fact]] = {
        "issue.subject": lambda value: Fact("subject", value),
        "m.subject": lambda value: Fact("subject", value),
        "user.mail": lambda value: Fact("from_first", value),
        "attachments_count": lambda value: Fact("attachments", value),
    }
    for name, value in facts.items():
        if name in names:
            yield names[name](value)
        elif name == "attachment.filename" and "#{" not in value:
            yield Fact("names", [value])
