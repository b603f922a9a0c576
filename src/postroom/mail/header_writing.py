"""Writing header fields: folding, encoded words and parameters (RFC 5322, 2047, 2231). Not reading them.

Everything written is ASCII but for the local part of an internationalized address (RFC 6532). No value can start a
second field: text loses its control characters, and what a machine should have made well is refused.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterable
from urllib.parse import quote

LINE_LENGTH = 76
"""Characters we fold at (RFC 5322 asks for 78 and demands 998)."""

LONGEST_TOKEN = 900
"""Characters of text that may stand on one line where it cannot be folded; safely below 998 with its field name."""

ID_LENGTH = 950

_ENCODED_WORD_BYTES = (
    39  # 64 characters when encoded: with the name of a field before it the line stays within 76
)
_CHARSET = "utf-8''"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_WORD = re.compile(r" *[^ ]+")
_ID = re.compile(
    rf"[\x21-\x3b\x3d\x3f-\x7e](?:[\x20-\x3b\x3d\x3f-\x7e]{{0,{ID_LENGTH}}}[\x21-\x3b\x3d\x3f-\x7e])?"
)
_FIELD_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{1,70}")
_PARAMETER_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`{|}~-]{1,60}", re.ASCII)


class ComposeError(ValueError):
    """A letter cannot be written as asked. `field` names what is wrong; retrying without a change is useless."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def clean(text: str) -> str:
    """Text for a header: control characters, line separators and broken code points become one space each run."""
    return _CONTROLS.sub(" ", text).strip() if _CONTROLS.search(text) else text.strip()


def is_field_name(name: str) -> bool:
    return _FIELD_NAME.fullmatch(name) is not None


def is_id(text: str) -> bool:
    """Whether this can stand between angle brackets in Message-ID, In-Reply-To, References or Content-ID.

    Looser than RFC 5322: ids of others are echoed as they are or threading breaks. Spaces inside are kept, line ends,
    brackets, eight-bit characters and ids too long for one line are not.
    """
    return len(text) <= ID_LENGTH and _ID.fullmatch(text) is not None


def write_text(name: str, value: str) -> str:
    """One unstructured field, folded, without its last line end."""
    text = clean(value)
    if not text.isascii() or "=?" in text or _has_long_token(text):
        return f"{name}: " + "\r\n ".join(encoded_words(text))
    if len(name) + 2 + len(text) <= LINE_LENGTH:
        return f"{name}: {text}"
    return _fold(f"{name}:", _WORD.findall(f" {text}"))


def write_ids(name: str, ids: Iterable[str]) -> str:
    """One field of message ids, an id a line, literal: an encoded word here would break every client's threading."""
    return f"{name}: " + "\r\n ".join(f"<{message_id}>" for message_id in ids)


def write_list(name: str, items: Iterable[str]) -> str:
    """One field of comma-separated items that are already written, folded between them."""
    held = list(items)
    return _fold(f"{name}:", [f" {item}," for item in held[:-1]] + [f" {item}" for item in held[-1:]])


def write_mailbox(name: str, address: str) -> str:
    """`Name <address>`; the name as atoms, a quoted string or encoded words, whichever says it."""
    name = clean(name)
    if not name:
        return address
    if name.isascii() and "=?" not in name and len(name) <= 2 * LINE_LENGTH:
        return f"{name if _ATOMS.fullmatch(name) else quoted(name)} <{address}>"
    return "\r\n ".join([*encoded_words(name), f"<{address}>"])


def encoded_words(text: str) -> list[str]:
    """RFC 2047 words in UTF-8, none over 75 characters, cut between characters. Adjacent words are read as one text."""
    words: list[str] = []
    held = bytearray()
    for character in text:
        code = character.encode("utf-8", "replace")
        if len(held) + len(code) > _ENCODED_WORD_BYTES:
            words.append(_encoded_word(bytes(held)))
            held.clear()
        held += code
    words.append(_encoded_word(bytes(held)))
    return words


def quoted(text: str) -> str:
    """A quoted string (RFC 5322 section 3.2.4) of printable ASCII."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write_parameters(value: str, parameters: Iterable[tuple[str, str]]) -> str:
    """A value with its parameters, one a line.

    A parameter that is not ASCII is written twice: by RFC 2231 for those who know it, first, because readers that know
    both take the first; and as an encoded word in quotes, which no RFC allows and old clients understand alone.
    """
    lines = [value]
    for name, text in parameters:
        text = clean(text)
        if text.isascii() and "=?" not in text and len(text) <= LONGEST_TOKEN // 2:
            lines.append(f"{name}={text if _PARAMETER_TOKEN.fullmatch(text) else quoted(text)}")
        else:
            lines += _extended(name, text)
            lines.append(f'{name}="' + "\r\n ".join(encoded_words(text)) + '"')
    return ";\r\n ".join(lines)


def _extended(name: str, text: str) -> list[str]:
    pieces = [quote(character, safe="!#$&+-.^_`|~") for character in text.encode("utf-8", "replace").decode()]
    if sum(map(len, pieces)) <= 200:
        return [f"{name}*={_CHARSET}{''.join(pieces)}"]
    chunks, held = [], ""
    for piece in pieces:
        if len(held) + len(piece) > 60:
            chunks.append(held)
            held = ""
        held += piece
    chunks.append(held)
    return [f"{name}*{at}*={'' if at else _CHARSET}{chunk}" for at, chunk in enumerate(chunks)]


def _encoded_word(content: bytes) -> str:
    return f"=?utf-8?B?{b2a_base64(content, newline=False).decode('ascii')}?="


def _has_long_token(text: str) -> bool:
    return len(text) > LONGEST_TOKEN and any(len(token) > LONGEST_TOKEN for token in _WORD.findall(text))


def _fold(start: str, tokens: list[str]) -> str:
    """Joins tokens, each beginning with the space it may be folded at."""
    lines, held = [], start
    for token in tokens:
        last_line = held.rsplit("\n", 1)[-1]
        if len(last_line) + len(token.split("\r", 1)[0]) > LINE_LENGTH and held != start:
            lines.append(held)
            held = token
        else:
            held += token
    lines.append(held)
    return "\r\n".join(lines)
