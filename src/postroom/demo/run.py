"""Runs the demo world as a process of its own until it is told to end, or until whoever started it is gone."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path

from postroom.demo.firm import premises_in
from postroom.demo.world import World


def run(folder: Path, *, pace: float, seed: int) -> None:
    """Live on the premises kept in this folder. Raises OSError when a port is taken."""
    # aiosmtpd tells every command of every connection
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    premises = premises_in(folder)
    world = World(
        folder,
        premises.accounts,
        imap_port=premises.imap_port,
        smtp_port=premises.smtp_port,
        pace=pace,
        seed=seed,
    )
    asyncio.run(_run(world))


async def _run(world: World) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watch = asyncio.create_task(_watch_parent(stop))
    try:
        await world.run(stop)
    finally:
        watch.cancel()


async def _watch_parent(stop: asyncio.Event) -> None:
    """A parent that was killed cannot tell us to end."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)
    stop.set()
