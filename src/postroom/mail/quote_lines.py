"""Recognises single lines and short runs of lines that begin quoted text; what becomes of the text, quotes.py decides.

Every look-ahead is a few lines and a few hundred characters, so reading a text is linear in its length.
"""

import re
from typing import NamedTuple

from postroom.mail.caseless import AnyOf, fold_case
from postroom.mail.quote_labels import FORWARDED, HEADERS, OPENERS, ORIGINAL, WROTE, alternatives

FROM, DATE, TO, SUBJECT, COPY = 1, 2, 4, 8, 16
_LONGEST_ATTRIBUTION = 500
_ATTRIBUTION_LINES = 6
_HEADER_LINES = 16

_LINE = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n|\Z)")
_MARKS = re.compile(r"[ \t]{0,3}+((?:>[ \t]?+)++)")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad]")


class Line(NamedTuple):
    """One line: where it stands, how deep it is quoted, and its words without marks, invisible characters and margins."""

    start: int
    end: int
    depth: int
    text: str
    label: int = 0

    @property
    def blank(self) -> bool:
        return not self.text and not self.depth


def read_lines(text: str) -> list[Line]:
    """The text in lines. A line that ends in "... On <date> X wrote:" after other words becomes two."""
    lines: list[Line] = []
    start = 0
    for raw in _LINE.findall(text):
        if not raw:
            break
        end = start + len(raw)
        marks = _MARKS.match(raw) if ">" in raw[:4] else None
        if marks:
            lines.append(Line(start, end, marks.group(1).count(">"), clean(raw[marks.end() :])))
        elif " wrote" in raw and (shared := _shared_at(raw)):
            lines.append(Line(start, start + shared, 0, clean(raw[:shared])))
            lines.append(Line(start + shared, end, 0, clean(raw[shared:])))
        else:
            words = clean(raw)
            lines.append(Line(start, end, 0, words, label_of(words)))
        start = end
    return lines


def clean(raw: str) -> str:
    """The words of a line as the patterns here expect them."""
    return (raw if raw.isascii() else without_invisible(raw)).strip()


def without_invisible(text: str) -> str:
    """Without characters nobody sees, and with plain spaces for wide and unbreakable ones."""
    return _INVISIBLE.sub("", text).replace("\u00a0", " ").replace("\u202f", " ").replace("\u3000", " ")


def _group(words: list[str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in words)


def _is_spaced(word: str) -> bool:
    """Whether the script puts spaces between words, so that a word has borders."""
    return all(ord(letter) < 0x0E00 for letter in word)


def _words(*groups: str) -> str:
    """A pattern for any of the words; borders only where the script has them."""
    found = [word.replace(r"\(", "(").replace(r"\)", ")") for word in alternatives(*groups)]
    bordered = _group([word for word in found if _is_spaced(word)])
    free = _group([word for word in found if not _is_spaced(word)])
    return rf"(?:(?<!\w)(?:{bordered})(?!\w)|{free})" if free else rf"(?<!\w)(?:{bordered})(?!\w)"


_WROTE = re.compile(_words(*WROTE), re.IGNORECASE)
# The longest word of each phrase of WROTE, and what stands in every attribution without such a verb (see is_attribution).
_VERBS = [max(phrase.replace("\\", "").split(), key=len) for phrase in alternatives(*WROTE)]
_VERBS += ["schr", "scri", "kirj", "naps", "skre", "wr"]  # each stands for many
WROTE_WORDS = AnyOf(_VERBS)
_TELLING = AnyOf([*_VERBS, "@", "gmt", "utc"])
_OPENER = re.compile(_words(*OPENERS) + r"(?=[\s\d,])|在|于", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>@()\[\],;:\"]{1,64}@[^\s<>@()\[\],;:\"]{1,190}")
_DATE_TIME = re.compile(
    r"""\d{1,2}\s?[:.hH]\s?\d{2}(?!\d)
      | \d{1,4}\s?[-/.]\s?(?:\d{1,2}|[^\W\d_]{3,9}\.?)\s?[-/.,]\s?\d{2,4}
      | \d{1,2}(?:st|nd|rd|th|\.|º|er)?,?\s+(?:de\s+|of\s+)?[^\W\d_]{2,14}\.?,?\s+(?:de\s+)?(?:19|20)\d\d
      | [^\W\d_]{2,14}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d
      | \d{4}\s?[年년]
    """,
    re.VERBOSE,
)
_DATE_FIRST = re.compile(r"\W{0,3}(?:[^\W\d_]{1,15}[.,]?\s*,?\s+){0,2}\(?\d{1,4}")
_DAY_FIRST = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}\s")
_DAY_LINE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}\s\d{1,2}:\d{2}\s(?:GMT|UTC)[+-]\d{1,2}:?\d{2}\s\S.{0,80}")
_DASHES = "-–—_*~ "
_FIRST_PERSON = re.compile(
    r"(?<!\w)(?:I|we|ich|wir|je|j'ai|nous|yo|io|ik|eu|jag|jeg)\s+(?:have\s+|had\s+|just\s+)?$", re.IGNORECASE
)


