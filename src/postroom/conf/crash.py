"""Labelled points where the process can be made to die, so that a harness can prove that nothing is lost there.

Inert unless POSTROOM_CRASH is set to `label:n`: the n-th time `label` is passed the process kills itself with SIGKILL, as a power cut would.
"""

from __future__ import annotations

import os
import signal

_label, _, _count = os.environ.get("POSTROOM_CRASH", "").partition(":")
_left = int(_count or 1) if _label else 0


def point(label: str) -> None:
    """A place worth dying at."""
    global _left
    if _label and label == _label:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
