"""A real mailbox with five letters for the rows about protocols."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.catalogue.protocols import ANNA, RAWS
from tests.servers.dovecot import Dovecot


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Iterator[Dovecot]:
    """A real mailbox with five letters."""
    dovecot.add_user(ANNA, "s3cret-canary")
    dovecot.erase(ANNA)
    for raw in RAWS:
        dovecot.deliver(ANNA, raw)
    yield dovecot
    dovecot.erase(ANNA)
