"""A small server of made-up pages that use every component and element: for tests of the front end without the product behind it."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.template import engines
from django.template.loader import render_to_string
from django.utils import timezone

from postroom.web.components.assets import BUILD
from postroom.web.security import POLICY, mail_policy

HERE = Path(__file__).resolve().parent
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}

PEOPLE = [
    ("Hotel Alpenblick", "Invoice 2026-1107: wrong VAT ID", "Sending your corrected invoice now…", "09:58", "Billing", {"sending": True}),
    ("Jonas Weber", "Charged twice for order 48213", "I can see two payments of €129.00 on my card", "10:36", "Billing", {"due": "42 min", "state": "warn", "files": True, "draft": True, "open": True}),
    ("Priya Nair", "Re: Where is my parcel?", "It still says “label created”, that was six days ago", "10:31", "Orders", {"due": "1 h 12 min", "new": True}),
    ("Lukas Brandt", "Re: Return label does not print", "The second PDF works, thank you. One more question", "10:02", "Billing", {"due": "8 min overdue", "state": "bad", "busy": "Aisha", "heading": True}),
    ("عمر حداد", "استفسار عن استرداد المبلغ", "مرحبًا، لم يصلني المبلغ بعد إرجاع الطلب", "10:22", "العربية", {"due": "2 h 05 min", "new": True}),
    ("Kenji Watanabe", "Damaged zip on Trek 45 backpack", "Please see the three photos attached. The zip", "Yesterday", "Returns", {"due": "3 h 40 min", "files": True}),
    ("Emma Clarke", "Discount code not accepted", "AUTUMN15 shows as expired although your newsletter", "Yesterday", "Billing", {"due": "5 h 10 min"}),
]  # fmt: skip


def rows() -> list[dict[str, Any]]:
    """The rows of the list, ids from 1."""
    names = ("name", "subject", "preview", "time", "queue")
    return [{"id": n, **dict(zip(names, one[:5], strict=True)), **one[5]} for n, one in enumerate(PEOPLE, 1)]


def frame(**more: Any) -> dict[str, Any]:
    """What the sidebar reads."""
    queues = [("Billing", 14, True), ("Orders", 31, False), ("Returns", 8, False), ("Français", 5, False)]
    first = [
        ("My open", "inbox", 3, "g i"),
        ("Waiting on customer", "hourglass", 11, ""),
        ("Snoozed", "snooze", 2, ""),
        ("Drafts", "pen", 1, "g d"),
    ]
    return {
        "nav": [
            {"items": [{"url": "/agent", "label": a, "icon": b, "count": c, "key": d, "active": a == "My open"} for a, b, c, d in first] + [{"url": "/m", "label": "Mentions", "icon": "bell", "dot": True}]},
            {"label": "My queues", "items": [{"url": f"/q/{a}", "label": a, "hue": a, "count": b, "hot": c} for a, b, c in queues]},
            {"label": "Email", "items": [{"url": "/channels", "label": "Channels", "icon": "mail", "count": 1, "hot": True}]},
        ],
        "presence": {"state": "available", "label": "Available", "since": timezone.now() - timedelta(minutes=102), "used": 3, "capacity": 5, "url": "/presence", "choices": [{"value": "available", "label": "Available", "state": "available", "active": True}, {"value": "lunch", "label": "Lunch", "state": "paused"}]},
        "setup": {"done": 5, "total": 6, "next": "invite your agents", "url": "/setup"},
        "me": {"name": "Maya Lindqvist", "url": "/me", "key": "maya"},
        "sign_out_url": "/out",
        "page_title": "My open",
        **more,
    }  # fmt: skip


def thread(case: int, **more: Any) -> dict[str, Any]:
    """What the thread and its composer read."""
    row = rows()[case - 1]
    modes = [
        ("reply", "Reply", "jonas.weber@mailbox.example", ""),
        ("all", "Reply all", "jonas.weber@mailbox.example", "Ana <ana@mailbox.example>"),
        ("forward", "Forward", "", ""),
    ]
    reply = {
        "action": f"/send/{case}", "draft_key": f"{case}:1:reply", "save_url": f"/draft/{case}", "upload_url": "/upload", "limit": 20_000_000, "limit_label": "20 MB",
        "canned_url": "/canned", "suggest_url": "/contacts", "key": "k1", "seen": 7, "senders": [{"value": 1, "label": "Nordlys Billing", "active": True}],
        "modes": [{"value": a, "label": b, "to": c, "cc": d} for a, b, c, d in modes], "to": "jonas.weber@mailbox.example", "subject": "Re: " + row["subject"],
        "signature": "Maya Lindqvist · Nordlys Billing", "close": True, "rich": True, "body": more.pop("body", ""),
    }  # fmt: skip
    note = {
        "action": f"/note/{case}",
        "draft_key": f"{case}:1:note",
        "save_url": f"/draft-note/{case}",
        "mention_url": "/colleagues",
    }
    files = [
        {
            "name": "statement-nov.pdf",
            "size": 182_000,
            "url": "/f/1",
            "kind": "pdf",
            "ending": "pdf",
            "state": "scanned, clean",
        },
        {"name": "IMG_2041.jpg", "size": 1_400_000, "url": "/f/2", "kind": "img", "ending": "jpg"},
    ]
    return {
        "case": {"id": case, "name": row["name"], "subject": row["subject"], "html": more.pop("html", False)},
        "files": files,
        "composer": {"reply": reply, "note": note},
        **more,
    }


def channels() -> dict[str, Any]:
    """What the table of channels reads."""
    names = ("name", "address", "letter", "provider", "health", "since", "dot", "state", "queue", "last")
    lines = [
        (
            "Faktury CZ",
            "faktury@nordlys.example",
            "G",
            "google",
            "Sign-in ended",
            "since 06:12, 46 tries",
            "bad",
            "bad",
            "Billing",
            "06:11",
        ),
        (
            "Support EU",
            "help@nordlys.example",
            "M",
            "microsoft",
            "Collecting",
            "live, 4 s ago",
            "ok",
            "",
            "Orders",
            "10:46",
        ),
        (
            "Returns desk",
            "returns@nordlys.example",
            "R",
            "",
            "Slow server",
            "last check took 18 s",
            "warn",
            "warn",
            "Returns",
            "10:39",
        ),
        (
            "Summer campaign",
            "sommer@nordlys.example",
            "S",
            "",
            "Off",
            "by Aisha Khan, 2 Sep",
            "",
            "",
            "Orders",
            "2 Sep",
        ),
    ]
    columns = [
        {"key": "name", "label": "Channel"},
        {"key": "health", "label": "Health"},
        {"label": "Default queue"},
        {"key": "last", "label": "Last email"},
        {"label": "On"},
    ]
    return {
        "channels": [dict(zip(names, line, strict=True), bad=line[6] == "bad") for line in lines],
        "columns": columns,
        "security": (("tls", "TLS"), ("starttls", "STARTTLS"), ("none", "None")),
        "steps": [
            {"label": "Address", "state": "done"},
            {"label": "Sign in", "state": "done"},
            {"label": "Check", "state": "now"},
            {"label": "Queue"},
            {"label": "Test email"},
        ],
        "errors": {"port": "Port: 99300 is too large: the most is 65535."},
    }


STEPS = [
    {"group": "Collecting email", "name": "Server name found", "state": "ok", "ms": 12, "detail": "imap.nordlys.example is 203.0.113.24"},
    {"group": "Collecting email", "name": "Connection is encrypted", "state": "ok", "ms": 96, "detail": "TLS 1.3, certificate valid until 14 Feb 2027"},
    {"group": "Collecting email", "name": "Cannot move email to “Processed”", "state": "bad", "ms": 702, "detail": "The folder is there, but this account may only read it.", "fix": "Choose a folder this account may write to, or leave letters where they are.", "said": 'A7 MOVE 1:1 "Processed"\nA7 NO [NOPERM] Mailbox is read-only', "actions": [{"label": "Mark as read instead", "set": {"security": "starttls"}}]},
    {"group": "Collecting email", "name": "New email is announced live (IDLE)", "state": "wait"},
    {"done": True, "ok": False},
]  # fmt: skip
BODY = (
    "<!doctype html><meta charset=utf-8><body><h2>Order 48213</h2>"
    + "<p>A letter with colours of its own.</p>" * 30
    + "<script>parent.document.title='owned'</script></body>"
)


class Desk:
    """The running server. `posts` are the requests it got: (path, fields). `answer` may be replaced by a test to refuse or delay."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, list[str]]]] = []
        self.gets: list[str] = []
        self.answered: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.status: dict[str, int] = {}
        self.delay: dict[str, float] = {}
        self.context: dict[str, Any] = {}
        self.arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"desk": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def send_event(self, **event: Any) -> None:
        """Let every open stream hear an event."""
        with self.arrived:
            self.events.append(event)
            self.arrived.notify_all()

    def wait_for_post(self, path: str, seconds: float = 5) -> dict[str, list[str]]:
        """The newest request to a path that starts so. Raises AssertionError if none comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [fields for where, fields in self.posts if where.startswith(path)]
            if found:
                return found[-1]
            with self.arrived:
                self.arrived.wait(0.05)
        raise AssertionError(f"Nobody posted to {path}: {[p for p, _ in self.posts]}")

    def wait_for_get(self, path: str, seconds: float = 5, *, answered: bool = False) -> None:
        """Wait until a path was asked for, or has been answered."""
        deadline = time.monotonic() + seconds
        while not any(one.startswith(path) for one in (self.answered if answered else self.gets)):
            assert time.monotonic() < deadline, f"Nobody asked for {path}: {self.gets}"
            with self.arrived:
                self.arrived.wait(0.05)

    def page(self, path: str) -> str | None:
        """The HTML of a path."""
        offer = {
            "until": timezone.now() + timedelta(seconds=18),
            "now": timezone.now(),
            "seconds": 30,
            "queue": "Returns",
            "waiting": 840,
            "priority": "High",
            "urgent": True,
            "subject": "Wrong size sent, flying on Friday",
            "who": "Camille Roux, 3rd email this week",
            "accept_url": "/accept",
            "decline_url": "/decline",
        }
        parts = path.strip("/").split("/")
        if parts[0] == "agent":
            more = (
                {"offer": offer, "undo": timezone.now() + timedelta(seconds=7), "now": timezone.now()}
                if "busy" in parts
                else {}
            )
            pane = "list" if "list" in parts else "thread"
            return _render(
                "agent",
                frame(
                    rows=rows(),
                    pane=pane,
                    live_url="/live",
                    **thread(2, html="html" in parts),
                    **more,
                    **self.context,
                ),
            )
        if parts[0] == "case":
            return _render("thread", thread(int(parts[1])))
        if parts[0] in ("channels", "wizard"):
            return _render(
                "channels",
                frame(**channels(), wizard=parts[0] == "wizard", details="details" in parts, **self.context),
            )
        if parts[0] in ("sign_in", "empty"):
            return _render(parts[0], frame(**self.context))
        return BODY if parts[0] == "body" else "" if parts[0] in ("offers", "seen") else None


def _render(name: str, context: dict[str, Any]) -> str:
    dirs = engines["django"].engine.dirs
    if str(HERE) not in map(str, dirs):
        dirs.append(HERE)
        engines["django"].engine.template_loaders[0].reset()  # type: ignore[attr-defined]
    return render_to_string(f"demo/{name}.html", context)


class _Handler(BaseHTTPRequestHandler):
    desk: Desk
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Pages, files, JSON, the event stream."""
        path = urlsplit(self.path).path
        self.desk.gets.append(self.path)
        time.sleep(self.desk.delay.get(path, 0))
        if path.startswith("/static/postroom/build/"):
            return self._file(BUILD / path.rpartition("/")[2])
        if path == "/live":
            return self._stream()
        if path in JSON:
            return self._answer(json.dumps(JSON[path]), "application/json")
        page = self.desk.page(path)
        policy = mail_policy(images=False) if path == "/body" else POLICY
        self._answer(
            page or "",
            "text/html; charset=utf-8",
            404 if page is None else self.desk.status.get(path, 200),
            {"Content-Security-Policy": policy},
        )
        with self.desk.arrived:
            self.desk.answered.append(self.path)
            self.desk.arrived.notify_all()
        return None

    def do_POST(self) -> None:
        """Notes what came and answers as told."""
        path = urlsplit(self.path).path
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(self.desk.delay.get(path, 0))
        status = self.desk.status.get(path, 200)
        with self.desk.arrived:
            self.desk.posts.append((path, _fields(self.headers, content)))
            self.desk.arrived.notify_all()
        if path == "/check":
            return self._lines()
        if path == "/upload":
            return self._answer(
                json.dumps({"id": "f9", "name": "shot.png", "size": 5}), "application/json", status
            )
        return self._answer(
            "" if status < 400 else '<div class="notice warn"><div>Something new arrived.</div></div>',
            "text/html",
            status,
        )

    def _answer(self, text: str, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(text.encode(), kind, status, headers)

    def _send(
        self, content: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _file(self, path: Path) -> None:
        self._send(
            path.read_bytes(),
            TYPES.get(path.suffix, "application/octet-stream"),
            headers={"Cache-Control": "max-age=60"},
        )

    def _lines(self) -> None:
        self._stream_head("application/x-ndjson")
        for step in STEPS:
            self.wfile.write((json.dumps(step) + "\n").encode())
            self.wfile.flush()
            time.sleep(0.02)
        self.close_connection = True

    def _stream_head(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()

    def _stream(self) -> None:
        self._stream_head("text/event-stream")
        sent = int((parse_qs(urlsplit(self.path).query).get("last") or ["0"])[0] or 0)
        try:
            self.wfile.write(b"retry: 500\n\n")
            while True:
                with self.desk.arrived:
                    self.desk.arrived.wait_for(lambda known=sent: len(self.desk.events) > known, timeout=1)
                    fresh = self.desk.events[sent:]
                for event in fresh:
                    sent += 1
                    self.wfile.write(f"id: {sent}\ndata: {json.dumps(event)}\n\n".encode())
                self.wfile.write(b"event: ping\ndata: {}\n\n")
                self.wfile.flush()
        except OSError:
            self.close_connection = True


JSON: dict[str, Any] = {
    "/canned": [
        {
            "name": "Refund on its way",
            "shortcut": "refund-sent",
            "preview": "We have returned your payment.",
            "text": "We have returned {{ amount }} to your card.",
            "html": "We have returned <b>{{ amount }}</b> to your card.",
        }
    ],
    "/contacts": [{"name": "Camille Roux", "address": "camille@roux.example"}],
    "/colleagues": [{"name": "Tomáš Havel", "handle": "tomas"}],
}


def _fields(headers: Message, content: bytes) -> dict[str, list[str]]:
    if headers.get_content_type() != "multipart/form-data":
        return parse_qs(content.decode("utf-8", "replace"), keep_blank_values=True)
    boundary = headers.get_param("boundary")
    fields: dict[str, list[str]] = {}
    for part in content.split(f"--{boundary}".encode())[1:-1]:
        head, _, body = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = head.decode("utf-8", "replace").partition('name="')[2].partition('"')[0]
        fields.setdefault(name, []).append(body.decode("utf-8", "replace"))
    return fields
