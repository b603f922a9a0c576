"""Small marks: initials and the hue that stands for a person, a queue or a label. No colour carries meaning by itself."""

from __future__ import annotations

import unicodedata
from hashlib import blake2s

HUES = 12


def choose_hue(key: object) -> int:
    """A number from 0 to 11, always the same for the same key; the style sheet has a class `a0` to `a11` for each."""
    return blake2s(str(key).casefold().encode("utf-8", "replace"), digest_size=2).digest()[0] % HUES


def take_initials(name: str) -> str:
    """One or two letters for an avatar: of the first and the last word, else of the local part of an address."""
    words = [
        word for word in name.partition("@")[0].replace(".", " ").replace("_", " ").split() if _first(word)
    ]
    if not words:
        return "?"
    chosen = words if len(words) == 1 else [words[0], words[-1]]
    if len(chosen) == 1:
        return "".join(c for c in chosen[0] if c.isalnum())[:2].upper()
    return "".join(_first(word) for word in chosen).upper()


def _first(word: str) -> str:
    return next((c for c in word if unicodedata.category(c)[0] in "LN"), "")
