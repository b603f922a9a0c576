"""`/live`: the event stream of a browser (Server-Sent Events). Asynchronous and outside Django's views: it holds no database connection.

The browser gives the id of the last event it knows (`Last-Event-ID`, or `?last=`). What it missed is replayed; if that is too much,
one `gap` event tells it to read everything again. A `ping` every 15 seconds shows both sides that the other is there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections, connection
from django.http import HttpRequest

from postroom.models import User
from postroom.web.feed import OVERLAP, REPLAYED, Feed, Heard, Subscriber, newest_event, read_events

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PING_SECONDS = 15.0
MOST_WAITING = 1000  # events a slow browser may lag behind before it is told to read everything again
feed = Feed()
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="live")


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request for the stream."""
    loop = asyncio.get_running_loop()
    subscriber, waiting = None, asyncio.Queue[list[Heard] | None](maxsize=MOST_WAITING)
    person = await loop.run_in_executor(_threads, _signed_in, _cookie(scope, settings.SESSION_COOKIE_NAME))
    if person is None:
        await _refuse(send)
        return
    subscriber = Subscriber(
        person.user, person.session, person.auth_hash, lambda events: _from_thread(loop, waiting, events)
    )
    try:
        replay, gap = await loop.run_in_executor(_threads, _begin, subscriber, _cursor(scope))
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send(
            _chunk(
                "retry: 2000\n\n" + ("event: gap\ndata: {}\n\n" if gap else "") + "".join(map(_line, replay))
            )
        )
        await _pump(waiting, {event.id for event in replay}, receive, send)
    finally:
        feed.unsubscribe(subscriber)


HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Reverse proxies that collect answers before they pass them on would hold events back.
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


async def _pump(
    waiting: asyncio.Queue[list[Heard] | None], sent: set[int], receive: Receive, send: Send
) -> None:
    """Pass on events until the browser leaves or the stream is ended."""
    leaving = asyncio.ensure_future(_until_gone(receive))
    try:
        while not leaving.done():
            next_one = asyncio.ensure_future(waiting.get())
            await asyncio.wait({next_one, leaving}, timeout=PING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not next_one.done():
                next_one.cancel()
                if not leaving.done():
                    await send(_chunk("event: ping\ndata: {}\n\n"))
                continue
            events = next_one.result()
            if events is None:
                break
            fresh = [event for event in events if event.id not in sent]
            if fresh:
                await send(_chunk("".join(map(_line, fresh))))
    finally:
        leaving.cancel()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _from_thread(
    loop: asyncio.AbstractEventLoop, waiting: asyncio.Queue[list[Heard] | None], events: list[Heard] | None
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(_put, waiting, events)


def _put(waiting: asyncio.Queue[list[Heard] | None], events: list[Heard] | None) -> None:
    """A browser that does not read is cut off; it comes back with its cursor."""
    if waiting.full():
        while not waiting.empty():
            waiting.get_nowait()
        events = None
    waiting.put_nowait(events)


def _line(event: Heard) -> str:
    return f"id: {event.id}\ndata: {json.dumps(event.payload, separators=(',', ':'))}\n\n"


def _chunk(text: str) -> MutableMapping[str, Any]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}


async def _refuse(send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 401,
            "headers": [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")],
        }
    )
    await send({"type": "http.response.body", "body": b"Sign in first.\n"})


# Read in a thread, once per stream


def _signed_in(session_key: str) -> Subscriber | None:
    """Whose session this is. The subscriber it returns only carries the answer."""
    close_old_connections()
    try:
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key or None)
        user = get_user(request)
        if not session_key or not isinstance(user, User) or not user.is_active:
            return None
        return Subscriber(user.pk, session_key, user.get_session_auth_hash(), lambda events: None)
    finally:
        connection.close()


def _begin(subscriber: Subscriber, last: int | None) -> tuple[list[Heard], bool]:
    """Subscribe first and read what was missed afterwards, so that nothing falls between."""
    close_old_connections()
    try:
        feed.subscribe(subscriber)
        if last is None or last >= newest_event():
            return [], False
        start = last if connection.vendor == "sqlite" else max(0, last - OVERLAP)
        missed = read_events(start, limit=REPLAYED + OVERLAP + 1)
        if len(missed) > REPLAYED + OVERLAP:
            return [], True
        return [event for event in missed if subscriber.may_hear(event)], False
    finally:
        connection.close()


# Out of the request


def _cookie(scope: Scope, name: str) -> str:
    header = b"; ".join(value for key, value in scope["headers"] if key == b"cookie").decode("latin-1")
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _cursor(scope: Scope) -> int | None:
    given = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"last-event-id"), "")
    given = given or parse_qs(scope.get("query_string", b"").decode("latin-1")).get("last", [""])[0]
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
