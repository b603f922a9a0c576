"""Validate: the steps of a check as they end, as lines of JSON for <pr-check>, or as a page for a browser without script.

The lines are drawn by frontend/src/elements/check.ts; the steps come from actions/checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render

JSON_LINES = "application/x-ndjson"
STATES = {"ok": "ok", "warn": "warn", "fail": "bad", "skipped": "wait"}
# SHA-256 of a certificate, as the connectors write it into their advice.
FINGERPRINT = re.compile(r"\b[0-9a-f]{64}\b")


# How the last step of a mailbox's check begins: "3 letters, 1,024 bytes".
COUNTED = re.compile(r"[\d,]+ letters?")


class Step(Protocol):
    """What a check yields; the class itself is the connectors', whom pages do not know."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def ms(self) -> int: ...
    @property
    def server_line(self) -> str: ...
    @property
    def fix(self) -> str: ...
    @property
    def field(self) -> str: ...


def answer(request: HttpRequest, steps: Iterable[Step], *, title: str) -> HttpResponseBase:
    """Stream the steps, or wait for all of them and show a page."""
    if JSON_LINES in request.headers.get("Accept", ""):
        response = StreamingHttpResponse(_lines(steps, title), content_type=JSON_LINES)
        # A proxy that collects the answer would show every step at the end.
        response.headers["Cache-Control"], response.headers["X-Accel-Buffering"] = "no-store", "no"
        return response
    drawn = [described(step) for step in steps]
    return render(
        request,
        "postroom/setup/check.html",
        {"steps": drawn, "title": title, "ok": all(one["state"] != "bad" for one in drawn)},
    )


def described(step: Step) -> dict[str, Any]:
    """A step as the page draws it."""
    found = {
        "name": step.title,
        "state": STATES[step.state],
        "ms": step.ms,
        "detail": step.detail,
        "fix": step.fix,
        "said": step.server_line,
    }
    counted = COUNTED.match(step.detail) if step.name == "count" and step.state != "fail" else None
    if counted:
        found["letters"] = counted[0]
    actions = list(_offers(step))
    return {
        **{key: value for key, value in found.items() if value != ""},
        **({"actions": actions} if actions else {}),
    }


def _lines(steps: Iterable[Step], title: str) -> Iterator[str]:
    ok = True
    for step in steps:
        ok = ok and step.state != "fail"
        yield json.dumps({"group": title, **described(step)}, ensure_ascii=False) + "\n"
    yield json.dumps({"done": True, "ok": ok}) + "\n"


def _offers(step: Step) -> Iterator[dict[str, Any]]:
    """Buttons that set fields of the form and check again."""
    if step.state != "fail":
        return
    if step.field in ("pin", "host") and (shown := FINGERPRINT.search(step.fix or step.detail)):
        yield {"label": "Pin this certificate", "set": {"settings.pin": shown[0]}}
    if step.field == "move_to" or step.name == "rights":
        yield {"label": "Leave emails as they are instead", "set": {"after_collect": "leave"}}
