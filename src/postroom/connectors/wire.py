"""A line to a server: buffered lines and blocks with deadlines and caps, plain or TLS. Knows no mail protocol.

Why not the sockets of `imaplib` and friends: their timeout starts anew with every byte, so that a server that drips one
byte a second holds a thread for ever; their line caps are too small for real listings or missing; and a parked
connection must show what lies in the buffer. All failures come out as ConnectorError.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from postroom.connectors.base import ConnectorError, Kind
from postroom.connectors.guard import Address
from postroom.connectors.tls import Certificate, Trust, certificate, context, refused, verify_pin

CHUNK = 64 * 1024
LINE_CAP = 16 * 1024 * 1024
OLD_TLS = {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"}


class Silence(ConnectorError):
    """The server did not answer in time."""


class Closed(ConnectorError):
    """The server closed the connection, or the way to it broke."""


class NotTls(ConnectorError):
    """What the server sent at the start of TLS is not TLS."""


class Wire:
    """One connection. `idle` is the longest silence in seconds, `within` bounds a whole phase, `last` is the last line read."""

    __slots__ = ("_at", "_buffer", "_deadline", "_timeout", "idle", "last", "peer", "sock")

    def __init__(self, sock: socket.socket, peer: str, *, idle: float, deadline: float | None = None) -> None:
        self.sock, self.peer, self.idle = sock, peer, idle
        self.last = b""
        self._buffer, self._at = b"", 0
        self._deadline = deadline
        self._timeout: float | None = -1

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound everything inside by so many seconds; an outer bound stays in force."""
        before = self._deadline
        mine = time.monotonic() + seconds
        self._deadline = mine if before is None else min(before, mine)
        try:
            yield
        finally:
            self._deadline = before

    def line(self, cap: int = LINE_CAP) -> bytes:
        """One line without its end; LF alone counts as an end. Raises when it is longer than `cap` bytes."""
        at = self._at
        end = self._buffer.find(b"\n", at)
        if end < 0:
            end = self._wait_for_line(cap)
            at = self._at
        if end - at > cap:
            raise self._too_long(cap)
        self._at = end + 1
        if end > at and self._buffer[end - 1] == 13:
            end -= 1
        self.last = line = self._buffer[at:end]
        return line

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        at, end = self._at, self._at + count
        if end <= len(self._buffer):
            self._at = end
            return self._buffer[at:end]
        # BytesIO hands its bytes out without a copy: a letter of 60 MB is in memory once
        whole = io.BytesIO()
        whole.write(self._buffer[at:])
        self._buffer, self._at = b"", 0
        missing = count - whole.tell()
        while missing > 0:
            got = self._receive()
            if len(got) > missing:
                self._buffer = got[missing:]
                got = got[:missing]
            missing -= whole.write(got)
        return whole.getvalue()

    def until(self, mark: bytes, cap: int) -> bytes:
        """Everything up to and including `mark`. Raises when that is longer than `cap` bytes."""
        found = self._buffer.find(mark, self._at)
        if found >= 0:
            at, self._at = self._at, found + len(mark)
            return self._buffer[at : self._at]
        whole = bytearray(self._buffer[self._at :])
        self._buffer, self._at = b"", 0
        looked = 0
        while (found := whole.find(mark, looked)) < 0:
            looked = max(0, len(whole) - len(mark) + 1)
            if len(whole) > cap:
                raise self._too_long(cap)
            whole += self._receive()
        end = found + len(mark)
        self._buffer = bytes(whole[end:])
        del whole[end:]
        return bytes(whole)

    def unread(self, data: bytes) -> None:
        """Put bytes back in front."""
        self._buffer = data + self._buffer[self._at :]
        self._at = 0

    def send(self, data: bytes) -> None:
        """Write all of it."""
        self._wait_at_most()
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise self._silent() from None
        except OSError as wrong:
            raise self._broken(wrong) from wrong

    def pending(self) -> bool:
        """True when bytes wait in user space, where select does not see them."""
        return self._at < len(self._buffer) or self.decrypted() > 0

    def decrypted(self) -> int:
        """Bytes that TLS holds ready."""
        try:
            return self.sock.pending() if isinstance(self.sock, ssl.SSLSocket) else 0
        except (OSError, ValueError):
            return 0

    def has_line(self) -> bool:
        """True when a whole line waits in the buffer."""
        return self._buffer.find(b"\n", self._at) >= 0

    def readable(self) -> bool:
        """True when something (also the end of the connection) can be read at once."""
        if self.pending():
            return True
        if self.sock.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def drain(self) -> list[bytes]:
        """The whole lines that are there now, without waiting. Half a line stays for the next time.

        Raises Closed when the connection has ended; but last words come out first, and Closed with the next call.
        """
        self._set_timeout(0.0)
        while True:
            try:
                got = self.sock.recv(CHUNK)
            except (ssl.SSLWantReadError, BlockingIOError):
                break
            except OSError as wrong:
                if self.has_line():
                    break
                raise self._broken(wrong) from wrong
            if not got:
                if self.has_line():
                    break
                raise self._broken(None)
            self._buffer = self._buffer[self._at :] + got
            self._at = 0
            if len(self._buffer) > LINE_CAP:
                raise self._too_long(LINE_CAP)
        whole, mark, rest = self._buffer[self._at :].rpartition(b"\n")
        self._buffer, self._at = rest, 0
        return [line.removesuffix(b"\r") for line in whole.split(b"\n")] if mark else []

    def encrypt(self, trust: Trust, host: str) -> None:
        """Start TLS on this connection. Whatever came before the handshake is not part of the secured talk."""
        if self.pending():
            # bytes slipped in before the handshake would be taken for the secured server's words (CVE-2021-33515 kind)
            raise ConnectorError(
                f"{self.peer} sent data in the clear after it agreed to TLS; somebody may be tampering with the connection.",
                kind=Kind.TRANSIENT,
                advice="If it lasts, choose TLS with the port for it instead of STARTTLS.",
                field="security",
            )
        self._buffer, self._at = b"", 0
        self._wait_at_most()
        made = context(trust)
        try:
            sock = made.wrap_socket(self.sock, server_hostname=host.strip("[]"))
        except ssl.SSLCertVerificationError as wrong:
            raise refused(wrong, host) from wrong
        except TimeoutError:
            raise self._silent() from None
        except ssl.SSLError as wrong:
            raise self._not_tls(wrong) from wrong
        except (OSError, ValueError) as wrong:
            raise self._broken(wrong) from wrong
        self.sock = sock
        self._timeout = -1
        verify_pin(sock, trust)

    def certificate(self) -> Certificate | None:
        """The server's certificate, None on a plain connection."""
        return certificate(self.sock) if isinstance(self.sock, ssl.SSLSocket) else None

    @property
    def encrypted(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket)

    def tls_version(self) -> str:
        return (self.sock.version() or "") if isinstance(self.sock, ssl.SSLSocket) else ""

    def close(self) -> None:
        """Drop the connection; never raises."""
        self._buffer, self._at = b"", 0
        with suppress(OSError):
            self.sock.close()

    def _wait_for_line(self, cap: int) -> int:
        parts = [self._buffer[self._at :]]
        size = len(parts[0])
        while True:
            got = self._receive()
            parts.append(got)
            end = got.find(b"\n")
            if end >= 0:
                self._buffer, self._at = b"".join(parts), 0
                return size + end
            size += len(got)
            if size > cap:
                raise self._too_long(cap)

    def _receive(self) -> bytes:
        self._wait_at_most()
        try:
            got = self.sock.recv(CHUNK)
        except TimeoutError:
            raise self._silent() from None
        except OSError as wrong:
            raise self._broken(wrong) from wrong
        if not got:
            raise self._broken(None)
        return got

    def _wait_at_most(self) -> None:
        if self._deadline is None:
            self._set_timeout(self.idle)
            return
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._silent()
        self._set_timeout(min(self.idle, left))

    def _set_timeout(self, seconds: float) -> None:
        # settimeout is a system call: not for every 16 kB of a large letter
        if seconds != self._timeout:
            try:
                self.sock.settimeout(seconds)
            except OSError as wrong:  # closed before, by us
                raise self._broken(wrong) from wrong
            self._timeout = seconds

    def _silent(self) -> Silence:
        return Silence(
            f"{self.peer} did not answer in time.",
            advice="It is tried again. If the server is known to be slow, raise the time limits.",
            server_line=self._said(),
        )

    def _broken(self, wrong: Exception | None) -> Closed:
        why = f" ({wrong})" if wrong else ""
        return Closed(
            f"{self.peer} closed the connection{why}.",
            advice="It is tried again.",
            server_line=self._said(),
        )

    def _too_long(self, cap: int) -> ConnectorError:
        return ConnectorError(
            f"{self.peer} sent a line of more than {cap} bytes; the connection was dropped.",
            advice="It is tried again. If it lasts, check that server and port are right.",
        )

    def _not_tls(self, wrong: ssl.SSLError) -> ConnectorError:
        if wrong.reason in OLD_TLS:
            return ConnectorError(
                f"{self.peer} speaks only an outdated version of TLS.",
                kind=Kind.CONFIGURATION,
                advice="The server has to offer TLS 1.2 or newer.",
                server_line=str(wrong),
                field="security",
            )
        return NotTls(
            f"TLS with {self.peer} failed: {wrong.reason or wrong}.",
            kind=Kind.CONFIGURATION,
            advice="Check security and port: another security setting or port may be meant.",
            server_line=str(wrong),
            field="security",
        )

    def _said(self) -> str:
        return self.last[:500].decode("utf-8", "replace")


