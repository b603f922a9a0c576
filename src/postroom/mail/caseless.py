"""Text folded so that what a pattern finds regardless of case is found in it by `in`: a cheap first look. Not for showing or storing.

Looking for a few words with `in` costs a hundredth of trying a pattern of as many alternatives at every letter, so a pattern
is tried only where a word it cannot do without is present.
"""

from collections.abc import Iterable


def fold_case(text: str) -> str:
    """The text without case, letter by letter, as `re.IGNORECASE` compares; its length may change."""
    if text.isascii():
        return text.lower()
    return text.casefold().replace("\u0131", "i").replace("\u0307", "")


class AnyOf:
    """Some words, any of which a pattern needs. Words that hold another of them are dropped; ASCII text is not searched for others."""

    __slots__ = ("_all", "_ascii")

    def __init__(self, words: Iterable[str]) -> None:
        folded = {fold_case(word) for word in words}
        kept = (word for word in folded if not any(other in word for other in folded - {word}))
        self._all = tuple(sorted(kept, key=len, reverse=True))
        self._ascii = tuple(word for word in self._all if word.isascii())

    def within(self, folded: str) -> list[str]:
        """Those of the words that are in a text from `fold_case`."""
        return [word for word in (self._ascii if folded.isascii() else self._all) if word in folded]

    def are_in(self, folded: str) -> bool:
        """Whether a text from `fold_case` holds any of the words."""
        for word in self._ascii if folded.isascii() else self._all:  # noqa: SIM110 - twice as fast as any()
            if word in folded:
                return True
        return False
