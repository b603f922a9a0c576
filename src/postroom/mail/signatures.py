"""Finds signatures and disclaimers at the end of what somebody said; a closing formula with a name is not one of them."""

import re

from postroom.mail.caseless import AnyOf, fold_case
from postroom.mail.quote_labels import DEVICES, DISCLAIMERS, SENT_FROM, alternatives
from postroom.mail.quote_lines import FENCE_STARTS, Line, is_fence

_LONGEST_SIGNATURE = 15  # lines with text
LONGEST_DISCLAIMER = 60  # lines


def _either(words: list[str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in words)


_DEVICE = _either(alternatives(DEVICES))
_SENT = re.compile(rf"(?:{_either(alternatives(*SENT_FROM))})(.*)", re.IGNORECASE)
_HAS_DEVICE = re.compile(rf"(?<![^\W_])(?:{_DEVICE})", re.IGNORECASE)
_MINE = re.compile(
    r"\s*(?:my|mein\w*|mon|ma|mi|mio|meu|minha|mijn|min|moj\w*|моего|мого|a|an|the)\s", re.IGNORECASE
)
_EXCUSE = re.compile(
    r"excuse|typo|brevity|brief|autocorrect|tippfehler|fautes?\b|errors|spelling|erreurs", re.IGNORECASE
)
_ENDS_SENT = re.compile(
    r"(?:gesendet|verschickt|verfasst|geschickt|verzonden|verstuurd|送信|傳送|发送|發送|寄出|gönderildi|küldve|보냄|보냈습니다|lähetetty|envoyé)"
    r"[\s.。!]*\Z",
    re.IGNORECASE,
)
_SENT_VERBS = AnyOf(
    [
        "gesendet",
        "verschickt",
        "verfasst",
        "geschickt",
        "verzonden",
        "verstuurd",
        "送信",
        "傳送",
        "发送",
        "發送",
        "寄出",
        "gönderildi",
        "küldve",
        "보냄",
        "보냈습니다",
        "lähetetty",
        "envoyé",
    ]
)
_SENT_FIRST_WORDS = [fold_case(phrase.split()[0]) for phrase in alternatives(*SENT_FROM)]
_SENT_STARTS = frozenset(word[:4] if len(word) >= 4 else word[:2] for word in _SENT_FIRST_WORDS)
_OUTLOOK_APP = re.compile(r"\boutlook\b.{0,3}\s\w{2,5}\s(?:ios|android|mac)", re.IGNORECASE)
_FROM_PHONE = re.compile(
    r"(?:[\w.]+\s){0,2}(?:from|via)\s(?:my\s|a\s)?(?:mobile|iphone|phone|ipad|ipod|android|blackberry|cell(?:phone)?)\W*\w{0,12}",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[?<?\(?(?:https?://|www\.|mailto:)\S*+", re.IGNORECASE)
_WRAPPING = "<>()[]*_-~–—•| \t"
_DELIMITER = re.compile(r"--|—|–-?|- -|__")
_LIST = re.compile(
    r"mailing list|mailman|listinfo|unsubscribe|groups\.google|yahoogroups|list archive", re.IGNORECASE
)
_CONTACT = re.compile(
    r"https?://|www\.|@|(?:\+|\b)\d[\d\s().-]{6,}\d|\b(?:tel|fax|phone|mobile?|skype)\b", re.IGNORECASE
)
_FIELD = re.compile(r"[^\W\d_][\w -]{0,24}[:：]\s?\S")


def is_delimiter(text: str) -> bool:
    """The line that mail programs put above a signature."""
    return bool(_DELIMITER.fullmatch(text))


def is_mobile(text: str) -> bool:
    """Whether the line is what a phone or mail program adds by itself: "Sent from my iPhone"."""
    if len(text) > 240:
        return False
    words, folded = text.strip(_WRAPPING), fold_case(text)
    if "://" in folded or "www." in folded or "mailto:" in folded:
        words = _LINK.sub("", text).strip(_WRAPPING)
    if not words or len(words) > 120:
        return False
    folded = fold_case(words)
    if len(words) < 60 and "outlook" in folded and _OUTLOOK_APP.search(words):
        return True
    if len(words) < 40 and ("from" in folded or "via" in folded) and _FROM_PHONE.fullmatch(words):
        return True
    if (
        len(words) < 90
        and _SENT_VERBS.are_in(folded)
        and _ENDS_SENT.search(words)
        and _HAS_DEVICE.search(words)
    ):
        return True
    if folded[:4] not in _SENT_STARTS and folded[:2] not in _SENT_STARTS:
        return False
    sent = _SENT.match(words)
    return bool(sent) and _is_device(sent.group(1)) if sent else False


def _is_device(rest: str) -> bool:
    count = len(rest.split())
    if _EXCUSE.search(rest):
        return count <= 18
    if _HAS_DEVICE.search(rest):
        return count <= 7 and "," not in rest
    return (
        bool(_MINE.match(rest))
        and 2 <= count <= 3
        and rest.lstrip().lower().startswith(("my ", "mein", "mon ", "mi "))
    )


def signature_start(lines: list[Line], first: int, last: int) -> int:
    """Where in the lines first..last-1 a signature begins that reaches to the end; `last` if there is none."""
    start = _trailing_start(lines, first, last)
    for at in range(first, start):
        text = lines[at].text
        if text[:1] not in FENCE_STARTS:
            continue
        if _DELIMITER.fullmatch(text) and 0 < _count(lines, at + 1, last) <= _LONGEST_SIGNATURE:
            return at
        if text[0] in "-_=*+" and len(text) >= 8 and is_fence(lines[at]) and _is_footer(lines, at + 1, last):
            return at
    return start


def _count(lines: list[Line], first: int, last: int) -> int:
    """Lines with text, counted no further than needed."""
    count = 0
    for line in lines[first:last]:
        count += bool(line.text)
        if count > _LONGEST_SIGNATURE:
            break
    return count


def _is_footer(lines: list[Line], first: int, last: int) -> bool:
    """A few short lines with ways to reach somebody, or what a mailing list adds."""
    if not 0 < _count(lines, first, last) <= _LONGEST_SIGNATURE:
        return False
    texts = [line.text for line in lines[first:last] if line.text]
    if _LIST.search(" ".join(texts)) and len(texts) <= 8:
        return True
    if any(_FIELD.match(text) and not _CONTACT.match(text) for text in texts):
        return False  # the answers of a web form, not a visiting card
    return all(len(text) <= 60 for text in texts) and sum(bool(_CONTACT.search(text)) for text in texts) >= 2


def _trailing_start(lines: list[Line], first: int, last: int) -> int:
    """Passes upwards over lines of phones and lines of dashes at the end."""
    start = at = last
    while at > first:
        line = lines[at - 1]
        if line.text and not (is_mobile(line.text) or is_fence(line) or _DELIMITER.fullmatch(line.text)):
            break
        at -= 1
        if line.text:
            start = at
    return start


def mobile_break(lines: list[Line], first: int, last: int) -> int:
    """Where a phone's line stands alone between blank lines with text before and after: what follows is older. Or `last`."""
    seen = False
    for at in range(first, last - 1):
        text = lines[at].text
        if not text:
            continue
        if (
            seen
            and not lines[at - 1].text
            and not lines[at + 1].text
            and text.isascii()
            and len(text) < 80
            and is_mobile(text)
        ):
            return at
        seen = True
    return last


_STRONG = [
    (AnyOf(words.split("|")), re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for words, pattern in DISCLAIMERS
]
_SURE = re.compile(
    r"certified virus|automatically logged|recorded for legal|before printing|intended solely|solely for the",
    re.IGNORECASE,
)

_SURE_WORDS = (
    "certified virus|automatically logged|recorded for legal|before printing|intended solely|solely for the"
)
_STEMS = "confiden|konfiden|destinata|print|vertr|priv|solely"  # each stands for several of the words
_WEIGHTY = AnyOf(
    word for words in (*(words for words, _ in DISCLAIMERS), _SURE_WORDS, _STEMS) for word in words.split("|")
)


def disclaimer_start(lines: list[Line], first: int, last: int) -> int:
    """Where in the lines first..last-1 the disclaimers begin that reach to the end; `last` if there are none."""
    start = last
    for _ in range(6):
        end = _without_blanks(lines, first, start)
        found = _fenced_start(lines, first, end)
        if found is None:
            found = _paragraph_start(lines, first, end)
        if found is None:
            break
        start = found
    while start < last and start > first and (is_fence(lines[start - 1]) or not lines[start - 1].text):
        start -= 1
    if start == first:
        return last  # somebody who says nothing else means it
    return start


def _without_blanks(lines: list[Line], first: int, last: int) -> int:
    while last > first and not lines[last - 1].text:
        last -= 1
    return last


def _fenced_start(lines: list[Line], first: int, end: int) -> int | None:
    """The last line of dashes or stars with a disclaimer after it."""
    closing = end > first and is_fence(lines[end - 1])
    for at in range(end - 1 - closing, max(first, end - LONGEST_DISCLAIMER) - 1, -1):
        if is_fence(lines[at]) and len(lines[at].text) >= 5:
            return at if _score(lines, at + 1, end) >= 1 else None
    return None


def _paragraph_start(lines: list[Line], first: int, end: int) -> int | None:
    at = end
    while at > first and lines[at - 1].text and end - at < LONGEST_DISCLAIMER:
        at -= 1
    return at if at < end and _score(lines, at, end) >= 2 else None


def _score(lines: list[Line], first: int, end: int) -> int:
    return weigh_disclaimer([line.text for line in lines[first:end]])


def weigh_disclaimer(texts: list[str]) -> int:
    """How many signs of a disclaimer the lines hold; two are one."""
    text = " ".join(texts)[:6000]
    if len(text) < 60:
        return 0
    folded = fold_case(text)
    if not _WEIGHTY.are_in(folded):
        return 0
    return sum(words.are_in(folded) and bool(pattern.search(text)) for words, pattern in _STRONG) + bool(
        _SURE.search(text)
    )
