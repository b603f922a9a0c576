"""Slows down guessing of passwords: counts failures per address and per network address, in this process's cache."""

from __future__ import annotations

import hashlib

from django.core.cache import cache
from django.http import HttpRequest

MOST_FAILURES = 10
MOST_FROM_ONE_HOST = 50
WINDOW_SECONDS = 15 * 60


def is_blocked(request: HttpRequest, email: str) -> bool:
    """True when too many sign-ins have failed for this address or from this host."""
    return (
        cache.get(_by_address(email), 0) >= MOST_FAILURES
        or cache.get(_by_host(request), 0) >= MOST_FROM_ONE_HOST
    )


def count_failure(request: HttpRequest, email: str) -> None:
    """Remember a failure for a quarter of an hour."""
    for key in (_by_address(email), _by_host(request)):
        cache.add(key, 0, WINDOW_SECONDS)
        cache.incr(key)


def forget_failures(email: str) -> None:
    """After a success the address starts anew."""
    cache.delete(_by_address(email))


def _by_address(email: str) -> str:
    return "sign-in-" + hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]


def _by_host(request: HttpRequest) -> str:
    return f"sign-in-from-{request.META.get('REMOTE_ADDR', '')}"
