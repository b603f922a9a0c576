"""A throw-away PostgreSQL cluster on loopback, with durability switched off. Runs as `postgres` when the tests run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.ports import free_port


class Postgres:
    """One running cluster. `url` is a superuser connection to its first database."""

    def __init__(self, base_dir: Path, *, durable: bool = False) -> None:
        self.base = Path(base_dir)
        self.base.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.base, self.user, self.user)
        data = self.base / "data"
        self._run(
            "initdb",
            "-D",
            str(data),
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        loose = "" if durable else " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.base} -c max_connections=200{loose}"
        self._run("pg_ctl", "-w", "-D", str(data), "-l", str(self.base / "log"), "-o", options, "start")

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.base / "data"), "-m", "immediate", "stop", check=False)

    def _run(self, name: str, *args: str, check: bool = True) -> None:
        # files, not pipes: the server inherits them and a pipe would never end
        with (self.base / "out").open("ab") as out:
            done = subprocess.run(
                [_program(name), *args],
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.base,
                check=False,
            )
        if check and done.returncode != 0:
            raise AssertionError(f"{name} failed: {(self.base / 'out').read_text()[-2000:]}")


def _program(name: str) -> str:
    """Debian keeps each version's programs apart: take the newest."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise AssertionError(f"{name} is needed for these tests: install PostgreSQL 15 or newer")
    return found
