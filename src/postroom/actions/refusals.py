"""Refusals: what an action raises when it will not do what was asked. Not a page, not an HTTP answer, not a log line."""

from collections.abc import Mapping


class Refused(Exception):
    """An action was refused and nothing was written.

    `errors` maps a field name to one sentence that names the fault and the fix; `text` is the refusal as a whole,
    for places that have no fields. Either may be empty, not both.
    """

    def __init__(self, text: str = "", *, errors: Mapping[str, str] | None = None) -> None:
        self.errors: dict[str, str] = dict(errors or {})
        self.text = text or " ".join(self.errors.values())
        super().__init__(self.text)


class NotAllowed(Refused):
    """The person may not do this at all, whatever the values."""
