"""The retry policy, in one place: how long to wait after which kind of failure. No clock: callers add the wait to their own now.

Incoming: 2 s doubling to 10 min with full jitter. Sign-in: three quick tries, then hourly, since more would lock the account.
Outgoing: 1, 2, 5, 10, 30 min, then hourly, given up after 24 h.
"""

from __future__ import annotations

import random
from datetime import timedelta

FIRST, LONGEST = 2.0, 600.0
QUICK_SIGN_INS = 3
HOUR = 3600.0
STABLE_SECONDS = 60
"""A connection must have lived this long before the back-off starts anew; a sign-in that succeeds proves nothing."""

SENDING_MINUTES = (1, 2, 5, 10, 30)
GIVE_UP_AFTER = timedelta(hours=24)


def wait_to_collect(kind: str, failures: int, retry_after: float | None = None) -> timedelta:
    """How long to leave a mailbox alone after its `failures`-th failure in a row (1 is the first)."""
    if kind == "throttled":
        return timedelta(seconds=max(retry_after or 0, 30 * min(failures, 20)))
    if kind in ("sign-in", "configuration") and failures >= QUICK_SIGN_INS:
        return timedelta(seconds=HOUR * random.uniform(0.9, 1.1))
    ceiling = min(LONGEST, FIRST * 2 ** min(failures - 1, 10))
    # Full jitter, but never at once: a hundred mailboxes of one server must not come back in step.
    return timedelta(seconds=max(0.5, random.uniform(ceiling / 2, ceiling)))


def wait_to_send(tries: int, retry_after: float | None = None) -> timedelta:
    """How long to wait before the next attempt at a message after `tries` attempts."""
    minutes = SENDING_MINUTES[tries - 1] if tries <= len(SENDING_MINUTES) else 60
    return max(timedelta(minutes=minutes), timedelta(seconds=retry_after or 0))
