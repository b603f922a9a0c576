"""Dates in letters: RFC 5322, its obsolete forms, and the rest of the world."""

from datetime import UTC, datetime, timedelta

import pytest

from postroom.mail.dates import read_date


def utc(*clock: int) -> datetime:
    return datetime(*clock, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Tue, 18 Nov 2025 10:12:33 +0100", utc(2025, 11, 18, 9, 12, 33)),
        ("18 Nov 2025 10:12 GMT", utc(2025, 11, 18, 10, 12)),
        ("Tue, 18 Nov 2025 10:12:33 -0000", utc(2025, 11, 18, 10, 12, 33)),
        ("Tue, 18 Nov 2025 10:12:33 EST", utc(2025, 11, 18, 15, 12, 33)),
        ("Tue, 18 Nov 2025 10:12:33 GMT+02:00 (CEST)", utc(2025, 11, 18, 8, 12, 33)),
        ("Tue, 18 Nov 2025 10:12:33", utc(2025, 11, 18, 10, 12, 33)),
        ("Tue, 18 Nov 2025 10:12:33 +9999", utc(2025, 11, 18, 10, 12, 33)),
        ("Tue, 18 Nov 97 10:12:33 +0000", utc(1997, 11, 18, 10, 12, 33)),
        ("Tue, 18 Nov 2025 23:59:60 +0000", utc(2025, 11, 18, 23, 59, 59)),
        ("Tue Nov 18 10:12:33 2025", utc(2025, 11, 18, 10, 12, 33)),
        ("Tue Nov 18 10:12:33 EST 2025", utc(2025, 11, 18, 15, 12, 33)),
        ("2025-11-18T10:12:33Z", utc(2025, 11, 18, 10, 12, 33)),
        ("2025-11-18 10:12:33 +0100", utc(2025, 11, 18, 9, 12, 33)),
        ("Tue, 18-Nov-2025 10:12:33 +0000", utc(2025, 11, 18, 10, 12, 33)),
        ("Di, 18 Okt 2025 10:12:33 +0200", utc(2025, 10, 18, 8, 12, 33)),
        ("Tue, 18 Nov 2025 10:12:33 PM +0000", utc(2025, 11, 18, 22, 12, 33)),
        ("Tue,  18 Nov 2025 10:12:33 +0000 (UTC) junk", utc(2025, 11, 18, 10, 12, 33)),
    ],
)
def test_moments(written, moment):
    assert read_date(written) == moment


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday-ish",
        "25:61:61",
        "31 Feb 2025 10:00:00 +0000",
        "Tue, 18 Nov 2025 25:61:61 +0000",
        "9" * 5_000,
    ],
)
def test_no_moment_is_made_up(written):
    assert read_date(written) is None


def test_every_moment_knows_its_zone():
    moment = read_date("Tue, 18 Nov 2025 10:12:33 +0530")
    assert moment is not None
    assert moment.utcoffset() == timedelta(hours=5, minutes=30)
