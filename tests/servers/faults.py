"""A TCP proxy that breaks connections on purpose, in front of a real server. Threads in this process; knows no protocol.

with FaultProxy(dovecot.imap_port) as proxy:
    proxy.cut_after = 5_000; proxy.how = "reset"      # server to client, counted per connection
    ... connect to proxy.port ...
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

RESET = struct.pack("ii", 1, 0)


class FaultProxy:
    """Faults can be changed at any time and hold for the bytes that follow.

    `cut_after` bytes or as soon as `cut_at` has passed: then `how` is reset, close or hang. `direction` is down (server
    to client) or up. `latency` in seconds, `slice` bytes at a time with `pause` seconds between. `refuse` closes new
    connections, `silent` accepts and says nothing.
    """

    def __init__(self, port: int) -> None:
        self.target = ("127.0.0.1", port)
        self.direction = "down"
        self.how = "reset"
        self.cut_after: int | None = None
        self.cut_at = b""
        self.latency = 0.0
        self.slice = 0
        self.pause = 0.0
        self.refuse = False
        self.silent = False
        self.connections = 0
        self.cuts = 0
        self._open: list[socket.socket] = []
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def heal(self) -> None:
        """No faults from now on."""
        self.cut_after, self.cut_at, self.latency, self.slice, self.pause = None, b"", 0.0, 0, 0.0
        self.refuse = self.silent = False

    def drop_all(self) -> None:
        """Reset all open connections."""
        for sock in self._open:
            _reset(sock)
        self._open.clear()

    def stop(self) -> None:
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(client)
            if self.refuse:
                _reset(client)
            elif not self.silent:
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self.target)
        except OSError:
            _reset(client)
            return
        self._open.append(server)
        for source, sink, way in ((client, server, "up"), (server, client, "down")):
            threading.Thread(target=self._pump, args=(source, sink, way), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        passed, tail = 0, b""
        with suppress(OSError):
            while data := source.recv(65536):
                if way == self.direction:
                    data, cut = self._cut(data, passed, tail)
                    self._pass(sink, data)
                    passed += len(data)
                    tail = (tail + data)[-1000:]
                    if cut:
                        self.cuts += 1
                        self._end(source, sink)
                        return
                else:
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _cut(self, data: bytes, passed: int, tail: bytes) -> tuple[bytes, bool]:
        """What of the data may pass, and whether that was the last."""
        if self.cut_after is not None and passed + len(data) >= self.cut_after:
            return data[: max(0, self.cut_after - passed)], True
        if self.cut_at and (found := (tail + data).find(self.cut_at)) >= 0:
            return data[: max(0, found + len(self.cut_at) - len(tail))], True
        return data, False

    def _pass(self, sink: socket.socket, data: bytes) -> None:
        if self.latency:
            time.sleep(self.latency)
        if not self.slice:
            sink.sendall(data)
            return
        for start in range(0, len(data), self.slice):
            sink.sendall(data[start : start + self.slice])
            if self._stopped.wait(self.pause):
                return

    def _end(self, *socks: socket.socket) -> None:
        if self.how == "hang":
            self._stopped.wait()
        for sock in socks:
            if self.how == "close":
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            else:
                _reset(sock)


def _reset(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    with suppress(OSError):
        # shutdown wakes a thread that waits in recv; the close then sends the reset
        sock.shutdown(socket.SHUT_RD)
    with suppress(OSError):
        sock.close()
