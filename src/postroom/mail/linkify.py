"""Plain text to safe HTML: escaped, addresses made links, lines kept. Linear, whatever the text."""

import re
from html import escape

_WORD = re.compile(r"\S+")
_LONGEST_WORD = 2048
_LINK = re.compile(r"""(?:https?://|mailto:|www\.)[^\s<>"'`\u2028\u2029]++""", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+%-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}+", re.ASCII)
_PUNCTUATION = ".,;:!?'\"*_~"
_LINK_ATTRIBUTES = 'rel="noopener noreferrer nofollow" target="_blank"'


def text_to_html(text: str) -> str:
    """The text as HTML: escaped, web and mail addresses made links, lines and runs of spaces kept."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "<br>".join(_keep_spaces(_WORD.sub(_link_word, line)) for line in lines)


def _keep_spaces(line: str) -> str:
    if line.startswith(" "):
        line = "&nbsp;" + line[1:]
    return line.replace("  ", " &nbsp;").replace("\t", " &nbsp; &nbsp;")


def _link_word(match: re.Match[str]) -> str:
    word = match.group()
    if len(word) > _LONGEST_WORD:
        return escape(word)
    lowered = word.lower()
    if "://" in lowered or "mailto:" in lowered or "www." in lowered:
        return _link(word, _LINK)
    if "@" in word:
        return _link(word, _ADDRESS)
    return escape(word)


def _link(word: str, pattern: re.Pattern[str]) -> str:
    found = pattern.search(word)
    if not found:
        return escape(word)
    address = _without_punctuation(found.group())
    start, end = found.start(), found.start() + len(address)
    target = _target(address)
    if not target:
        return escape(word)
    link = f'<a href="{escape(target)}" {_LINK_ATTRIBUTES}>{escape(address)}</a>'
    return escape(word[:start]) + link + escape(word[end:])


def _target(address: str) -> str:
    lowered = address.lower()
    if lowered.startswith("www."):
        return f"https://{address}" if "." in address[4:].strip(".") else ""
    if lowered.startswith("mailto:"):
        return address if "@" in address else ""
    if lowered.startswith(("http://", "https://")):
        return address if address.partition("://")[2].strip("/.") else ""
    return f"mailto:{address}"


def _without_punctuation(address: str) -> str:
    """A full stop after an address ends the sentence; a bracket belongs to it only when it was opened in it."""
    while address:
        last = address[-1]
        unopened = (last == ")" and address.count("(") < address.count(")")) or (
            last == "]" and "[" not in address
        )
        if last not in _PUNCTUATION and last not in ">}" and not unopened:
            return address
        address = address[:-1]
    return address
