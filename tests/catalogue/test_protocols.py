"""Counts the rows of the catalogue of bad input about IMAP, POP3 and SMTP that are shown beside this file.

What the engine, the ledger or the outbox has to do about a row (back-off, states, leases) is shown where those live; here:
the right kind of error or the right bytes, in bounded time.
"""

from __future__ import annotations

import re
from types import ModuleType

from tests.catalogue import test_protocols_imap, test_protocols_pop3, test_protocols_smtp

# the rows that a connector alone can answer for; the others belong to the engine, the flow or the forms
OURS = {
    "IMAP": "01 04 07 10 11 12 14 16 17 19 20 21 23 24 26 27 28 29 30 31 32 33 34 35 37 38 41",
    "POP3": "02 03 04 05 06 07 08 09 11 13 14 15 16 17",
    "SMTP": "01 03 04 05 06 08 09 10 12 15 16 17 18 20 21 22 24",
}

MODULES = (test_protocols_imap, test_protocols_pop3, test_protocols_smtp)


def shown(module: ModuleType) -> set[str]:
    """The rows whose ids stand in the names of a module's tests."""
    found = (re.match(r"test_(IMAP|POP3|SMTP)_(\d\d)_", name) for name in vars(module))
    return {f"{one[1]}-{one[2]}" for one in found if one}


def test_every_row_that_is_ours_is_shown() -> None:
    rows = {f"{area}-{number}" for area, numbers in OURS.items() for number in numbers.split()}
    there = set[str]().union(*map(shown, MODULES))
    print(f"protocols: {len(there & rows)} of {len(rows)} rows")
    assert there == rows