def may_attribute(lines: list[Line]) -> list[bool]:
    """For each line, whether one of the words no attribution can do without stands near enough below. Cheap, never False wrongly."""
    folded = fold_case("\n".join([line.text for line in lines]))
    present = _TELLING.within(folded)
    found = [False] * len(lines)
    for at, text in enumerate(folded.split("\n")):
        if not text:
            continue
        for word in present:
            if word in text:
                break
        else:
            if not text.endswith("="):  # a word may be broken there: see _join
                continue
        first = max(0, at - _ATTRIBUTION_LINES + 1)
        found[first : at + 1] = [True] * (at + 1 - first)
    return found


def attribution_at(lines: list[Line], first: int) -> int:
    """How many lines from `first` on say "On <date> X wrote:", in any language; 0 if they do not."""
    joined = ""
    for count in range(min(_ATTRIBUTION_LINES, len(lines) - first)):
        line = lines[first + count]
        if not _continues(lines, first + count, joined, count):
            return 0
        joined = _join(joined, line.text)
        if len(joined) > _LONGEST_ATTRIBUTION:
            return 0
        if is_attribution(joined):
            return count + 1
        if line.depth:
            return 0
    return 0


def _continues(lines: list[Line], at: int, joined: str, count: int) -> bool:
    line = lines[at]
    if count == 0:
        return not line.depth and _may_start(lines, at)
    if line.depth:
        rest = line.text.rstrip(":： ")
        return line.depth == 1 and line.text != rest and (not rest or bool(_WROTE.fullmatch(rest)))
    if line.text:
        return count < 4 or "<" in joined
    return at + 1 < len(lines) and lines[at + 1].text.startswith("<")


def _may_start(lines: list[Line], at: int) -> bool:
    """Whether an attribution can begin with this line, whatever the next ones say."""
    words = lines[at].text.strip(_DASHES)
    if not words:
        return False
    if _OPENER.match(words) or _DATE_FIRST.match(words) or "@" in words or "<" in words:
        return True
    below = lines[at + 1].text if at + 1 < len(lines) else ""
    return below.startswith("<") and words.count(" ") <= 4


def _join(joined: str, text: str) -> str:
    if joined.endswith("="):  # a soft line break somebody forgot to decode
        return joined[:-1] + text
    if not joined or joined.endswith("<") or not text:
        return joined + text
    return f"{joined} {text}"


