"""Encoded words in headers, read leniently (RFC 2047). Not addresses, not parameters.

Adjacent words are joined as bytes before the charset is applied, since many mailers cut a character over two words.
"""

import binascii
import re

from . import charsets, transfer

WORD = re.compile(
    r"=\?[ \t]*([^?\s=\"]{1,60})[ \t]*\?[ \t]*([bBqQ])[ \t]*\?"  # =?charset*language?Q?
    r"((?:[^?=]++|\?(?!=)|=(?!\?(?!=)))*+)"  # stops at the end mark, or where the next word begins
    r"(?:\?=|(?==\?)|$)"  # the end mark may be missing
)


def decode(text: str) -> str:
    """The text with its encoded words decoded; what is not one stays as it is. Linear in the length."""
    return decode_checked(text)[0] if "=?" in text else text


def decode_checked(text: str) -> tuple[str, bool]:
    """As `decode`, and whether a charset had to be guessed."""
    out: list[str] = []
    run: list[tuple[str, str, str]] = []
    guessed, position = False, 0
    for match in WORD.finditer(text):
        gap = text[position : match.start()]
        if gap.strip() or not run:
            guessed |= _flush(run, out)
            out.append(gap)
        run.append((match[1].partition("*")[0].lower(), match[2].lower(), match[3]))
        position = match.end()
    guessed |= _flush(run, out)
    out.append(text[position:])
    return "".join(out), guessed


def _flush(run: list[tuple[str, str, str]], out: list[str]) -> bool:
    """Decode a run of adjacent words: one charset at a time, over word borders."""
    guessed, index = False, 0
    while index < len(run):
        label = run[index][0]
        data: list[bytes] = []
        carry = ""
        while index < len(run) and run[index][0] == label:
            _, encoding, word = run[index]
            index += 1
            if encoding == "q":
                data.append(binascii.a2b_qp(_bytes(word, label), header=True))
                continue
            word = carry + word
            follows = index < len(run) and run[index][:2] == (label, "b")
            carry = word if follows and _is_cut(word) else ""
            if not carry:
                data.append(transfer.decode_base64(_bytes(word, label)))
        piece, unsure = charsets.decode_word(b"".join(data), label)
        out.append(piece)
        guessed |= unsure
    run.clear()
    return guessed


def _is_cut(word: str) -> bool:
    """A base64 word without padding whose length is no multiple of four: the mailer cut inside a quantum."""
    return not word.endswith("=") and len(word) % 4 != 0 and len(word) < 20_000


def _bytes(word: str, label: str) -> bytes:
    """Raw characters inside a word go back to the bytes its label means."""
    if word.isascii():
        return word.encode("ascii")
    try:
        return word.encode(charsets.codec_for(label) or "utf-8")
    except UnicodeEncodeError:
        return word.encode("utf-8", "replace")
