"""Counts the images a letter would fetch from other servers, and which of them look made to report the reading."""

import re

from postroom.mail.markup import attributes

_LONGEST_URL = 4096
_BLANKS = re.compile(
    "[\x00-\x20\x7f-\xa0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+"
)
_REMOTE = re.compile(r"(?:https?:)?//|https?:", re.IGNORECASE)
_TRACKER = re.compile(
    r"/(?:open|track(?:ing)?|pixel|beacon|o|wf/open|e/o|trk)[/?.]|[?&](?:utm_open|open_id)=|track\.|pixel\.|beacon|spacer|"
    r"list-manage\.com/track|sendgrid\.net/wf/open|mailtrack|hubspot\S{0,60}/e\dt/|emltrk|/q/[A-Za-z0-9_-]{20,}~",
    re.IGNORECASE,
)
_TINY = re.compile(r"\s*[012](?:\.0+)?\s*(?:px)?\s*\Z")
_TINY_STYLE = re.compile(r"(?:^|;)\s*(width|height)\s*:\s*[012](?:px)?\s*(?=;|$)", re.IGNORECASE)


def is_remote(address: str) -> bool:
    """Whether the address of an image leads to another server; blanks in it are ignored, as browsers ignore them."""
    return bool(_REMOTE.match(_BLANKS.sub("", address[:_LONGEST_URL])))


def count_images(name: str, body: str) -> tuple[int, int]:
    """(remote images, trackers among them) that one tag asks for by src, srcset, background, poster or style."""
    lowered = body.lower()
    if name == "img":
        return _count_image(attributes(body))
    if "background" in lowered or "srcset" in lowered or "poster" in lowered:
        return _count_background(attributes(body)), 0
    return 0, 0


def _count_image(found: dict[str, str]) -> tuple[int, int]:
    source = found.get("src", "")
    if not is_remote(source) and "//" not in found.get("srcset", ""):
        return 0, 0
    return 1, int(_is_tracker(source, found))


def _is_tracker(source: str, found: dict[str, str]) -> bool:
    tiny = sum(bool(_TINY.match(found.get(name, ""))) for name in ("width", "height"))
    tiny += len(set(_TINY_STYLE.findall(found.get("style", ""))))
    return tiny >= 2 or bool(_TRACKER.search(source[:_LONGEST_URL]))


def _count_background(found: dict[str, str]) -> int:
    addresses = (found.get("background", ""), found.get("poster", ""), found.get("srcset", ""))
    styled = found.get("style", "")
    return int(any(is_remote(address) for address in addresses) or ("url(" in styled and "//" in styled))
