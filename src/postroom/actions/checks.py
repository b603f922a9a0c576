"""Validate: tries exactly the given values, saved or not, and yields each step as it ends. Saves nothing but the verdict.

No transaction is open while a server is asked.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.utils import timezone

from postroom.actions.audit import require_administrator
from postroom.actions.channel_fields import FIELDS as CHANNEL_FIELDS
from postroom.actions.channel_fields import new_values, rule_faults
from postroom.actions.channels import place_of
from postroom.actions.fields import read
from postroom.actions.reaching import Connection, read_connection, split
from postroom.actions.refusals import Refused
from postroom.actions.senders import FIELDS as SENDER_FIELDS
from postroom.conf.setting import parse
from postroom.connectors import registry
from postroom.connectors.base import ConnectorError, Inbox, Outbox, Secret, Settle, Step
from postroom.models import AfterCollect, Channel, Sender, User
from postroom.models.sender import Reachable

WHOLE_SECONDS = 60.0
# Asking the size of every letter is worth it only while the list is short.
CHEAP_LETTERS = 2_000
# The fields of a channel that a check looks at, beside the connection.
REACHING = ("folder", "all_folders", "after_collect", "move_to", "delete_days")
SETTLES = {
    AfterCollect.LEAVE: Settle.LEAVE,
    AfterCollect.MARK_READ: Settle.MARK_READ,
    AfterCollect.MOVE: Settle.MOVE,
    AfterCollect.DELETE: Settle.DELETE,
    AfterCollect.DELETE_LATER: Settle.DELETE,
}


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What lies in a mailbox before anything is collected; `size` is in bytes, None where asking would take long."""

    letters: int
    size: int | None = None
    folders: tuple[str, ...] = ()


def check_channel(
    values: Mapping[str, Any], *, by: User | None, channel: Channel | None = None
) -> Iterator[Step]:
    """Try the values of a channel's form; an empty password means the stored one of `channel`. Ends in 60 s."""
    require_administrator(by)
    errors: dict[str, str] = {}
    wanted, connection = _read_channel(values, channel, errors)
    if errors or connection is None:
        return iter(_faults(errors))
    inbox = _inbox(connection, channel)
    settle = SETTLES[AfterCollect(wanted.after_collect)]
    twice = _collected_twice(connection, wanted.folder, channel)
    return chain(twice, within(inbox.check(folder=wanted.folder, how=settle, move_to=wanted.move_to)))


def check_sender(
    values: Mapping[str, Any], *, by: User | None, sender: Sender | None = None, recipient: str = ""
) -> Iterator[Step]:
    """Try the values of a sender's form up to MAIL FROM; nothing is sent. Ends in 60 s."""
    require_administrator(by)
    errors: dict[str, str] = {}
    given, rest = split(values)
    connection = read_connection(given, registry.outboxes(), errors, row=sender, fallback="smtp")
    address = read(
        SENDER_FIELDS, {"address": rest.get("address", sender.address if sender else None)}, errors
    ).get("address")
    if errors or connection is None:
        return iter(_faults(errors))
    return within(_outbox(connection, sender).check(sender=address or "", recipient=recipient))


def check_saved_channel(channel: Channel, *, by: User | None) -> Iterator[Step]:
    """Try a channel as it is stored, and remember that it was validated if every step went well."""
    return _remember(Channel, channel, check_channel({}, by=by, channel=channel))


def check_saved_sender(sender: Sender, *, by: User | None) -> Iterator[Step]:
    """Try a sender as it is stored, and remember that it was validated if every step went well."""
    return _remember(Sender, sender, check_sender({}, by=by, sender=sender))


def probe_channel(values: Mapping[str, Any], *, by: User | None, channel: Channel | None = None) -> Probe:
    """Count the letters of the mailbox, for the choice of what to do with them (CH-12).

    Raises Refused with the fields that are wrong, or with what the server said.
    """
    require_administrator(by)
    errors: dict[str, str] = {}
    wanted, connection = _read_channel(values, channel, errors)
    if errors or connection is None:
        raise Refused(errors=errors)
    try:
        with _inbox(connection, channel) as inbox:
            return _count(inbox, wanted.folder)
    except ConnectorError as wrong:
        text = " ".join(part for part in (wrong.text, wrong.advice) if part)
        raise Refused(text, errors={_form_field(wrong.field): text} if wrong.field else None) from None


