"""Paragraphs of format=flowed text put together again (RFC 3676 section 4). Quoted lines stay as they are.

Quotes are folded away by `quotes.py`, which reads them line by line; only what the sender wrote is unwrapped.
"""

import re

_SOFT_BREAK = re.compile(r"^(?!>|-- \n)(.*) \n(?!>|-- \n)", re.M)
_STUFFED = re.compile(r"^ (?=[ >]|From )", re.M)


def unwrap(text: str, *, delsp: bool = False) -> str:
    """Lines ending in a space run on into the next; '-- ' stays alone; space-stuffing goes."""
    if ">" not in text and "-- \n" not in text:  # the usual first letter; one pass in C
        text = ("" if delsp else " ").join(text.split(" \n"))
    else:
        text = _SOFT_BREAK.sub(r"\1" if delsp else r"\1 ", text)
    return _STUFFED.sub("", text) if "\n " in text or text.startswith(" ") else text
