"""From bytes to text when the declared charset may be wrong, unknown or hostile. Not about transfer encodings.

The ladder: strict UTF-8 when there are bytes above 127, the declared charset, the charset detector, windows-1252 with
replacement. Labels are read as browsers read them (WHATWG Encoding section 4.2: latin-1 means windows-1252, gb2312 means
gb18030). Only the text codecs listed here are ever used: Python's registry also knows rot13, zlib and unicode_escape, and
UTF-7 turns plain ASCII into markup: it is read only where no markup comes out of it.
"""

import re
from functools import lru_cache
from typing import Final

import cchardet

from . import limits

ALIASES = {
    "ascii": "ascii", "usascii": "ascii", "ansix341968": "ascii", "646": "ascii", "iso646us": "ascii", "7bit": "ascii",
    "utf8": "utf-8", "utf": "utf-8", "unicode11utf8": "utf-8", "cp65001": "utf-8", "65001": "utf-8", "utf8mb4": "utf-8",
    "unicode": "", "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "ucs2": "utf-16",
    "utf32": "utf-32", "utf32le": "utf-32-le", "utf32be": "utf-32-be",
    "iso88591": "cp1252", "latin1": "cp1252", "88591": "cp1252", "l1": "cp1252", "cp819": "cp1252", "ansi": "cp1252",
    "isolatin1": "cp1252", "iso885911987": "cp1252", "iso88591windows30latin1": "cp1252",
    "latin2": "iso8859-2", "isolatin2": "iso8859-2", "iso88592windowslatin2": "iso8859-2",
    "iso88598i": "iso8859-8", "iso88598e": "iso8859-8", "iso88596i": "iso8859-6", "iso88596e": "iso8859-6",
    "iso88599": "cp1254", "latin5": "cp1254", "iso885911": "cp874", "tis620": "cp874", "windows874": "cp874",
    "iso885915": "iso8859-15", "latin9": "iso8859-15", "iso885916": "iso8859-16",
    "gb2312": "gb18030", "gb231280": "gb18030", "gbk": "gb18030", "xgbk": "gb18030", "gb18030": "gb18030",
    "euccn": "gb18030", "cp936": "gb18030", "ms936": "gb18030", "cngb": "gb18030", "chinese": "gb18030",
    "gb180302000": "gb18030", "936": "gb18030", "hz": "hz", "hzgb2312": "hz", "hzgb": "hz",
    "big5": "big5hkscs", "big5hkscs": "big5hkscs", "xxbig5": "big5hkscs", "cnbig5": "big5hkscs", "cp950": "cp950",
    "ksc56011987": "cp949", "ksc5601": "cp949", "ksc56011989": "cp949", "euckr": "cp949", "uhc": "cp949",
    "cp949": "cp949", "xwindows949": "cp949", "korean": "cp949", "949": "cp949", "johab": "johab",
    "iso2022kr": "iso2022_kr",
    "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "mskanji": "cp932", "windows31j": "cp932",
    "cp932": "cp932", "cswindows31j": "cp932", "932": "cp932", "shiftjisx0213": "shift_jisx0213",
    "eucjp": "euc_jp", "xeucjp": "euc_jp", "ujis": "euc_jp", "eucjpms": "euc_jp", "cp51932": "euc_jp",
    "iso2022jp": "iso2022_jp", "iso2022jp1": "iso2022_jp_1", "iso2022jp2": "iso2022_jp_2",
    "iso2022jp3": "iso2022_jp_3", "iso2022jp2004": "iso2022_jp_2004", "iso2022jpext": "iso2022_jp_ext",
    "iso2022jpms": "iso2022_jp", "jis": "iso2022_jp", "csiso2022jp": "iso2022_jp", "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp", "cp50222": "iso2022_jp", "xiso2022jp": "iso2022_jp",
    "koi8r": "koi8-r", "koi8": "koi8-r", "koi8u": "koi8-u", "koi8ru": "koi8-u", "koi8t": "koi8-t",
    "macintosh": "mac_roman", "mac": "mac_roman", "xmacroman": "mac_roman", "macroman": "mac_roman",
    "xmaccyrillic": "mac_cyrillic", "xmacce": "mac_latin2", "maccentraleurope": "mac_latin2",
    "maccyrillic": "mac_cyrillic", "macgreek": "mac_greek", "macturkish": "mac_turkish", "maclatin2": "mac_latin2",
    "utf7": "utf-7", "unicode11utf7": "utf-7", "xunicode20utf7": "utf-7",
    "ptcp154": "ptcp154", "kz1048": "kz1048", "viscii": "", "tcvn": "",
}  # fmt: skip
"""Label with everything but letters and digits removed -> codec; empty where we know the label but not the charset."""

