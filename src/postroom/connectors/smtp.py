"""The SMTP connector (RFC 5321, submission by RFC 6409): hands one message over and says what became of each recipient. Composes nothing.

    MAIL FROM -> RCPT TO ... -> DATA -> all lines -> before_final() -> "." -> the server's answer

Up to the dot the server has promised nothing and the message may be sent again. After it, a lost answer means that
nobody knows: AnswerLost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from postroom.conf.setting import setting
from postroom.connectors import base
from postroom.connectors.base import (
    AnswerLost,
    ConnectorError,
    Envelope,
    Kind,
    Receipt,
    Secret,
    Step,
    Verdict,
)
from postroom.connectors.meaning import passing
from postroom.connectors.server import STARTTLS, ServerSettings
from postroom.connectors.smtp_answers import Reply
from postroom.connectors.smtp_check import SmtpCheck
from postroom.connectors.smtp_errors import refused_sender, throttled, verdict
from postroom.connectors.smtp_message import Path, check_lines, normalised, path_of, stuffed
from postroom.connectors.smtp_talk import Talk
from postroom.connectors.talk import Talking
from postroom.connectors.wire import Closed

NAME = "smtp"
LABEL = "SMTP"

SLICE = 256 * 1024
STALE = 30.0
"""Seconds of rest after which an open connection is tried with NOOP before it is trusted."""
AT_ONCE = 100
"""Recipients in one pipelined group."""


@dataclass(frozen=True)
class SmtpSettings(ServerSettings):
    """A server that takes our mail."""

    port: int = setting("Port", 587, min=1, max=65535, help="Usually 587 with STARTTLS, 465 with TLS")
    security: str = setting(
        "Security",
        STARTTLS,
        choices=(("tls", "TLS"), ("starttls", "STARTTLS"), ("none", "None")),
        help="TLS from the start, STARTTLS after a first word, or none",
    )
    ehlo: str = setting("Own name", "", help="What this server calls itself in EHLO; empty: its host name")
    final_timeout: int = setting(
        "Final timeout",
        600,
        min=1,
        max=3600,
        help="Seconds to wait for the answer that confirms a message. Less than 600 risks sending twice (RFC 5321).",
    )


class Outbox(Talking[Talk], base.Outbox):
    """One connection that sends. Not for use by two threads at once."""

    Settings = SmtpSettings
    settings: SmtpSettings

    def __init__(self, settings: Any, secret: Secret | None) -> None:
        super().__init__(settings, secret)
        self._used = 0.0

    def connect(self) -> None:
        talk = Talk(self.settings)
        talk.enter(self.secret)
        self._talk, self._used = talk, time.monotonic()

    def drop(self) -> None:
        """Close without a word; never raises."""
        if self._talk is not None:
            self._talk.wire.close()
        self._talk = None

    def send(
        self, envelope: Envelope, raw: bytes, *, before_final: Callable[[], None] = lambda: None
    ) -> Receipt:
        data = normalised(raw)
        sender = path_of(envelope.sender)
        paths = [(address, path_of(address)) for address in envelope.recipients]
        self._refresh()
        self._fits(data, sender)
        try:
            receipt = self._transaction(envelope, sender, paths, data, before_final)
        except BaseException:
            # whatever state the talk is in, the next message must not meet it
            self.drop()
            raise
        self._used = time.monotonic()
        return receipt

    def _refresh(self) -> None:
        """Make sure that the connection still lives; nothing of the message is out yet, so connecting anew is safe."""
        if self._talk is None:
            self.connect()
            return
        wire = self._talk.wire
        if wire.readable() or time.monotonic() - self._used > STALE:
            # a word that nobody asked for (421, or the end) would be taken for the answer to our first command
            alive = False
            if not wire.readable():
                try:
                    alive = self._talk.ask("NOOP").good
                except Closed:
                    alive = False
            if not alive:
                self.drop()
                self.connect()

    def _fits(self, data: bytes, sender: Path) -> None:
        """What the server says at EHLO it cannot take is not uploaded."""
        offered = self.talk.extensions
        limit = offered.get("SIZE", "").split(" ")[0]
        if limit.isdigit() and 0 < int(limit) < len(data):
            raise ConnectorError(
                f"The message has {len(data):,} bytes, the server takes {int(limit):,}.",
                kind=Kind.MESSAGE,
                advice="Send smaller or fewer attachments.",
                server_line=f"SIZE {limit}",
            )
        if not data.isascii() and "8BITMIME" not in offered:
            raise ConnectorError(
                "The message has 8-bit text, and the server takes only 7-bit.",
                kind=Kind.MESSAGE,
                advice="It has to be composed with quoted-printable or base64.",
            )
        if sender.needs_utf8 and "SMTPUTF8" not in offered:
            raise ConnectorError(
                f"The server takes no addresses outside ASCII: {sender.text}",
                kind=Kind.MESSAGE,
                advice="Send from an address in plain letters, or by a server with SMTPUTF8.",
                field="address",
            )
        check_lines(data)

    def _transaction(
        self,
        envelope: Envelope,
        sender: Path,
        paths: list[tuple[str, Path]],
        data: bytes,
        before_final: Callable[[], None],
    ) -> Receipt:
        takes_utf8 = "SMTPUTF8" in self.talk.extensions
        able = [(address, path) for address, path in paths if takes_utf8 or not path.needs_utf8]
        verdicts = {
            address: _not_ascii(address) for address, path in paths if path.needs_utf8 and not takes_utf8
        }
        if able:
            wants_utf8 = sender.needs_utf8 or any(path.needs_utf8 for _, path in able)
            verdicts |= self._recipients(envelope, self._mail(sender, data, utf8=wants_utf8), able)
        accepted = [address for address, v in verdicts.items() if v.state == "accepted"]
        line = ""
        if accepted:
            reply = self._data(data, before_final)
            if known := throttled(reply):
                raise known  # the server has answered: it took nothing
            line = str(reply)
            verdicts |= {address: verdict(address, reply) for address in accepted}
            self._after(reply)
        elif able:
            self._reset()
        return Receipt(tuple(verdicts[address] for address in envelope.recipients), line)

    def _mail(self, sender: Path, data: bytes, *, utf8: bool) -> str:
        words = [f"MAIL FROM:<{sender.text}>"]
        if "SIZE" in self.talk.extensions:
            words.append(f"SIZE={len(data)}")
        if not data.isascii():
            words.append("BODY=8BITMIME")
        if utf8:
            words.append("SMTPUTF8")
        return " ".join(words)

    def _recipients(
        self, envelope: Envelope, mail: str, able: Sequence[tuple[str, Path]]
    ) -> dict[str, Verdict]:
        """MAIL FROM and all RCPT TO, in one go where the server allows it (RFC 2920)."""
        together = "PIPELINING" in self.talk.extensions
        commands = [f"RCPT TO:<{path.text}>" for _, path in able]
        if together:
            self.talk.put(mail, *commands[:AT_ONCE])
        else:
            self.talk.put(mail)
        reply = self.talk.hear()
        if not reply.good:
            raise refused_sender(reply, envelope.sender)
        verdicts: dict[str, Verdict] = {}
        for number, (address, _) in enumerate(able):
            if not together:
                self.talk.put(commands[number])
            elif number and number % AT_ONCE == 0:
                self.talk.put(*commands[number : number + AT_ONCE])
            reply = self.talk.hear()
            if known := throttled(reply):
                raise known
            if reply.code == 421:
                raise _leaving(reply)
            verdicts[address] = verdict(address, reply)
        return verdicts

    def _data(self, data: bytes, before_final: Callable[[], None]) -> Reply:
        """DATA, the lines, and the dot. A refusal of DATA itself comes back like one of the dot: nothing was taken."""
        talk = self.talk
        reply = talk.ask("DATA")
        if reply.code != 354:
            return (
                reply
                if not reply.good
                else Reply(451, "", ("4.3.0 unexpected answer to DATA: " + str(reply),))
            )
        lines = stuffed(data)
        for start in range(0, len(lines), SLICE):
            # each slice has its own time: a large message on a slow line is not an error
            with talk.wire.within(max(talk.settings.answer_timeout, 120)):
                talk.wire.send(lines[start : start + SLICE])
        before_final()
        return self._dot()

    def _dot(self) -> Reply:
        talk = self.talk
        try:
            with talk.wire.within(talk.settings.answer_timeout):
                talk.wire.send(b".\r\n")
            return talk.hear(seconds=self.settings.final_timeout)
        except ConnectorError as wrong:
            raise AnswerLost(
                f"The server's answer to the whole message was lost: {wrong.text}",
                kind=Kind.TRANSIENT,
                advice="Nobody knows whether the server took it. Look whether it arrived before sending it again.",
                server_line=wrong.server_line,
            ) from wrong

    def _after(self, reply: Reply) -> None:
        """Leave the talk ready for the next message."""
        if reply.code == 421:
            self.drop()
        elif not reply.good:
            self._reset()

    def _reset(self) -> None:
        """RSET; a talk that does not even take that is dropped. What became of the message is known already."""
        try:
            if self.talk.ask("RSET").good:
                return
        except ConnectorError:
            pass
        self.drop()

    def check(self, *, sender: str = "", recipient: str = "") -> Iterator[Step]:
        return SmtpCheck(self.settings, self.secret, sender=sender, recipient=recipient).run()


def _not_ascii(address: str) -> Verdict:
    return Verdict(
        address, "refused", 553, "5.6.7", "The sending server takes no addresses outside ASCII (no SMTPUTF8)."
    )


def _leaving(reply: Reply) -> ConnectorError:
    return passing(f"The server closed the connection: {reply}", str(reply))
