"""What may go out on a line, and which addresses we may connect to: the guard before every socket. Not TLS, not protocol.

`imaplib`, `poplib` and `smtplib` let a line break in an argument through (CVE-2025-15366, CVE-2025-15367), so that a
folder name could carry a second command. Everything that we write on a command line passes `clean` first.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from dataclasses import dataclass

from postroom.connectors.base import ConnectorError, Kind


@dataclass(frozen=True)
class Address:
    """One resolved address: what `socket.connect` takes."""

    family: socket.AddressFamily
    target: tuple[str, int]

    def __str__(self) -> str:
        return self.target[0]


def clean(text: str, what: str, *, field: str = "") -> str:
    """Refuse control characters in a command argument. `what` is the word for the sentence, `field` the setting."""
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ConnectorError(
            f"The {what} holds a line break or another control character.",
            kind=Kind.CONFIGURATION,
            advice=f"Type the {what} again without line breaks.",
            field=field,
        )
    return text


def resolve(host: str, port: int, *, within: float) -> list[Address]:
    """The addresses of a host, looked up once: the caller connects to these and never resolves again.

    This is the one place where a policy on addresses (which networks may be reached) belongs. Bounded by `within`
    seconds; the library's own look-up cannot be, so it runs in a thread that is left behind when it hangs.
    """
    clean(host, "server name", field="host")
    if not host:
        raise ConnectorError(
            "The server name is missing.", kind=Kind.CONFIGURATION, advice="Fill in the server.", field="host"
        )
    if _is_address(host):
        return _look_up(host, port)
    box: queue.SimpleQueue[list[Address] | ConnectorError] = queue.SimpleQueue()
    threading.Thread(target=_look_up_into, args=(box, host, port), daemon=True, name="resolve").start()
    try:
        found = box.get(timeout=max(0.05, within))
    except queue.Empty:
        raise ConnectorError(
            f"Looking up {host} took longer than {within:.0f} s.",
            kind=Kind.TRANSIENT,
            advice="The name servers of this machine do not answer; it is tried again.",
            field="host",
        ) from None
    if isinstance(found, ConnectorError):
        raise found
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _look_up_into(box: queue.SimpleQueue[list[Address] | ConnectorError], host: str, port: int) -> None:
    try:
        box.put(_look_up(host, port))
    except ConnectorError as failed:
        box.put(failed)


def _look_up(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as wrong:
        raise _not_found(host, wrong) from wrong
    seen: dict[Address, None] = {}
    for family, _, _, _, target in found:
        seen.setdefault(Address(socket.AddressFamily(family), (str(target[0]), int(target[1]))))
    return list(seen)


def _not_found(host: str, wrong: Exception) -> ConnectorError:
    """Transient in any case: a name can also vanish because a name server is broken, and must heal by itself."""
    passing = isinstance(wrong, socket.gaierror) and wrong.errno == socket.EAI_AGAIN
    if passing:
        text = f"The name {host} could not be looked up just now."
        advice = (
            "The name servers of this machine failed; it is tried again. If it lasts, check the server name."
        )
    else:
        text = f"There is no server named {host}."
        advice = "Check the spelling of the server name. It is tried again in case the name comes back."
    return ConnectorError(text, kind=Kind.TRANSIENT, advice=advice, server_line=str(wrong), field="host")
