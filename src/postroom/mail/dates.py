"""Dates as letters write them, to aware datetimes (RFC 5322 section 3.3 and what is sent instead). Knows no 'now'."""

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

UTC = timezone.utc  # noqa: UP017 - the name reads better beside the zones below
MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
MONTHS |= {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12, "sept": 9, "fev": 2, "fév": 2, "avr": 4, "aoû": 8, "déc": 12,
           "ene": 1, "abr": 4, "ago": 8, "dic": 12, "gen": 1, "mag": 5, "giu": 6, "lug": 7, "set": 9, "ott": 10, "mei": 5,
           "maa": 3, "mrt": 3, "янв": 1, "фев": 2, "мар": 3, "апр": 4, "май": 5, "мая": 5, "июн": 6, "июл": 7, "авг": 8,
           "сен": 9, "окт": 10, "ноя": 11, "дек": 12}  # fmt: skip
ZONES = {"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
         "pst": -480, "pdt": -420, "wet": 0, "west": 60, "bst": 60, "cet": 60, "cest": 120, "met": 60, "mest": 120, "mez": 60,
         "mesz": 120, "eet": 120, "eest": 180, "msk": 180, "msd": 240, "jst": 540, "kst": 540, "hkt": 480, "sgt": 480,
         "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780, "hst": -600, "akst": -540, "akdt": -480, "ast": -240,
         "adt": -180, "brt": -180}  # fmt: skip
"""Zone names in minutes east of UTC; any other name counts as UTC, as RFC 5322 section 4.3 advises."""

_USUAL = re.compile(
    r"(?:[A-Z][a-z]{2},)? ?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})(?: \(|$)"
)
_COMMENT = re.compile(r"\([^()]*\)")
_DAY_MONTH = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|\.)?[\s\-/,.]*([^\W\d_]{3,10})\.?[\s\-/,.]*(\d{2,4})(?!\d|:)"
)
_MONTH_DAY = re.compile(r"([^\W\d_]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?!\d|:),?\s*(\d{4})?(?!:)")
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?!\d)")
_TIME = re.compile(r"(?<!\d)(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:[.,]\d+)?\s*([ap]\.?m\b)?", re.I)
_OFFSET = re.compile(r"([+-])\s?(\d{1,2}):?(\d{2})?(?!\d)")
_YEAR = re.compile(r"(?<![\d:+-])(\d{4})(?![\d:])")
_NAME = re.compile(r"[A-Za-z]{1,5}")


@lru_cache(maxsize=256)
def _zone(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes)) if minutes else UTC


def read_date(value: str) -> datetime | None:
    """An aware moment, or None if the text holds no possible date. '-0000' and a missing zone mean UTC. Never raises."""
    match = _USUAL.match(value)
    if match is None:
        return _read_unusual(value)
    day, month, year, hour, minute, second, offset = match.groups()
    return _moment(
        int(year),
        MONTHS.get(month.lower(), 0),
        int(day),
        int(hour),
        int(minute),
        int(second),
        _minutes(offset),
    )


def _minutes(offset: str) -> int:
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    return -minutes if offset[0] == "-" else minutes


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int, offset: int
) -> datetime | None:
    if abs(offset) >= 24 * 60:  # no zone is that far; keep the time and call it UTC
        offset = 0
    try:
        return (
            datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(offset))
            if second <= 60
            else None
        )
    except ValueError:
        return None


def _read_unusual(value: str) -> datetime | None:
    if "," in value[:20] and "(" in value:
        value = _COMMENT.sub(" ", value)
    value = value[:200]
    day = _find_day(value)
    if day is None:
        return None
    (year, number, month), rest = day
    clock = _TIME.search(rest)
    hour, minute, second = _read_clock(clock)
    zone = _find_zone(rest[clock.end() :]) if clock else 0
    return _moment(year, month, number, hour, minute, second, zone)


Day = tuple[int, int, int]


def _find_day(value: str) -> tuple[Day, str] | None:
    """(year, day, month) and the text without it; the surest form first."""
    return _day_month(value) or _iso(value) or _month_day(value) or _slashed(value)


def _without(value: str, match: re.Match[str]) -> str:
    return value[: match.start()] + " " + value[match.end() :]


def _day_month(value: str) -> tuple[Day, str] | None:
    """'18 Nov 2025', and its neighbours."""
    for match in _DAY_MONTH.finditer(value):
        if month := _month(match[2]):
            return (_year(match[3]), int(match[1]), month), _without(value, match)
    return None


def _iso(value: str) -> tuple[Day, str] | None:
    """'2025-11-18T...'."""
    match = _ISO.search(value)
    return (
        ((int(match[1]), int(match[3]), int(match[2])), value[match.end() :].lstrip("T")) if match else None
    )


def _month_day(value: str) -> tuple[Day, str] | None:
    """'Nov 18 10:12:33 2025': the year may stand at the end."""
    for match in _MONTH_DAY.finditer(value):
        if month := _month(match[1]):
            rest = _without(value, match)
            year = match[3] or (found[1] if (found := _YEAR.search(rest)) else "")
            return ((int(year), int(match[2]), month), rest) if year else None
    return None


def _slashed(value: str) -> tuple[Day, str] | None:
    """'11/18/2025' as in the USA, unless the first number is no month."""
    match = _SLASHED.search(value)
    if match is None:
        return None
    first, second = int(match[1]), int(match[2])
    month, number = (second, first) if first > 12 else (first, second)
    return (_year(match[3]), number, month), value[match.end() :]


def _month(word: str) -> int:
    word = word.lower()
    return MONTHS.get(word[:3], 0) or MONTHS.get(word[:4], 0)


def _year(digits: str) -> int:
    """Two and three digits by RFC 5322 section 4.3."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _read_clock(match: re.Match[str] | None) -> tuple[int, int, int]:
    if match is None:
        return 0, 0, 0
    hour = int(match[1])
    if match[4]:
        hour = hour % 12 + (12 if match[4][0] in "pP" else 0)
    return hour, int(match[2]), int(match[3] or 0)


def _find_zone(rest: str) -> int:
    if match := _OFFSET.search(rest):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        return -minutes if match[1] == "-" else minutes
    name = _NAME.search(rest)
    return ZONES.get(name[0].lower(), 0) if name else 0
