"""Room on the disk: collecting stops before the disk is full, and goes on by itself. It measures, and deletes nothing."""

from __future__ import annotations

import shutil

from postroom.conf.deployment import deployment
from postroom.connectors.base import ConnectorError

LEAST_BYTES = 2 * 1024**3
LEAST_SHARE = 0.05
"""Of a small disk this share counts instead: whichever of the two is less."""


def refuse_without_space() -> None:
    """Raises ConnectorError while the disk that keeps the letters is nearly full: they are safer on their server."""
    disk = shutil.disk_usage(deployment.home)
    least = min(LEAST_BYTES, disk.total * LEAST_SHARE)
    if disk.free < least:
        raise ConnectorError(
            f"The disk of this host is nearly full ({disk.free / 1024**2:,.0f} MB are free): no letters are collected.",
            advice=f"Make room for {deployment.home}; with {least / 1024**2:,.0f} MB free, collecting goes on by itself.",
        )
