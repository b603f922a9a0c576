"""The status of a delivery (RFC 3463) read out of what servers say. Not a decision what to do about it.

A code that is written beats one we conclude from words; a code that names a cause beats x.0.0.
"""

import re

TEXT_LIMIT = 8_000
"""Characters of a diagnostic looked at."""

_CODE = re.compile(
    r"(?<![\w.])(?:(?P<reply>[245]\d\d)[ -]{1,3})?[#(\[']{0,2}(?P<code>[245]\.\d{1,2}\.\d{1,3})(?!\.?\w)"
)
_REPLY = re.compile(r"(?<![\w./#@=-])(?<!\d:)(?P<reply>[45][0-7]\d)(?=[ \-:,;<]|\.?$)", re.MULTILINE)

_PHRASES: tuple[tuple[str, str], ...] = (
    (
        "2.2",
        r"mail(?:box|folder|drop) (?:\w+ )?(?:is |space )?(?:full|not enough)|full mailbox|over ?quota|quota (?:\w+ )?exceed|"
        r"(?:exceed\w*|over|out of|reached|beyond) (?:\w+ |'s ){0,4}(?:quota|storage|disk space)|disk ?quota|"
        r"quota violation|mailbox exceeds|mailbox has exceeded|too much mail stored|insufficient (?:\w+ )?storage|"
        r"mailbox size limit|user is over|受信ボックス",
    ),
    (
        "2.1",
        r"(?:account|mailbox|user|address)(?: \S+)? (?:has been |is |was )?(?:currently |temporarily )?"
        r"(?:disabled|suspended|inactive|discontinued|deactivated|locked|blocked|closed)|"
        r"(?:disabled|deactivated|inactive|suspended) (?:account|mailbox|user)|not (?:an )?active (?:address|user)",
    ),
    (
        "3.4",
        r"(?:message|mail|file) (?:size|length) (?:exceed|is too|limit)|message (?:is )?too (?:large|big|long)|too large|"
        r"exceeds (?:\w+ ){0,3}(?:message )?size|size limit|line limit exceeded|larger than (?:the )?",
    ),
    ("4.6", r"too many (?:hops|received)|mail(?: forwarding)? loop|message looping|routing loop"),
    (
        "7.1",
        r"relay(?:ing)? (?:is )?(?:denied|not (?:allowed|permitted)|prohibited)|unable to relay|insecure mail relay|"
        r"rcpthosts|open relay|not permitted to relay|no relaying|access denied|not accept(?:ing|ed)? (?:mail )?from|"
        r"blacklist|black list|blocklist|block list|block(?:ed|ing)|spam|virus|unsolicited|dnsbl|\brbl\b|\bspf\b|dkim|dmarc|"
        r"not authori[sz]ed|denied by|policy|administrative prohibition|prohibited|content (?:was )?reject|"
        r"not (?:a )?member|reverse dns|ptr record|no permission|not allowed",
    ),
    ("1.8", r"sender(?: address| domain)? (?:rejected|refused|not found|unknown)|domain of sender|invalid domain name"),
    (
        "1.2",
        r"host (?:is )?(?:unknown|not found)|unknown (?:host|domain)|(?:host|name|service) (?:or \w+ )?(?:name )?not known|"
        r"(?:domain|host)(?: name)? (?:\S+ )?(?:not found|does not exist|doesn't exist|not exist)|no such (?:domain|host)|"
        r"unrouteable|unroutable|nxdomain|find any host|dns lookup|name service error|bad destination (?:system|host)|"
        r"could not find a gateway|no matches to nameserver|illegal host|no mx|domain unknown",
    ),
    (
        "1.1",
        r"(?:user|recipient|mailbox|account|address|addressee|userid|id|name)(?: \S{1,80})? "
        r"(?:is |was |name )?(?:unknown|invalid|not (?:a )?(?:known|found|exist|recogni[sz]ed|listed|valid|here|available))|"
        r"(?:unknown|invalid|no such|bad) (?:\w+ ){0,3}(?:user|recipient|mailbox|account|address|addressee|userid)|"
        r"(?:user|recipient|mailbox|account|address|person)(?: \S{1,80})? (?:do(?:es)? not|doesn't|don't) (?:exist|have)|"
        r"no (?:mail ?box|user|account|recipient)|user not known|not listed in|not our customer|couldn't be found|"
        r"wasn't found|no longer (?:valid|on server|active|available)|could ?n[o']t be found|recipnotfound|not a valid|"
        r"has moved|there is no user|宛先不明|見つから",
    ),
    (
        "4.7",
        r"retry time(?:out)? (?:exceeded|not reached)|queue too long|(?:message|delivery|time) (?:has |time )?expired|"
        r"timed? ?out in queue|could not deliver for the last|multiple retries|maximum delivery attempts|"
        r"unable to deliver .{0,40}for \d+|not been collected|within \d+ (?:days|hours)|has been (?:delayed|postponed)|"
        r"undeliverable for|allowed queue period|aborted after",
    ),
    (
        "4.1",
        r"connection (?:was )?(?:refused|timed out|dropped|reset|failed)|connect(?:ion)? to .{0,80}(?:failed|refused|timed)|"
        r"network (?:error|is unreachable|unreachable)|(?:could not|cannot|can't|unable to|wasn't able to) (?:connect|contact|"
        r"establish)|socket error|not reachable|no route to host|not responding|did not (?:accept our requests|respond)|"
        r"no answer from host|unavailable or busy|operation timed",
    ),
    ("6.0", r"content error|media error|bad (?:mime|header)|nonstandard|non-standard"),
    ("3.0", r"system error|service unavailable|internal error|insufficient system|protocol error|temporary failure|local problem"),
    ("2.0", r"mailbox unavailable|mailbox (?:is )?busy"),
)  # fmt: skip
_CAUSES = tuple((subject, re.compile(pattern, re.IGNORECASE)) for subject, pattern in _PHRASES)


