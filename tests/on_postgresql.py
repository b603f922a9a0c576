"""Runs pytest with a throw-away PostgreSQL as the database: `python -m tests.on_postgresql ARGUMENTS`."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers.ports import remove, short_dir
from tests.servers.postgres import Postgres


def main() -> int:
    """The exit code of pytest."""
    folder = short_dir("pg")
    server = Postgres(folder)
    try:
        return subprocess.run(
            [sys.executable, "-m", "pytest", *sys.argv[1:]],
            env={**os.environ, "POSTROOM_DATABASE_URL": server.url},
            check=False,
        ).returncode
    finally:
        server.stop()
        remove(folder)


if __name__ == "__main__":
    sys.exit(main())