def is_attribution(joined: str) -> bool:
    """Whether the words introduce a quote: a date, a name or address, a colon, and perhaps a verb."""
    words = joined.strip(_DASHES)
    dashed = len(joined) - len(words) >= 4
    colon = words.endswith((":", "："))
    if not (colon or dashed or words.endswith(">") or words[:1].isdigit() or not words.isascii()):
        return False
    dated = bool(_DATE_TIME.search(words))
    wrote = _WROTE.search(words)
    address = bool(_ADDRESS.search(words))
    if wrote and _FIRST_PERSON.search(words[: wrote.start()]):
        return False
    if wrote and (colon or dashed or wrote.end() >= len(words) - 1):
        return _is_dated_verb(words, dated=dated, address=address) or (address and colon and _is_named(words))
    if _DATE_FIRST.match(words) and dated and address and colon:
        return True
    return bool(_DAY_LINE.fullmatch(words)) or (
        bool(_DAY_FIRST.match(words)) and address and words.endswith(">")
    )


def _is_dated_verb(words: str, *, dated: bool, address: bool) -> bool:
    opener = _OPENER.match(words)
    if opener:
        rest = words[opener.end() :].lstrip()
        return dated or rest[:1].isdigit() or (address and any(letter.isdigit() for letter in rest[:40]))
    return dated and bool(_DATE_FIRST.match(words))


def _is_named(words: str) -> bool:
    """Name and address first: "Some One <some@one.example> wrote:"."""
    before = words[:80].partition("@")[0]
    return "@" in words[:120] and before.count(" ") <= 6 and ". " not in before.rstrip() + " "


def introduces(lines: list[Line], first: int, following: int) -> int:
    """How many lines end in "X wrote:" right before a quoted line at `following`; without a date that alone would be prose."""
    count = following - first
    if not 1 <= count <= 2:
        return 0
    if count == 2 and introduces(lines, first + 1, following):
        return 0
    joined = " ".join(line.text for line in lines[first:following]).rstrip()
    if len(joined) > 200 or not joined.endswith((":", "：")):
        return 0
    return count if _WROTE.search(joined) or _ADDRESS.search(joined) else 0


_SHARED = re.compile(r"(?:-{2,}\s?|(?<=\s))(?=On\s(?:[A-Z][a-z]{2,8},?\s|\d))")


def _shared_at(raw: str) -> int:
    """Where in a line "On <date> X wrote:" begins after the writer's own words; 0 if it does not."""
    if " wrote" not in raw[-40:] or "On " not in raw:
        return 0
    from_here = max(0, len(raw) - 300)
    for match in _SHARED.finditer(raw, from_here):
        if raw[: match.start()].strip(_DASHES + "\t") and is_attribution(clean(raw[match.start() :])):
            return match.start()
    return 0


def _read_labels() -> dict[str, int]:
    found: dict[str, int] = {}
    for row in HEADERS.values():
        for bit, words in zip((FROM, DATE, TO, SUBJECT, COPY), row, strict=True):
            for word in words.split("|"):
                found[word] = found.get(word, 0) | bit
    return found


_LABELS = _read_labels()
_LABEL = re.compile(r"[*_]{0,2}\s{0,3}([^\W\d][^:：*<>@]{0,25}?)\s{0,3}[*_]{0,2}\s{0,8}[:：]")


def label_of(words: str) -> int:
    """Which header lines the line may be, as bits."""
    if ":" not in words and "：" not in words:
        return 0
    match = _LABEL.match(words)
    return _LABELS.get(" ".join(match.group(1).lower().replace("’", "'").split()), 0) if match else 0


def header_block_at(lines: list[Line], first: int, *, announced: bool = False) -> int:
    """How many lines from `first` on are the header lines of an original letter (From, Sent, To, Subject); 0 if none.

    `announced`: a line such as "Original Message" stands above, so two header lines are enough.
    """
    if not lines[first].label & (FROM | DATE | TO | SUBJECT) or _is_form_field(lines, first - 1):
        return 0
    kinds, labelled, end, stray = 0, 0, first, 0
    for at in range(first, min(first + _HEADER_LINES, len(lines))):
        line = lines[at]
        if line.label:
            kinds, labelled, end, stray = kinds | line.label, labelled + 1, at + 1, 0
        elif line.depth or stray >= 3:
            break
        else:
            stray += 2 if not line.text else 1
    distinct = min(kinds.bit_count(), labelled)
    if distinct >= 3 and kinds & (FROM | DATE):
        return end - first
    addressed = "@" in "".join(line.text for line in lines[first:end])
    apart = first == 0 or not lines[first - 1].text or announced
    if distinct == 2 and apart and kinds & FROM and kinds & (DATE | SUBJECT) and (addressed or announced):
        return end - first
    return 0


