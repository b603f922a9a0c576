"""The deployment of this process: its options, read once, and the files of its home."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from postroom.conf.options import Options, load


class Deployment:
    """Where this installation lives. Paths are made on first use."""

    def __init__(self, options: Options) -> None:
        self.options = options

    @cached_property
    def home(self) -> Path:
        """The home folder, readable by its owner only."""
        path = Path(self.options.home)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def folder(self, name: str) -> Path:
        """A folder of the home, made if missing."""
        path = self.home / name
        path.mkdir(exist_ok=True, mode=0o700)
        return path

    @property
    def key_file(self) -> Path:
        """The file with the keys that encrypt stored secrets."""
        return Path(self.options.key_file) if self.options.key_file else self.home / "secrets.key"

    @cached_property
    def secret_key(self) -> str:
        """Django's signing key; made and kept in the home when the options give none."""
        if self.options.secret_key:
            return self.options.secret_key
        path = self.home / "web.key"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text().strip()

    @property
    def node(self) -> str:
        """The name of this host."""
        return self.options.node or socket.gethostname()

    @property
    def base_url(self) -> str:
        """How people reach the pages, without a trailing slash."""
        return (self.options.base_url or f"http://{self.options.host}:{self.options.port}").rstrip("/")

    @property
    def is_sqlite(self) -> bool:
        """True for the embedded database."""
        return not self.options.database_url

    def database(self) -> dict[str, object]:
        """Django's DATABASES["default"]."""
        if self.is_sqlite:
            return sqlite(self.home / "postroom.sqlite3")
        return postgresql(self.options.database_url)


def sqlite(path: Path) -> dict[str, object]:
    """SQLite as we want it: WAL and synchronous=FULL, so that what is committed survives a power cut."""
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-65536",
        "mmap_size=268435456",
        "temp_store=MEMORY",
        # A checkpoint at every thousandth page would interrupt a large import with an fsync each time.
        "wal_autocheckpoint=4000",
    )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            # Writers queue at BEGIN instead of failing half way through with SQLITE_BUSY.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": ";".join(f"PRAGMA {one}" for one in pragmas),
        },
    }


def postgresql(url: str) -> dict[str, object]:
    """PostgreSQL from a URL; options of the query string go to the driver."""
    parts = urlsplit(url)
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(options.pop("host", "") or parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, durably."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


deployment = Deployment(load())
