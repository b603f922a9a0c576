"""The web server: pages by Django in threads, the event stream beside them without one. Not the engine.

/live      live.py, asynchronous: an open stream costs no thread and no database connection
/healthz   says that the process answers
the rest   Django as WSGI in worker threads; static files by whitenoise inside it
"""

from __future__ import annotations

import socket
from typing import Any, cast

import uvicorn
from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

from postroom.conf.deployment import deployment
from postroom.web.live import Receive, Scope, Send, feed, live

PAGE_THREADS = 16
DRAIN_SECONDS = 5


class Application:
    """The ASGI application."""

    def __init__(self) -> None:
        # Its types describe every kind of connection; only HTTP comes here.
        self._pages: Any = WSGIMiddleware(cast(Any, get_wsgi_application()), workers=PAGE_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/live" and scope["method"] == "GET":
            await live(scope, receive, send)
        elif scope["path"] == "/healthz":
            await _say_ok(send)
        else:
            await self._pages(scope, receive, send)


async def _say_ok(send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")],
        }
    )
    await send({"type": "http.response.body", "body": b"ok\n"})


class PageServer(uvicorn.Server):
    """Ends the event streams first, since they would never end by themselves and a server waits for its connections."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        feed.close()
        await super().shutdown(sockets)


def make_server(*, host: str = "", port: int = 0) -> PageServer:
    """A server that `run()` starts, in any thread, and `should_exit = True` stops. Empty values come from the deployment."""
    return PageServer(
        uvicorn.Config(
            Application(),
            host=host or deployment.options.host,
            port=port or deployment.options.port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