_FIELD = re.compile(r"[^\W\d_][\w -]{0,24}[:：]\s?\S")


def _is_form_field(lines: list[Line], at: int) -> bool:
    """Whether the line above is another "Name: value": then a web form speaks, not a mail program."""
    return at >= 0 and not lines[at].label and not lines[at].depth and bool(_FIELD.match(lines[at].text))


_ORIGINAL_MARK = re.compile(
    rf"[-–—_=*~+>\s]{{2,60}}\s*(?:{_group(alternatives(*ORIGINAL))})\s*[:.]?\s*[-–—_=*~+<\s]{{2,60}}",
    re.IGNORECASE,
)
_FORWARD_MARK = re.compile(
    rf"[-–—_=*~+>\s]{{2,60}}\s*(?:{_group(alternatives(*FORWARDED))})(?!\w).{{0,80}}"
    rf"|(?:{_group(alternatives(*FORWARDED))})\s*[:：]",
    re.IGNORECASE,
)
_REPLY_MARK = re.compile(
    r"[-=#*~_\s]{0,12}(?:please\s+)?(?:(?:type|write|enter|add)\s+(?:your\s+)?)?(?:reply|respond|antwort(?:en)?|ihre antwort|répondre|répondez|"
    r"responda|responder|rispondi|svara|svar|antwoord|odpowiedz)\b.{0,60}\b(?:above|oberhalb|über|au-dessus|encima|sopra|acima|ovanför|"
    r"ovenfor|boven|powyżej)\b.{0,80}",
    re.IGNORECASE,
)


_MARK_STARTS = frozenset("-–—_=*~+>")
_COLONS = frozenset(":：")
REPLY_PLACES = AnyOf(
    [
        "above",
        "oberhalb",
        "über",
        "au-dessus",
        "encima",
        "sopra",
        "acima",
        "ovanför",
        "ovenfor",
        "boven",
        "powyżej",
    ]
)
"""Where an answer is asked for: _REPLY_MARK needs one of these."""
_REPLY_MARK_STARTS = frozenset(("--", "==", "##", "__", "~~", "**"))


def is_mark(line: Line) -> bool:
    """Whether the line alone announces quoted or forwarded text."""
    return is_forward_mark(line) or is_original_mark(line) or is_reply_mark(line)


def is_original_mark(line: Line) -> bool:
    """-----Original Message-----, in any language of the table."""
    text = line.text
    return text[:1] in _MARK_STARTS and len(text) < 160 and bool(_ORIGINAL_MARK.fullmatch(text))


def is_forward_mark(line: Line) -> bool:
    """---------- Forwarded message ----------, or "Begin forwarded message:"."""
    text = line.text
    if text[:1] not in _MARK_STARTS and text[-1:] not in _COLONS:
        return False
    return len(text) < 240 and bool(_FORWARD_MARK.fullmatch(text))


def is_reply_mark(line: Line) -> bool:
    """## Please type your reply above this line ##: what ticket systems write at the top of their letters."""
    text = line.text
    if len(text) > 160 or not (text[:2] in _REPLY_MARK_STARTS or "line" in text.lower()):
        return False
    return bool(_REPLY_MARK.fullmatch(text))


FENCE_STARTS = frozenset("-_=*~#+—–\u1427")
_FENCE = re.compile(r"([-_=*~#+—–])(?:\s?\1){2,}")


def is_fence(line: Line) -> bool:
    """A line of dashes, stars or the like, and Gmail's own mark."""
    text = line.text
    if text[:1] not in FENCE_STARTS:
        return False
    return text == "\u1427" or (len(text) < 200 and bool(_FENCE.fullmatch(text)))
