"""Our own Message-IDs and case tokens: proof that a letter answers one of ours. Not a secret store: keys are given.

A header is free text; only what carries our keyed hash (HMAC-SHA-256, RFC 2104) counts as ours. Tokens use the base 32
alphabet in lower case and are compared without case, because clients exist that change the case of addresses and ids.
There is one format and no older one that could be used to get round it.

    Message-ID   c<case>.m<message>.<20 characters>@<domain>
    case token   c<case>-<20 characters>                        for a plus-address, a header or a subject
"""

import hashlib
import hmac
import re
from base64 import b32encode
from dataclasses import dataclass

TOKEN_LENGTH = 20
"""Characters of base 32: 100 bits of the hash."""

SHORTEST_KEY = 16
"""Bytes. A shorter key could be searched for."""

CANDIDATE_LIMIT = 20
"""Tokens tried in one text, so that a text made of look-alikes costs no more than a few hashes."""

_NUMBER = r"(?:0|[1-9]\d{0,18})"
_MESSAGE_ID = re.compile(
    rf"c(?P<case>{_NUMBER})\.m(?P<message>{_NUMBER})\.(?P<token>[a-z2-7]{{{TOKEN_LENGTH}}})"
    r"@(?P<domain>[a-z0-9](?:[a-z0-9.-]{0,252}))",
    re.ASCII,
)
_CASE_TOKEN = re.compile(
    rf"(?<![A-Za-z0-9])c(?P<case>{_NUMBER})-(?P<token>[a-z2-7]{{{TOKEN_LENGTH}}})(?![A-Za-z0-9])",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class OwnId:
    """What one of our Message-IDs says: numbers of the case and of the message."""

    case: int
    message: int


def make_message_id(key: bytes, *, case: int, message: int, domain: str) -> str:
    """A Message-ID without angle brackets (RFC 5322 section 3.6.4), the same every time for the same arguments.

    `message` makes it unique. ValueError on a short key, a negative number or a domain no id can carry.
    """
    domain = domain.lower()
    own_id = f"c{case}.m{message}.{_hash(key, 'message', case, message, domain)}@{domain}"
    if _MESSAGE_ID.fullmatch(own_id) is None:
        raise ValueError(f"no Message-ID can be made of case {case}, message {message}, domain {domain!r}")
    return own_id


def read_message_id(message_id: str, key: bytes) -> OwnId | None:
    """The case and message named by one of our Message-IDs, in any case and with or without brackets; else None."""
    match = _MESSAGE_ID.fullmatch(message_id.strip(" \t\r\n<>")[:400].lower())
    if match is None:
        return None
    case, message = int(match["case"]), int(match["message"])
    expected = _hash(key, "message", case, message, match["domain"])
    return OwnId(case=case, message=message) if hmac.compare_digest(expected, match["token"]) else None


def case_of(message_id: str, key: bytes) -> int | None:
    """The case one of our Message-IDs belongs to; None for any other id and for every forged one."""
    own_id = read_message_id(message_id, key)
    return None if own_id is None else own_id.case


def case_token(key: bytes, case: int) -> str:
    """A token that proves `case` inside a reply address (`desk+<token>@...`), a header or a subject."""
    if not 0 <= case < 10**19:
        raise ValueError(f"no token can be made of case {case}")
    return f"c{case}-{_hash(key, 'case', case)}"


def read_case_token(text: str, key: bytes) -> int | None:
    """The case of the first valid token anywhere in `text`; None when there is none."""
    for tried, match in enumerate(_CASE_TOKEN.finditer(text)):
        if tried == CANDIDATE_LIMIT:
            break
        case = int(match["case"])
        if hmac.compare_digest(_hash(key, "case", case), match["token"].lower()):
            return case
    return None


def _hash(key: bytes, purpose: str, *values: int | str) -> str:
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"the key has {len(key)} bytes, at least {SHORTEST_KEY} are needed")
    text = "\n".join([f"postroom {purpose}", *map(str, values)])
    digest = hmac.digest(key, text.encode(), hashlib.sha256)
    return b32encode(digest).decode("ascii").lower()[:TOKEN_LENGTH]