def find_status(text: str) -> str:
    """The most telling enhanced status code written in a server's words; empty if none is.

    A code after a reply code counts before one on its own; among those the last before the words end is the verdict of a
    conversation, but multi-line replies repeat it, so the first is as good and cheaper to reason about.
    """
    found = [(match["reply"] is not None, match["code"]) for match in _CODE.finditer(text[:TEXT_LIMIT])]
    failures = [(replied, code) for replied, code in found if code[0] != "2"]
    for candidates in ([code for replied, code in failures if replied], [code for _, code in failures]):
        for code in candidates:
            if not is_vague(code):
                return code
    return failures[0][1] if failures else (found[0][1] if found else "")


def find_reply(text: str) -> str:
    """The SMTP reply code (4xx, 5xx) in a server's words; empty if there is none."""
    match = _REPLY.search(text[:TEXT_LIMIT])
    return match["reply"] if match else ""


def is_vague(status: str) -> bool:
    """Whether a code says no more than that it failed or worked."""
    return not status or status.endswith(".0.0")


def conclude(text: str, status_class: str) -> str:
    """A code from the words alone, in the given class ("4", "5"); x.0.0 when they tell no cause."""
    words = " ".join(text[:TEXT_LIMIT].split())
    for subject, pattern in _CAUSES:
        if pattern.search(words):
            return f"{status_class}.{subject}"
    return f"{status_class}.0.0"


def settle(*, field: str, diagnostic: str, action: str) -> str:
    """The status of one recipient.

    What the refusing server wrote beats the Status field, which the reporting server often fills by rote; a written code,
    even a vague one, beats what the words let us conclude; and when neither word nor code tells, the action gives the class.
    """
    if action in ("delivered", "relayed", "expanded"):
        return field or find_status(diagnostic) or "2.0.0"
    written = find_status(diagnostic)
    if written[:1] in ("4", "5") and not is_vague(written) and not _is_detail(field, of=written):
        return written
    if field or written:
        return field or written
    return conclude(diagnostic, find_reply(diagnostic)[:1] or ("4" if action == "delayed" else "5"))


def _is_detail(field: str, *, of: str) -> bool:
    """Whether the field names the case of what the other leaves at x.y.0."""
    return of.endswith(".0") and field.startswith(of[:-1]) and field != of


def read_field(value: str) -> str:
    """A Status field, tolerant of words and leading zeros around the code; empty if there is none."""
    match = re.search(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\d)", value[:200])
    return f"{match[1]}.{int(match[2])}.{int(match[3])}" if match else ""
