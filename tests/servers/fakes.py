"""Scripted bad servers: they speak just enough IMAP, POP3 or SMTP to be wrong in one chosen way. Never used for what a real server can show.

    with FakeImap(answers={"SELECT": b"{tag} NO [LIMIT] no\\r\\n"}) as server:
        ... connect to server.port; server.heard is what clients said ...

An answer is bytes (with {tag}), or a function (talk, tag, line) that writes itself; None closes the connection.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from tests.servers.certificates import Certificates

HANG = object()
"""Say nothing more, keep the connection."""


class Talk:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, server: FakeServer) -> None:
        self.sock, self.server = sock, server
        self._file = sock.makefile("rb")

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def hear(self) -> bytes:
        """One line without its end; b'' at the end of the connection."""
        line = self._file.readline()
        self.server.heard.append(line.rstrip(b"\r\n"))
        return line

    def read(self, count: int) -> bytes:
        data = self._file.read(count)
        self.server.heard.append(data)
        return data

    def encrypt(self, name: str = "server") -> None:
        assert self.server.certificates is not None
        self.sock = tls_context(self.server.certificates, name).wrap_socket(self.sock, server_side=True)
        self._file = self.sock.makefile("rb")


def tls_context(certificates: Certificates, name: str = "server") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificates.cert(name), certificates.key(name))
    return made


Answer = bytes | Callable[[Talk, str, bytes], None] | None | object


class FakeServer:
    """Accepts connections and runs `talk` for each in a thread. `heard` holds every line that clients sent."""

    def __init__(
        self,
        run: Callable[[Talk], None] | None = None,
        *,
        certificates: Certificates | None = None,
        tls: str = "",
    ) -> None:
        self.run, self.certificates, self.tls = run, certificates, tls
        self.heard: list[bytes] = []
        self.connections = 0
        self._socks: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                sock.close()

    def said(self, start: str) -> list[bytes]:
        """The lines from clients that hold this word, without tags."""
        return [line for line in self.heard if start.encode() in line]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._socks.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self.tls and self.certificates:
                sock = tls_context(self.certificates, self.tls).wrap_socket(sock, server_side=True)
                self._socks.append(sock)
            self.talk(Talk(sock, self))
        with suppress(OSError):
            sock.close()

    def talk(self, talk: Talk) -> None:
        assert self.run is not None
        self.run(talk)

    def answer(self, talk: Talk, answer: Answer, tag: str, line: bytes) -> bool:
        """Give an answer; False when the connection is to be closed."""
        if answer is None:
            return False
        if answer is HANG:
            while talk.hear():
                pass
            return False
        if callable(answer):
            answer(talk, tag, line)
            return True
        assert isinstance(answer, bytes)
        talk.say(answer.replace(b"{tag}", tag.encode()))
        return True


class FakeImap(FakeServer):
    """IMAP with letters by UID. `answers` replaces the answer to a command (a key like 'UID FETCH', or 'greeting')."""

    def __init__(
        self,
        *,
        answers: Mapping[str, Answer] | None = None,
        letters: Mapping[int, bytes] | None = None,
        capabilities: str = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE IDLE",
        certificates: Certificates | None = None,
        tls: str = "",
    ) -> None:
        self.answers = dict(answers or {})
        self.letters = dict(letters or {1: b"Subject: one\r\n\r\none\r\n", 2: b"Subject: two\r\n\r\ntwo\r\n"})
        self.capabilities = capabilities
        super().__init__(certificates=certificates, tls=tls)

    def talk(self, talk: Talk) -> None:
        greeting = self.answers.get("greeting", f"* OK [CAPABILITY {self.capabilities}] fake\r\n".encode())
        if not self.answer(talk, greeting, "*", b""):
            return
        while line := talk.hear():
            line = self._whole(talk, line)
            tag, _, rest = line.decode("latin-1").strip().partition(" ")
            words = rest.upper().split()
            name = " ".join(words[:2]) if words[:1] == ["UID"] else (words[0] if words else "")
            answer = self.answers[name] if name in self.answers else self._ordinary(name, rest)
            if not self.answer(talk, answer, tag, line):
                return
            if name == "LOGOUT":
                return

    def _whole(self, talk: Talk, line: bytes) -> bytes:
        """A command with its literals."""
        while found := re.search(rb"\{(\d+)\}\r\n$", line):
            talk.say(b"+ go on\r\n")
            line += talk.read(int(found[1])) + talk.hear()
        return line

    def _ordinary(self, name: str, rest: str) -> Answer:
        if name == "CAPABILITY":
            return f"* CAPABILITY {self.capabilities}\r\n{{tag}} OK done\r\n".encode()
        if name == "SELECT":
            top = max(self.letters, default=0) + 1
            return (
                f"* {len(self.letters)} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT {top}] ok\r\n"
                f"* OK [PERMANENTFLAGS (\\Seen \\Deleted)] ok\r\n{{tag}} OK [READ-WRITE] done\r\n"
            ).encode()
        if name == "UID SEARCH":
            found = " ".join(map(str, self.letters))
            return f"* SEARCH {found}\r\n{{tag}} OK done\r\n".encode()
        if name == "UID FETCH":
            return self._fetch(rest)
        if name == "IDLE":
            return _idle
        return b"{tag} OK done\r\n"

    def _fetch(self, rest: str) -> bytes:
        wanted = set(_numbers(rest.split()[2]))
        out = b""
        for sequence, (uid, raw) in enumerate(self.letters.items(), 1):
            if uid not in wanted:
                continue
            if "BODY.PEEK[]" in rest:
                out += b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (sequence, uid, len(raw), raw)
            else:
                date = b'"20-Nov-2026 10:00:00 +0000"'
                out += b"* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE %b)\r\n" % (
                    sequence,
                    uid,
                    len(raw),
                    date,
                )
        return out + b"{tag} OK done\r\n"


def _idle(talk: Talk, tag: str, line: bytes) -> None:
    talk.say(b"+ idling\r\n")
    talk.hear()
    talk.say(f"{tag} OK done\r\n".encode())


def _numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for piece in text.split(","):
        low, _, high = piece.partition(":")
        numbers += range(int(low), int(high or low) + 1)
    return numbers


class FakePop3(FakeServer):
    """POP3 with letters. `answers` replaces the answer to a command, or 'greeting'."""

    def __init__(
        self,
        *,
        answers: Mapping[str, Answer] | None = None,
        letters: Mapping[str, bytes] | None = None,
        capabilities: str = "UIDL TOP PIPELINING",
        certificates: Certificates | None = None,
        tls: str = "",
    ) -> None:
        self.answers = dict(answers or {})
        self.letters = dict(
            letters or {"a": b"Subject: one\r\n\r\none\r\n", "b": b"Subject: two\r\n\r\ntwo\r\n"}
        )
        self.capabilities = capabilities
        super().__init__(certificates=certificates, tls=tls)

    def talk(self, talk: Talk) -> None:
        if not self.answer(talk, self.answers.get("greeting", b"+OK fake\r\n"), "", b""):
            return
        while line := talk.hear():
            words = line.decode("latin-1").split()
            name = words[0].upper() if words else ""
            key = f"{name} {words[1]}" if len(words) > 1 and f"{name} {words[1]}" in self.answers else name
            answer = self.answers[key] if key in self.answers else self._ordinary(name, words[1:])
            if not self.answer(talk, answer, "", line):
                return
            if name == "QUIT":
                return

    def _ordinary(self, name: str, words: list[str]) -> bytes:
        raws = list(self.letters.values())
        if name == "CAPA":
            return b"+OK\r\n" + self.capabilities.replace(" ", "\r\n").encode() + b"\r\n.\r\n"
        if name == "STAT":
            return b"+OK %d %d\r\n" % (len(raws), sum(map(len, raws)))
        if name == "UIDL":
            return (
                b"+OK\r\n"
                + b"".join(b"%d %b\r\n" % (n, u.encode("latin-1")) for n, u in enumerate(self.letters, 1))
                + b".\r\n"
            )
        if name == "LIST":
            return b"+OK\r\n" + b"".join(b"%d %d\r\n" % (n, len(r)) for n, r in enumerate(raws, 1)) + b".\r\n"
        if name == "RETR":
            return b"+OK\r\n" + stuffed(raws[int(words[0]) - 1]) + b".\r\n"
        if name == "TOP":
            head = raws[int(words[0]) - 1].partition(b"\r\n\r\n")[0]
            return b"+OK\r\n" + head + b"\r\n\r\n.\r\n"
        return b"+OK done\r\n"


def stuffed(raw: bytes) -> bytes:
    """A letter as POP3 sends it, without the end mark."""
    return (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]


class FakeSmtp(FakeServer):
    """SMTP. `answers` replaces the answer to a command, to 'greeting', to '.' (the end of a message) or to 'RCPT <address>'.

    `letters` are the messages that were accepted, as (sender, recipients, bytes as they came over the wire).
    """

    def __init__(
        self,
        *,
        answers: Mapping[str, Answer] | None = None,
        extensions: str = "SIZE 26214400\n8BITMIME\nAUTH PLAIN LOGIN\nENHANCEDSTATUSCODES",
        certificates: Certificates | None = None,
        tls: str = "",
    ) -> None:
        self.answers = dict(answers or {})
        self.extensions = extensions
        self.letters: list[tuple[bytes, list[bytes], bytes]] = []
        super().__init__(certificates=certificates, tls=tls)

    def talk(self, talk: Talk) -> None:
        if not self.answer(talk, self.answers.get("greeting", b"220 fake ESMTP\r\n"), "", b""):
            return
        self._lines(talk)

    def _lines(self, talk: Talk) -> None:
        sender, recipients = b"", list[bytes]()
        while line := talk.hear():
            name = line.split(b":")[0].split()[0].upper().decode() if line.strip() else ""
            address = line.partition(b"<")[2].partition(b">")[0]
            if name == "MAIL":
                sender, recipients = address, []
            key = f"RCPT {address.decode('latin-1')}" if name == "RCPT" else name
            answer = self.answers.get(key, self.answers.get(name, self._ordinary(name)))
            if not self.answer(talk, answer, "", line):
                return
            if name == "RCPT" and isinstance(answer, bytes) and answer.startswith(b"250"):
                recipients.append(address)
            if name == "STARTTLS" and answer == self._ordinary(name):
                talk.encrypt()
            if (
                name == "DATA"
                and isinstance(answer, bytes)
                and answer.startswith(b"354")
                and not self._message(talk, sender, recipients)
            ):
                return
            if name == "QUIT":
                return

    def _message(self, talk: Talk, sender: bytes, recipients: list[bytes]) -> bool:
        lines = []
        while (line := talk.hear()) != b".\r\n":
            if not line:
                return False
            lines.append(line)
        answer = self.answers.get(".", b"250 2.0.0 queued\r\n")
        if not isinstance(answer, bytes) or answer.startswith(b"250"):
            # an answer that is never given does not mean that the message was not taken
            self.letters.append((sender, recipients, b"".join(lines)))
        return self.answer(talk, answer, "", b".")

    def _ordinary(self, name: str) -> bytes:
        if name == "EHLO":
            words = ["fake", *self.extensions.split("\n")] if self.extensions else ["fake"]
            return b"".join(f"250-{w}\r\n".encode() for w in words[:-1]) + f"250 {words[-1]}\r\n".encode()
        return {
            "DATA": b"354 go on\r\n",
            "AUTH": b"235 2.7.0 ok\r\n",
            "STARTTLS": b"220 go on\r\n",
            "QUIT": b"221 bye\r\n",
        }.get(name, b"250 2.0.0 ok\r\n")