for _number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14):
    ALIASES[f"iso8859{_number}"] = ALIASES[f"8859{_number}"] = f"iso8859-{_number}"
for _number in (
    *range(1250, 1259),
    437,
    720,
    737,
    775,
    850,
    852,
    855,
    857,
    858,
    860,
    861,
    862,
    863,
    864,
    865,
    866,
    869,
    874,
):
    for _prefix in ("cp", "windows", "ibm", "xcp", "ms", "win", "microsoftcp", "xwindows"):
        ALIASES.setdefault(f"{_prefix}{_number}", f"cp{_number}")

ESCAPED = frozenset({"utf-7", "hz", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_2004", "iso2022_jp_ext", "iso2022_kr"})  # fmt: skip
WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
ASIAN = frozenset({"gb18030", "big5hkscs", "cp950", "cp949", "cp932", "euc_jp", "johab", "shift_jisx0213"})
CYRILLIC = ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac_cyrillic")
BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_SMALL_CYRILLIC = re.compile("[а-яё]")
_SURROGATES = re.compile("[\ud800-\udfff]")


@lru_cache(maxsize=512)
def _codec_for(label: str) -> str:
    word = _NOT_WORD.sub("", label.lower())
    return ALIASES.get(word) or ALIASES.get(word.removeprefix("charset"), "")


def codec_for(label: str) -> str:
    """The codec a charset label stands for; empty if the label is unknown or not on the list."""
    return _codec_for(label) if len(label) <= 60 and label.isprintable() else ""


def clean(text: str) -> str:
    """Text a database and JSON accept: no NUL, no lone surrogate."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text


def decode(data: bytes, label: str = "", *, html: bool = False) -> tuple[str, bool]:
    """Text of a body and whether its charset had to be guessed. Never raises; no NUL, no surrogate."""
    codec = codec_for(label)
    if codec == "utf-8" and data[:1] not in (b"\xef", b"\xff", b"\xfe"):  # most letters end here
        text = strict(data, "utf-8")
        if text is not None:
            return clean(text), False
    if codec == "utf-7":
        return _decode_utf7(data, html=html)
    if b"\x1b$" in data and codec in ("", "ascii"):
        codec = "iso2022_jp"  # sent without a label, or with the label the gateway puts on everything
    if data.isascii() and codec not in ESCAPED and codec not in WIDE:
        return clean(data.decode("ascii")), bool(label) and not codec
    text, guessed = _decode_beyond_ascii(data, label, codec, html=html)
    return clean(text), guessed


def _decode_beyond_ascii(data: bytes, label: str, codec: str, *, html: bool) -> tuple[str, bool]:
    for mark, marked in BOMS:
        if data.startswith(mark):
            return data.decode(marked, "replace").removeprefix("\ufeff"), False
    if codec not in ASIAN or not _short(data):
        text = strict(data, "utf-8") if not data.isascii() else None
        if text is not None and not (codec in WIDE and "\0" in text):
            return text, bool(label) and codec != "utf-8"
    if not codec and html and (match := _META.search(data, 0, 2048)):
        codec = codec_for(match[1].decode("ascii", "replace"))
    if codec and codec != "ascii":
        found = _declared(data, codec)
        if found is not None:
            return found, False
    return _guess(data, codec), True


def _decode_utf7(data: bytes, *, html: bool) -> tuple[str, bool]:
    """Exchange servers still send UTF-7 in reports; in HTML, or where it hides a bracket, it stays as written."""
    text = None if html or not data.isascii() else strict(data, "utf-7")
    if text is None or text.count("<") != data.count(b"<") or text.count("&") != data.count(b"&"):
        return decode(data)[0], True
    return clean(text), False


def _short(data: bytes) -> bool:
    """Too few bytes above 127 for 'valid UTF-8' to mean UTF-8: two Chinese characters in GBK can pass."""
    return len(data) < 400 and len(data.translate(None, bytes(range(128)))) < 12


def strict(data: bytes, codec: str) -> str | None:
    """The text, or None if the bytes are not of this codec."""
    try:
        text = data.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None
    return text if codec == "utf-8" else _SURROGATES.sub("\ufffd", text)


def _declared(data: bytes, codec: str) -> str | None:
    text = strict(data, codec)
    if text is not None:
        return text
    if codec == "utf-8":
        return _decode_cut(data)
    if codec == "cp1252":  # five bytes are undefined in windows-1252; browsers read them as C1 controls
        return (
            data.decode("latin-1")
            if not set(data).isdisjoint(b"\x81\x8d\x8f\x90\x9d") and _few_c1(data)
            else None
        )
    if codec.startswith("iso2022_jp"):
        return _decode_jis(data)
    return None


def _decode_cut(data: bytes) -> str | None:
    """UTF-8 that only lacks the end of its last character."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(data) or error.start == 0 or "end of data" not in error.reason:
            return None
        return data[: error.start].decode("utf-8") + "\ufffd"


def _few_c1(data: bytes) -> bool:
    return len(data.translate(None, bytes(set(range(256)) - set(b"\x81\x8d\x8f\x90\x9d")))) * 20 < len(data)


def _guess(data: bytes, codec: str) -> str:
    if codec and codec not in ("ascii", "cp1252"):
        text = data.decode(codec, "replace")
        if _mostly_good(text):
            return text
    detected = _detect(data) if len(data.translate(None, bytes(range(128)))) >= _ENOUGH else ""
    text_or_none = strict(data, detected) if detected else None
    return text_or_none if text_or_none is not None else data.decode("cp1252", "replace")


def _mostly_good(text: str) -> bool:
    """A declared charset with a few broken bytes is better than another charset without any."""
    bad = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    return bad <= good * 2


def _detect(data: bytes) -> str:
    found = cchardet.detect(data[: limits.DETECT_BYTES])
    label, confidence = found.get("encoding"), found.get("confidence") or 0
    codec = codec_for(label) if label and confidence >= 0.5 else ""
    return _likeliest_cyrillic(data) if codec in CYRILLIC else codec


def _likeliest_cyrillic(data: bytes) -> str:
    """The detector confuses these on short texts. Read in the wrong one, small letters become capitals or signs."""
    return max(
        CYRILLIC, key=lambda codec: len(_SMALL_CYRILLIC.findall(data[:4_000].decode(codec, "replace")))
    )


_ENOUGH: Final = 6
"""Bytes above 127 below which the detector only guesses wildly."""
_JIS = re.compile(rb"\x1b(\$[@B]|\([BJIH]|\$\([DOPQ])")


def _decode_jis(data: bytes) -> str:
    """ISO-2022-JP as it is really sent: with NEC and IBM rows that Python's codecs refuse, read through Shift_JIS (cp932)."""
    pieces = _JIS.split(data)
    text = [pieces[0].decode("cp932", "replace")]
    for mode, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if mode in (b"$@", b"$B"):
            text.append(_shift(piece).decode("cp932", "replace"))
        elif mode == b"(I":
            text.append(
                bytes(byte | 0x80 if 0x20 < byte < 0x60 else byte for byte in piece).decode(
                    "cp932", "replace"
                )
            )
        elif mode.startswith(b"$("):
            text.append((b"\x1b" + mode + piece + b"\x1b(B").decode("iso2022_jp_ext", "replace"))
        else:
            text.append(piece.decode("cp932", "replace"))
    return "".join(text)


def _shift(piece: bytes) -> bytes:
    """JIS X 0208 pairs to Shift_JIS; controls and stray bytes pass through."""
    out = bytearray()
    index, end = 0, len(piece)
    while index < end:
        high = piece[index]
        if not 0x21 <= high <= 0x7E or index + 1 >= end or not 0x21 <= piece[index + 1] <= 0x7E:
            out.append(high)
            index += 1
            continue
        low = piece[index + 1]
        out.append((high + 0xE1 if high < 0x5F else high + 0x161) // 2)
        if high % 2:
            out.append(low + (0x1F if low < 0x60 else 0x20))
        else:
            out.append(low + 0x7E)
        index += 2
    return bytes(out)


def decode_word(data: bytes, label: str) -> tuple[str, bool]:
    """Text of an encoded word: here the label is believed first, for words are too short to guess (RFC 2047)."""
    codec = codec_for(label)
    if codec and codec not in ("ascii", "utf-7"):
        text = strict(data, codec)
        if text is not None:
            return text, False
    return decode(data, label)


def decode_header(data: bytes, hint: str = "", nearby: bytes = b"") -> str:
    """Text of raw 8-bit bytes in a header: UTF-8, the charset of the letter's body, the detector's, windows-1252.

    `nearby` is other text of the same letter, which makes the detector surer.
    """
    text = strict(data, "utf-8")
    if text is None and (codec := codec_for(hint)) and codec not in ("ascii", "utf-8"):
        text = strict(data, codec)
    if text is None and not nearby.isascii() and (codec := _detect(nearby)):
        text = strict(data, codec)
    return text if text is not None else _guess(data, "utf-8")
