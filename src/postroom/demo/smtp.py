"""The SMTP door of the demo world (aiosmtpd): submission with AUTH for the firm, and plain delivery to the firm. Routes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from hmac import compare_digest
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

log = logging.getLogger(__name__)

SIZE_LIMIT = 30 * 1024 * 1024
"""Bytes."""
NOBODY = "<>"
"""How aiosmtpd writes the null return path."""
Take = Callable[[bytes, str, str], Awaitable[None]]
"""What becomes of an accepted message: raw, envelope sender, one recipient."""


class Door:
    """Accepts mail on a loopback port. `take` must have it on disk when it returns: the answer 250 follows."""

    def __init__(self, accounts: Mapping[str, str], port: int, take: Take) -> None:
        self.accounts, self.port, self.take = accounts, port, take
        self.domains = {address.partition("@")[2] for address in accounts}

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._talk, "127.0.0.1", self.port)
        stack.callback(server.close)

    def _talk(self) -> SMTP:
        return SMTP(
            self,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname="mx.fjordpost.example",
            ident="ESMTP",
            # no TLS anywhere in this world: everything stays on loopback
            auth_require_tls=False,
            authenticator=self._sign_in,
            loop=asyncio.get_running_loop(),
        )

    def _sign_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        login = data.login.decode("utf-8", "replace").lower()
        wanted = self.accounts.get(login, "")
        good = bool(wanted) and compare_digest(wanted.encode(), data.password)
        return AuthResult(success=good, handled=False, auth_data=login)

    def local(self, address: str) -> str:
        """The mailbox that an address of the firm belongs to, `name+anything@` included; '' for any other."""
        name, _, domain = address.lower().rpartition("@")
        plain = f"{name.partition('+')[0]}@{domain}"
        return plain if plain in self.accounts else ""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whoever signed in may send as any address of the firm, and as nobody else."""
        if session.authenticated and address != NOBODY and not self._owned(address):
            return f"553 5.7.1 <{address}>: Sender address rejected: not owned by {session.auth_data}"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    def _owned(self, address: str) -> bool:
        return address.rpartition("@")[2].lower() in self.domains

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Anybody may write to the firm; elsewhere only who signed in."""
        if not session.authenticated and not self.local(address):
            if self._owned(address):
                return f"550 5.1.1 <{address}>: User unknown"
            return f"554 5.7.1 <{address}>: Relay access denied"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take it, or say why not; never answers 250 for what is not kept."""
        raw = envelope.content
        assert isinstance(raw, bytes)
        sender = "" if envelope.mail_from in (None, NOBODY) else str(envelope.mail_from)
        try:
            for recipient in envelope.rcpt_tos:
                await self.take(raw, sender, recipient)
        except OSError as wrong:
            log.warning("a message could not be kept: %s", wrong)
            return "452 4.3.1 Insufficient system storage"
        return "250 2.0.0 Ok: queued"
