"""The mailboxes of the demo world, over real IMAP (pymap, in memory, with IDLE, MOVE and UIDPLUS). Routes nothing.

Letters also lie in a folder on disk and come back when the world starts again, under a new UIDVALIDITY: a client then
has to recognise them by their content, as after the move of a real mailbox.

pymap 0.36.7 has no public way to put users and letters in; the version is pinned and only this file knows its inside.
"""

from __future__ import annotations

import asyncio
import logging
import os
from argparse import Namespace
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from pymap.backend.dict import Config, DictBackend, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.imap import IMAPService
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata

log = logging.getLogger(__name__)

FOLDERS = ("Archive", "Junk", "Sent")
"""What a mailbox has beside its INBOX."""


class Mailboxes:
    """Some mailboxes behind one IMAP port on loopback. `accounts` are passwords by address."""

    def __init__(self, spool: Path, accounts: Mapping[str, str], port: int) -> None:
        self.spool, self.accounts, self.port = spool, dict(accounts), port
        self._inboxes: dict[str, MailboxData] = {}

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen, and put back what lay there. Raises OSError when the port is taken."""
        config = Config.from_args(_arguments(self.port))
        config.apply_context()
        login = Login(config)
        for address, password in self.accounts.items():
            login.users_dict[address] = UserMetadata(
                config, address, password=config.hash_context.hash(password)
            )
            self._inboxes[address] = await _make(config, address)
            await self._put_back(address)
        backend = DictBackend(login, config)
        await backend.start(stack)
        await IMAPService(backend, config).start(stack)

    async def deliver(self, address: str, raw: bytes, when: datetime | None = None) -> None:
        """Put a letter into an inbox; on disk first, so that a stop in between loses nothing. `when` is its INTERNALDATE."""
        when = when or datetime.now(UTC)
        await asyncio.to_thread(self._keep, address, raw, when)
        await self._inboxes[address].append(_letter(raw, when), recent=True)

    async def count(self, address: str) -> int:
        """Letters in the inbox."""
        return (await self._inboxes[address].snapshot()).exists

    def validity(self, address: str) -> int:
        """The UIDVALIDITY of the inbox."""
        return self._inboxes[address].uid_validity

    def _keep(self, address: str, raw: bytes, when: datetime) -> None:
        folder = self.spool / address
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{len(list(folder.glob('*.eml'))) + 1:06}.eml"
        part = path.with_suffix(".part")
        part.write_bytes(raw)
        os.utime(part, (when.timestamp(), when.timestamp()))
        part.rename(path)

    async def _put_back(self, address: str) -> None:
        for path in sorted((self.spool / address).glob("*.eml")):
            when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            await self._inboxes[address].append(_letter(path.read_bytes(), when))


async def _make(config: Config, address: str) -> MailboxData:
    mailboxes = MailboxSet()
    for name in FOLDERS:
        await mailboxes.add_mailbox(name)
    config.set_cache[address] = (mailboxes, FilterSet())
    return await mailboxes.get_mailbox("INBOX")


def _letter(raw: bytes, when: datetime) -> AppendMessage:
    return AppendMessage(raw, when, frozenset())


def _arguments(port: int) -> Namespace:
    """What pymap's command line would have parsed. No TLS: everything stays on loopback."""
    return Namespace(
        debug=False, host="127.0.0.1", port=port, cert=None, key=None, tls=False, proxy_protocol=None, passlib_cfg=None,
        inherited_sockets=None, skip_services=[], demo_data=False, demo_user="", demo_password="", set_uid=None, set_gid=None,
    )  # fmt: skip
