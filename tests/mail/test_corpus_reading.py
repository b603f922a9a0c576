"""How far the reader agrees with what others assert about the letters of the corpus. Prints it per kind, with every disagreement.

A disagreement is a failure unless it stands in KNOWN with its reason.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from postroom.mail.letter import Letter, read
from tests.corpus import Sample, samples
from tests.mail.facts import Fact, facts_of

pytestmark = [pytest.mark.corpus, pytest.mark.requirement("RX-06")]

NESTED = "the library walks into attached messages; for us an attached message is one attachment"
REWRITTEN = "the library rewrites or drops what it cannot decode; we show what the sender meant"
PATH = "the library keeps the path in a file name; we keep the name"
MARKED_UP = "the library replaced the charset named inside the HTML, or asserts its text"

NO_ADDRESS = "the library makes an address out of a name, or a name out of a word that may be a local address"
OBSOLETE = "obsolete blanks before the colon: the library finds no field, we find them all"
SPLIT = "an unquoted '@' in a name: the library sees one address more, we see a name"
EMPTY_PARTS = "a multipart whose parts cannot be made out: the library shows nothing, we show the body"
JUNK = "a line that is no field between two fields: the library ends the header there, we skip it"
SPACE_LINE = "the library drops the one blank line that is the whole body"
BOUNDARY_END = "a boundary ending in blanks, forbidden by RFC 2046: the library does not find its end, we do"
RECOVERED = "Content-Disposition without a value: the library drops the file name, we keep it"
FIRST_TYPE = "two Content-Type fields: the library takes the last, we the first and flag it"
BODY_BY_ID = "text with a Content-ID: the library takes it for an attachment, it is the body"
THIRD_FORMAT = "text/enriched beside plain and HTML: the library lists it, for us the same text in a third format is no file"
JOINED = "broken base64 in the text: we read on where the library stops; the third text part is body for us"
GLUED = (
    "the closing delimiter glued to the text: the library takes it for one, it is not at the begin of a line"
)
INVENTED = "the library invents a name for a part without one"
BROKEN_WORD = "undecodable base64 in the subject: the library shows the code, we what can be read"
PRODUCT = "the product's own subject after its prefixes are taken off"

KNOWN: dict[tuple[str, str], str] = {
    ("bounces/imap_tools/multipart_report_emails__multipart_report_multiple_status.eml", "text"): NESTED,
    ("bounces/imap_tools/multipart_report_emails__multipart_report_multiple_status.eml", "html"): NESTED,
    ("bounces/imap_tools/multipart_report_emails__multipart_report_multiple_status.eml", "hashes"): NESTED,
    ("mime/imap_tools/attachment_7bit.eml", "text"): NESTED,
    ("mime/imap_tools/attachment_7bit.eml", "html"): NESTED,
    ("mime/imap_tools/attachment_8bit.eml", "text"): NESTED,
    ("mime/imap_tools/attachment_8bit.eml", "html"): NESTED,
    ("mime/imap_tools/attachment_emails__attachment_message_rfc822.eml", "text"): NESTED,
    ("mime/imap_tools/attachment_emails__attachment_message_rfc822.eml", "names"): NESTED,
    ("mime/imap_tools/attachment_emails__attachment_message_rfc822.eml", "hashes"): NESTED,
    ("mime/imap_tools/forwarded_message.eml", "text"): NESTED,
    ("mime/imap_tools/forwarded_message.eml", "html"): NESTED,
    ("mime/stalwart-mail-parser/rfc__002.eml", "subject"): NESTED,
    ("mime/stalwart-mail-parser/rfc__002.eml", "from"): NESTED,
    ("mime/stalwart-mail-parser/rfc__002.eml", "to"): NESTED,
    ("mime/stalwart-mail-parser/rfc__002.eml", "date"): NESTED,
    ("mime/stalwart-mail-parser/rfc__002.eml", "message_id"): NESTED,
    ("invalid/mikel-mail/error_emails__content_transfer_encoding_plain.eml", "text"): REWRITTEN,
    ("invalid/mikel-mail/error_emails__invalid_subject_characters.eml", "subject"): REWRITTEN,
    ("mime/mikel-mail/plain_emails__raw_email6.eml", "text"): REWRITTEN,
    ("mime/stalwart-mail-parser/legacy__020.eml", "to"): REWRITTEN,
    ("mime/stalwart-mail-parser/legacy__020.eml", "subject"): REWRITTEN,
    ("mime/stalwart-mail-parser/legacy__052.eml", "to"): REWRITTEN,
    ("mime/stalwart-mail-parser/legacy__052.eml", "subject"): REWRITTEN,
    ("mime/stalwart-mail-parser/legacy__052.eml", "text"): REWRITTEN,
    ("mime/stalwart-mail-parser/thirdparty__000.eml", "text"): REWRITTEN,
    ("invalid/mikel-mail/error_emails__content_transfer_encoding_with_semi_colon.eml", "html"): MARKED_UP,
    ("mime/imap_tools/base.eml", "html"): MARKED_UP,
    ("mime/mikel-mail/plain_emails__raw_email_bad_time.eml", "html"): MARKED_UP,
    ("mime/stalwart-mail-parser/legacy__039.eml", "html"): MARKED_UP,
    ("mime/stalwart-mail-parser/legacy__039.eml", "names"): PATH,
    ("mime/stalwart-mail-parser/rfc__001.eml", "names"): PATH,
    ("mime/webklex-php-imap/issue-414.eml", "names"): PATH,
    ("invalid/mikel-mail/error_emails__encoding_madness.eml", "reply_to"): NO_ADDRESS,
    ("invalid/mikel-mail/error_emails__missing_body.eml", "to"): NO_ADDRESS,
    ("mime/imap_tools/mime_emails__raw_email11.eml", "to"): NO_ADDRESS,
    ("mime/stalwart-mail-parser/rfc__001.eml", "from"): NO_ADDRESS,
    ("mime/stalwart-mail-parser/rfc__001.eml", "to"): NO_ADDRESS,
    ("mime/mikel-mail/rfc2822__example13.eml", "subject"): OBSOLETE,
    ("mime/mikel-mail/rfc2822__example13.eml", "from"): OBSOLETE,
    ("mime/mikel-mail/rfc2822__example13.eml", "text"): OBSOLETE,
    ("mime/imap_tools/plain_emails__raw_email_with_at_display_name.eml", "to"): SPLIT,
    ("invalid/mime4j/mimetools-testmsgs__badbound.msg", "leaf_hashes"): EMPTY_PARTS,
    ("mime/mime4j/testmsgs__multipartnopart.msg", "leaf_hashes"): EMPTY_PARTS,
    ("invalid/stalwart-mail-parser/malformed__001.eml", "text"): EMPTY_PARTS,
    ("invalid/stalwart-mail-parser/malformed__001.eml", "attachments"): EMPTY_PARTS,
    ("invalid/stalwart-mail-parser/malformed__004.eml", "attachments"): EMPTY_PARTS,
    ("invalid/stalwart-mail-parser/malformed__007.eml", "attachments"): EMPTY_PARTS,
    ("invalid/stalwart-mail-parser/malformed__012.eml", "attachments"): EMPTY_PARTS,
    ("invalid/mime4j/testmsgs__malformedHeader-nocrlfcrlf.msg", "leaf_hashes"): JUNK,
    ("mime/mime4j/mimetools-testmsgs__hdr-fakeout.msg", "leaf_hashes"): SPACE_LINE,
    ("mime/mime4j/testmsgs__very-long-boundary.msg", "leaf_hashes"): BOUNDARY_END,
    ("mime/mime4j/testmsgs__very-very-long-boundary.msg", "leaf_hashes"): BOUNDARY_END,
    ("invalid/stalwart-mail-parser/malformed__017.eml", "names"): RECOVERED,
    ("invalid/stalwart-mail-parser/malformed__020.eml", "text"): FIRST_TYPE,
    ("mime/imap_tools/text_with_content_id.eml", "hashes"): BODY_BY_ID,
    ("mime/stalwart-mail-parser/rfc__003.eml", "attachments"): THIRD_FORMAT,
    ("mime/stalwart-mail-parser/thirdparty__002.eml", "text"): JOINED,
    ("mime/stalwart-mail-parser/thirdparty__002.eml", "attachments"): JOINED,
    ("mime/stalwart-mail-parser/thirdparty__005.eml", "text"): GLUED,
    ("mime/php-mime-mail-parser/m0020", "names"): INVENTED,
    ("mime/webklex-php-imap/imap_mime_header_decode_returns_false.eml", "subject"): BROKEN_WORD,
    ("replies/redmine/mail_handler__message_reply_by_subject.eml", "subject"): PRODUCT,
}


def squeeze(text: str | None) -> str:
    return re.sub(r"\s+", "", text or "")


def same_people(expected: list[tuple[str, str]], found: list[tuple[str, str]]) -> bool:
    """Names without regard to blanks; an address repeated as name is no name."""

    def form(people: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [
            ("" if squeeze(name) == squeeze(address) else squeeze(name), address.lower())
            for name, address in people
        ]

    return form(expected) == form(found)


def people(found: Any) -> list[tuple[str, str]]:
    return [(one.name, one.address) for one in found]


def first_address(found: Any) -> str:
    return found[0].address if found else ""


def leaf_hashes(found: Letter) -> list[set[str]]:
    """Hashes of every leaf, as it stands and with the line ends some libraries give it."""
    out = []
    for part in found.root.walk():
        if not part.children and part.content():
            data = part.content()
            out.append(
                {
                    hashlib.sha256(form).hexdigest()
                    for form in (data, re.sub(rb"\r?\n", b"\r\n", data), data.replace(b"\r\n", b"\n"))
                }
            )
    return out


def agrees(fact: Fact, found: Letter) -> tuple[bool, Any]:
    """Whether the letter read says the same, and what it says."""
    kind, value = fact.kind, fact.value
    if kind in ("text", "html"):
        said: Any = getattr(found, kind)
        return squeeze(value) == squeeze(said), said
    if kind == "subject":
        return squeeze(value) == squeeze(found.subject), found.subject
    if kind in ("from", "to", "cc", "bcc", "reply_to"):
        said = people(found.authors[:1] if kind == "from" else getattr(found, kind))
        return same_people(value[:1] if kind == "from" else value, said), said
    if kind in ("from_person", "to_person"):
        said = people((found.authors if kind == "from_person" else found.to)[:1])
        return same_people([value], said), said
    if kind == "names":
        said = sorted(one.name for one in found.attachments if one.part.filename)
        return sorted(value) == said, said
    if kind == "hashes":
        said = sorted(one.sha256() for one in found.attachments if one.size and one.type != "message/rfc822")
        return sorted(value) == said, said
    if kind == "leaf_hashes":
        forms = leaf_hashes(found)
        return len(value) == len(forms) and all(
            one in form for one, form in zip(value, forms, strict=True)
        ), len(forms)
    if kind in ("text_count", "html_count"):
        said = getattr(found, kind.partition("_")[0]).count(value[1])
        return said == value[0], said
    said = {
        "date": lambda: found.date,
        "message_id": lambda: found.message_id,
        "attachments": lambda: len(found.attachments),
        "from_first": lambda: first_address(found.authors),
        "to_first": lambda: first_address(found.to),
        "sender_first": lambda: (found.sender or found.from_).address,  # type: ignore[union-attr]
    }[kind]()
    return value == said, said


GROUPS = {
    "subject": "subjects", "from": "From", "from_first": "From", "from_person": "From", "names": "attachment names",
    "to": "other addresses", "to_first": "other addresses", "to_person": "other addresses", "cc": "other addresses",
    "bcc": "other addresses", "reply_to": "other addresses", "sender_first": "other addresses", "date": "dates",
    "message_id": "message ids", "text": "bodies", "html": "bodies", "text_count": "bodies", "html_count": "bodies",
    "attachments": "attachments", "hashes": "attachments", "leaf_hashes": "parts",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Disagreement:
    sample: Sample
    fact: Fact
    said: Any

    @property
    def key(self) -> tuple[str, str]:
        return self.sample.name, self.fact.kind


def compare_all() -> tuple[Counter[str], list[Disagreement]]:
    asked: Counter[str] = Counter()
    differing: list[Disagreement] = []
    for sample in samples():
        found = None
        for basis, facts in sample.facts():
            if basis.startswith("reference") or not isinstance(facts, dict):
                continue
            for fact in facts_of(sample.source, facts):
                found = found or read(sample.read())
                agreed, said = agrees(fact, found)
                asked[fact.kind] += 1
                if not agreed:
                    differing.append(Disagreement(sample, fact, said))
    return asked, differing


def test_the_reader_agrees_with_what_others_assert(capsys):
    asked, differing = compare_all()
    unexplained = [one for one in differing if one.key not in KNOWN]
    with capsys.disabled():
        report(asked, differing)
    assert not [one.key for one in unexplained]
    assert min(Counter(GROUPS[kind] for kind in asked.elements()).values()) > 10
    stale = set(KNOWN) - {one.key for one in differing}
    assert not stale, "explained disagreements that are none any more"


def report(asked: Counter[str], differing: list[Disagreement]) -> None:
    print(
        "\nagreement with the facts of the corpus: as they stand, and counting the disagreements explained below"
    )
    for group in dict.fromkeys(GROUPS.values()):
        total = sum(count for kind, count in asked.items() if GROUPS[kind] == group)
        here = [one for one in differing if GROUPS[one.fact.kind] == group]
        raw, explained = total - len(here), total - sum(1 for one in here if one.key not in KNOWN)
        print(
            f"  {group:18} {raw:4} of {total:4}  {100 * raw / total:5.1f} %   explained {100 * explained / total:5.1f} %"
        )
    for one in differing:
        print(f"    {one.fact.kind:12} {one.sample.name}: {KNOWN.get(one.key, 'UNEXPLAINED')}")


def test_every_file_is_read_without_an_exception():
    for sample in samples():
        found = read(sample.read())
        assert isinstance(found.defects, tuple)
        for text in (found.subject, found.text, found.html):
            assert "\0" not in text
            text.encode("utf-8")
        assert all(one.size >= 0 for one in found.attachments)