def dial(
    addresses: list[Address], peer: str, *, within: float, idle: float, deadline: float | None = None
) -> Wire:
    """Connect to the first address that answers. All together may take `within` seconds.

    `deadline` (of `time.monotonic`) ends everything on this connection, whatever is asked later.
    """
    end = time.monotonic() + within
    wrong: Exception | None = None
    for number, address in enumerate(addresses):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            # a dead first address (often IPv6) must leave time for the others
            sock = _connect(address, max(0.05, left / (len(addresses) - number)))
        except OSError as failed:
            wrong = failed
            continue
        return Wire(sock, peer, idle=idle, deadline=deadline)
    raise _unreachable(peer, wrong, within)


def _connect(address: Address, timeout: float) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(address.target)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _keep_alive(sock: socket.socket) -> None:
    """A parked connection whose other end vanished without a word is noticed after about two minutes."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _unreachable(peer: str, wrong: Exception | None, within: float) -> ConnectorError:
    if isinstance(wrong, ConnectionRefusedError):
        text, advice = (
            f"{peer} refuses connections on this port.",
            "Check the port; if it is right, the server is down and it is tried again.",
        )
    elif wrong is None or isinstance(wrong, TimeoutError):
        text, advice = (
            f"{peer} did not accept a connection within {within:.0f} s.",
            "Check server and port; a firewall may drop the connection.",
        )
    else:
        text, advice = f"{peer} cannot be reached: {wrong}.", "Check server and port; it is tried again."
    return Closed(text, advice=advice, server_line=str(wrong or ""), field="port")
