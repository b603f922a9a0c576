"""The fixtures everybody uses: one server of each kind per test session, started when first asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.browser import chromium  # noqa: F401 - a fixture for everybody
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.ports import remove, short_dir
from tests.servers.postfix import MailServer, start_postfix
from tests.servers.postgres import Postgres


@pytest.fixture(scope="session")
def certificates() -> Iterator[Certificates]:
    """A test CA (`ca_pem`, `ca_file`) and server certificates, good and bad."""
    folder = short_dir("tls")
    yield Certificates(folder)
    remove(folder)


@pytest.fixture(scope="session")
def dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    """A running Dovecot. Every test adds its own users."""
    folder = short_dir("dc")
    server = Dovecot(folder, certificates)
    yield server
    server.stop()
    remove(folder)


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot, certificates: Certificates) -> Iterator[MailServer]:
    """A running Postfix (or, without root, a smaller stand-in) that delivers into `dovecot`."""
    folder = short_dir("pf")
    server = start_postfix(folder, dovecot, certificates)
    yield server
    server.stop()
    remove(folder)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a running PostgreSQL, as superuser; make your own database in it."""
    folder = short_dir("pg")
    server = Postgres(folder)
    yield server.url
    server.stop()
    remove(folder)
