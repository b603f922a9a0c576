"""Fixtures: the desk of seed.py, the real server on a free port, and browser windows signed in to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from playwright.sync_api import Browser, Page

from postroom.models import User
from postroom.web.server import make_server
from tests.servers.ports import free_port, wait_until
from tests.web.seed import Desk, make_desk


@pytest.fixture
def office(db: None) -> Desk:
    """An empty desk: people, queues, a channel and a sender."""
    return make_desk()


@pytest.fixture
def site(transactional_db: None) -> Iterator[str]:
    """The product's own server, in a thread; gives its address."""
    server = make_server(host="127.0.0.1", port=free_port())
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, what="the server")
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join(timeout=20)
    assert not thread.is_alive()
    connections.close_all()


def session_of(user: User) -> str:
    """A session as signing in makes one; returns its key, which is the cookie."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


@pytest.fixture
def window(chromium: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """`window(user, theme="dark", width=390)`: a browser window of its own, signed in. A script error fails the test."""
    contexts = []
    wrong: list[str] = []

    def open_window(user: User, *, theme: str = "light", width: int = 1440, height: int = 900) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, base_url=site, color_scheme=theme
        )  # type: ignore[arg-type]
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": site}])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None,
        )
        page.set_default_timeout(8000)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert wrong == []