def _count(inbox: Inbox, folder: str) -> Probe:
    names = tuple(one.name for one in inbox.folders() if one.selectable) if inbox.can_folders else ()
    letters = inbox.open(folder).total
    if letters > CHEAP_LETTERS and inbox.can_folders:
        return Probe(letters=letters, folders=names)
    sizes = [ref.size for ref in inbox.list()]
    size = None if None in sizes else sum(one or 0 for one in sizes)
    return Probe(letters=letters, size=size, folders=names)


def _read_channel(
    values: Mapping[str, Any], channel: Channel | None, errors: dict[str, str]
) -> tuple[Channel, Connection | None]:
    """The channel that the form describes, in memory. Only what matters for reaching the mailbox is judged."""
    given, rest = split(values if channel else new_values(values))
    connection = read_connection(given, registry.inboxes(), errors, row=channel, fallback="imap")
    matters = [field for field in CHANNEL_FIELDS if field.name in REACHING]
    wanted = Channel(**{field.name: getattr(channel, field.name) for field in matters} if channel else {})
    for name, value in read(matters, {n: v for n, v in rest.items() if n in REACHING}, errors).items():
        setattr(wanted, name, value)
    if connection:
        errors.update(
            rule_faults(wanted, registry.inboxes()[connection.connector], place_of(wanted), connection)
        )
    return wanted, connection


def _collected_twice(connection: Connection, folder: str, channel: Channel | None) -> list[Step]:
    """A warning if another channel reads the same folder of the same mailbox, by whatever protocol."""

    def place(settings: Mapping[str, Any]) -> tuple[str, str]:
        return str(settings.get("host", "")).lower(), str(settings.get("login", "")).lower()

    wanted = place(connection.settings)
    for other in Channel.objects.filter(folder=folder):
        if other != channel and place(other.settings) == wanted:
            detail = f"The channel {other.name} collects this mailbox already: every letter would come twice."
            fix = f"Choose another folder or mailbox, or switch {other.name} off."
            return [Step("twice", "Other channels", "warn", detail=detail, fix=fix, field="login")]
    return []


def _inbox(connection: Connection, row: Reachable | None) -> Inbox:
    kind = registry.inboxes()[connection.connector]
    return kind(parse(kind.Settings, connection.settings), _secret(connection, row))


def _outbox(connection: Connection, row: Reachable | None) -> Outbox:
    kind = registry.outboxes()[connection.connector]
    return kind(parse(kind.Settings, connection.settings), _secret(connection, row))


def _secret(connection: Connection, row: Reachable | None) -> Secret | None:
    password = connection.password or (row.secret if row else "")
    return Secret(password) if connection.needs_password and password else None


def _faults(errors: Mapping[str, str]) -> Iterable[Step]:
    """Values that cannot even be tried, as failed steps."""
    return [
        Step("values", "Values", "fail", detail=text, field=name.removeprefix("settings."))
        for name, text in errors.items()
    ]


def _form_field(name: str) -> str:
    """Connectors name their own settings; forms and errors call them settings.<name>."""
    own = {"password", *(field.name for field in (*CHANNEL_FIELDS, *SENDER_FIELDS))}
    return name if not name or name in own else f"settings.{name}"


def _remember(model: type[Channel] | type[Sender], row: Reachable, steps: Iterator[Step]) -> Iterator[Step]:
    states = []
    for step in steps:
        states.append(step.state)
        yield step
    good = bool(states) and "fail" not in states
    model._default_manager.filter(pk=row.pk).update(validated=timezone.now() if good else None)


def within(steps: Iterator[Step], *, seconds: float = WHOLE_SECONDS) -> Iterator[Step]:
    """The steps, but ended after `seconds` even if a server never answers: they run on a thread that is left behind."""
    out: queue.Queue[Step | None] = queue.Queue()
    threading.Thread(target=_pump, args=(steps, out), name="check", daemon=True).start()
    end = time.monotonic() + seconds
    while True:
        try:
            step = out.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            text = f"No answer within {seconds:.0f} seconds. Check server and port, and whether a firewall is in between."
            yield Step("deadline", "Time", "fail", detail=text, field="host")
            return
        if step is None:
            return
        yield step


def _pump(steps: Iterator[Step], out: queue.Queue[Step | None]) -> None:
    try:
        for step in steps:
            out.put(step)
    finally:
        out.put(None)
