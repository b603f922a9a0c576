"""Fixtures of the browser tests: Chromium, and a desk of made-up pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.web.desk import Desk
from tests.web.serving import office, site, window  # noqa: F401 - fixtures of the product's own pages


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A running desk of made-up pages."""
    running = Desk()
    yield running
    running.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: script errors, and what the Content-Security-Policy stopped."""
    return []


@pytest.fixture
def page(chromium: Browser, desk: Desk, complaints: list[str]) -> Iterator[Page]:
    """A wide window on that desk, in a browser profile of its own. Any complaint of the browser fails the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=desk.url)
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield opened
    context.close()
    assert complaints == []
