"""Sees to the servers and the browser that the tests start: installs missing Debian packages when root, else says which.

Only the standard library: it runs before anything else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = {
    "dovecot": (
        "dovecot-imapd dovecot-pop3d dovecot-lmtpd",
        ["/usr/sbin/dovecot", "/usr/lib/dovecot/pop3", "/usr/lib/dovecot/lmtp"],
    ),
    "postfix": ("postfix", ["/usr/sbin/postfix"]),
    "postgres": ("postgresql", ["/usr/lib/postgresql/*/bin/initdb"]),
    "chromium": ("chromium fonts-liberation fonts-noto-core", ["/usr/bin/chromium"]),
    "openssl": ("openssl", ["/usr/bin/openssl"]),
}
"""Program, Debian packages, and the files that prove they are there."""


def missing() -> list[str]:
    """Debian packages that are needed and not there."""
    packages: list[str] = []
    for program, (names, files) in NEEDED.items():
        there = all(any(Path("/").glob(f.lstrip("/"))) for f in files)
        # Elsewhere than on Debian the files lie in other places; there the program on the path must do.
        if not there and (shutil.which(program) is None or shutil.which("apt-get") is not None):
            packages += names.split()
    return packages


def main() -> int:
    """0 when everything is there."""
    packages = missing()
    if not packages:
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"The tests start real servers and a browser. Please install: {' '.join(packages)}")
        print("On Debian or Ubuntu: sudo apt-get install --no-install-recommends " + " ".join(packages))
        print("On macOS: brew install dovecot postgresql chromium (Postfix comes with the system)")
        return 1
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    print(f"installing {' '.join(packages)}")
    # No service may be started by its installation: the tests run throw-away copies on free ports.
    policy = Path("/usr/sbin/policy-rc.d")
    made = not policy.exists()
    if made:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
            check=True,
            env=environment,
        )
    finally:
        if made:
            policy.unlink()
    still = missing()
    if still:
        print(f"still missing after the installation: {' '.join(still)}")
    return 1 if still else 0


if __name__ == "__main__":
    sys.exit(main())
