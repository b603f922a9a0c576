"""The IMAP server of the idle bench: any sign-in is good, INBOX grows by one letter at each `burst` on standard input. Not a mail server."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys

LETTER = (
    "From: Burst <burst@customer.example>\r\nTo: idle@bench.example\r\nSubject: Burst {n} of {user}\r\nMessage-ID: <b{n}.{user}@customer.example>\r\n"
    "Date: Thu, 12 Nov 2026 10:36:00 +0100\r\n\r\nHello {user}\r\n"
)
letters = 0
waiting: set[Session] = set()


class Session:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.user, self.tag = reader, writer, "", ""

    async def run(self) -> None:
        """Until the client goes."""
        self.say("* OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS MOVE LITERAL+ SASL-IR] ready")
        try:
            while line := await self.reader.readline():
                self.answer(line.decode().rstrip("\r\n"))
                await self.writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            waiting.discard(self)
            self.writer.close()

    def say(self, text: str) -> None:
        self.writer.write(f"{text}\r\n".encode())

    def answer(self, line: str) -> None:
        """One command."""
        if line.upper() == "DONE":
            waiting.discard(self)
            self.say(f"{self.tag} OK done")
            return
        tag, _, rest = line.partition(" ")
        word = rest.split(" ")[0].upper()
        if word == "LOGIN":
            self.user = rest.split(" ")[1].strip('"')
        elif word == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1 IDLE UIDPLUS MOVE LITERAL+ SASL-IR")
        elif word in ("SELECT", "EXAMINE"):
            self.say(
                f"* {letters} EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Deleted)\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT {letters + 1}] ok"
            )
        elif word == "LIST":
            self.say('* LIST () "/" INBOX')
        elif word == "IDLE":
            self.tag = tag
            waiting.add(self)
            self.say("+ idling")
            return
        elif word == "UID":
            self.uid(rest)
        self.say(f"{tag} OK [READ-WRITE] done" if word == "SELECT" else f"{tag} OK done")

    def uid(self, rest: str) -> None:
        """UID SEARCH and UID FETCH of whole letters or their sizes."""
        words = rest.split(" ")
        if words[1].upper() == "SEARCH":
            self.say("* SEARCH " + " ".join(str(n) for n in range(1, letters + 1)))
            return
        for n in numbers(words[2]):
            raw = LETTER.format(n=n, user=self.user)
            size = f'* {n} FETCH (UID {n} RFC822.SIZE {len(raw)} INTERNALDATE "12-Nov-2026 10:36:00 +0000"'
            body = re.search(r"BODY(?:\.PEEK)?\[\]", rest, re.I)
            self.writer.write(
                f"{size} BODY[] {{{len(raw)}}}\r\n{raw})\r\n".encode() if body else f"{size})\r\n".encode()
            )


def numbers(text: str) -> list[int]:
    """Message numbers of a set that exist."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition(":")
        start = letters if first == "*" else int(first)
        end = letters if last == "*" else int(last or first)
        found |= set(range(min(start, end), max(start, end) + 1))
    return sorted(n for n in found if 1 <= n <= letters)


async def main() -> None:
    """Serve, and burst when told."""
    global letters
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    server = await asyncio.start_server(
        lambda r, w: Session(r, w).run(), "127.0.0.1", 0, ssl=context, backlog=2000
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        letters += 1
        for one in list(waiting):
            one.say(f"* {letters} EXISTS")


if __name__ == "__main__":
    asyncio.run(main())
