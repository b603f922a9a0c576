"""Makes HTML of strangers safe to put on a page: first a linear cut, then nh3 with a list of what may stay.

This is one of three walls; the page adds a Content-Security-Policy and a sandboxed frame, and neither trusts the
other two. The cut (prune) keeps nh3 away from input that would take it minutes, and hands it only tags of the list,
balanced and without raw text, foreign elements or comments, so no parser can see another tree than nh3 saw.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

import nh3

from postroom.mail.hidden import is_hidden
from postroom.mail.images import count_images, is_remote
from postroom.mail.markup import Piece, attributes, balanced, count_attributes, names, pieces
from postroom.mail.style import clean_style
from postroom.mail.text import html_to_text, text_to_html

MOST_CHARACTERS = 1_000_000
MOST_LINKS = 5000
MOST_TAGS = 60_000
DEEPEST = 256
MOST_ATTRIBUTES = 64
# A parser opens these again in every paragraph after one that did not close them: 13.2.4.3 of the HTML standard.
_REOPENED = names("a b big code em font i s small strike strong tt u")
_MOST_REOPENED = 20
_MOST_AS_TEXT = 200_000
_LONGEST_DATA_IMAGE = 300_000
_LONGEST_URL = 4096

_TAGS = names(
    "a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col "
    "colgroup dd del dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img "
    "ins kbd li main mark nav ol p pre q rp rt ruby s samp section small span strike strong sub sup table "
    "tbody td tfoot th thead time tr tt u ul var wbr"
)
# Taken out with what they hold; of all other unknown elements the content stays.
_SWALLOWED = names(
    "svg math template select datalist audio video canvas object applet map frameset noframes marquee "
    "portal dialog"
)
_NAMED = names(
    "script style svg math form input button textarea select object embed applet iframe frame frameset "
    "meta base link template audio video portal title xmp noembed plaintext"
)
_CELL = names("align bgcolor height nowrap valign width")
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "style", "title", "align"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "height", "width", "summary"},
    "td": {*_CELL, "colspan", "rowspan"},
    "th": {*_CELL, "colspan", "rowspan", "scope"},
    "tr": set(_CELL),
    "tbody": set(_CELL),
    "thead": set(_CELL),
    "tfoot": set(_CELL),
    "col": {"span", *_CELL},
    "colgroup": {"span", *_CELL},
    "font": {"color", "face", "size"},
    "hr": {"color", "noshade", "size", "width"},
    "li": {"value", "type"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "blockquote": {"type"},
    "br": {"clear"},
    "bdo": {"dir"},
    "time": {"datetime"},
}
_LINK_ATTRIBUTES = frozenset(("href", *_ATTRIBUTES["*"]))
_LINK = re.compile(r"https?://[^/\\]|mailto:|tel:", re.IGNORECASE)
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp);base64,[A-Za-z0-9+/=]++\Z", re.IGNORECASE)


@dataclass(frozen=True)
class SafeHtml:
    """HTML that may be shown, and what was done to it.

    remote_images: how many images would be fetched from elsewhere (they are left out unless asked for);
    trackers: how many of those look made to report the reading; removed: the kinds of things taken out;
    too_large: shown in part, or as text because the structure was too deep.
    """

    html: str
    remote_images: int
    trackers: int
    removed: tuple[str, ...]
    too_large: bool


@dataclass
class _Cut:
    """What the linear pass found and kept."""

    kept: list[str] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    remote_images: int = 0
    trackers: int = 0
    links: int = 0
    tags: int = 0
    depth: int = 0
    reopened: list[bool] = field(default_factory=list)  # open formatting elements, and whether each was kept
    too_deep: bool = False
    too_large: bool = False


def sanitise(html: str, *, images: bool, cid: Callable[[str], str | None]) -> SafeHtml:
    """The HTML with only harmless elements, attributes, styles and links.

    `images`: whether images of other servers may stay; `cid` gives the address of an attached image by its
    Content-ID, or None. Links open elsewhere and tell nobody where they were clicked.
    """
    cut = _prune(html)
    if cut.too_deep:
        text = html_to_text(html[:MOST_CHARACTERS])[:_MOST_AS_TEXT]
        return SafeHtml(text_to_html(text), cut.remote_images, cut.trackers, tuple(sorted(cut.removed)), True)
    filtered = _Filter(images=images, cid=cid, removed=cut.removed)
    clean = nh3.clean(
        "".join(cut.kept),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=filtered,
        clean_content_tags=set(),
        url_schemes={"http", "https", "mailto", "tel", "data", "cid"},
        url_relative=filtered.own,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )
    return SafeHtml(clean, cut.remote_images, cut.trackers, tuple(sorted(cut.removed)), cut.too_large)


def _prune(html: str) -> _Cut:
    """One linear pass: known tags only, balanced, counted; hidden parts and swallowed elements left out."""
    cut = _Cut(too_large=len(html) > MOST_CHARACTERS)
    skipping: list[str] = []
    for piece in balanced(pieces(html[:MOST_CHARACTERS])):
        if skipping:
            _note(cut, piece)
            if piece.kind == "open":
                skipping.append(piece.name)
            elif piece.kind == "close":
                skipping.pop()
        elif piece.kind == "open" and _is_left_out(cut, piece):
            skipping.append(piece.name)
        else:
            _keep(cut, piece)
        if cut.too_deep:
            break
    return cut


def _is_left_out(cut: _Cut, piece: Piece) -> bool:
    _note(cut, piece)
    if piece.name in _SWALLOWED:
        return True
    if is_hidden(piece.body):
        cut.removed.add("hidden text")
        return True
    return False


def _note(cut: _Cut, piece: Piece) -> None:
    """Counts what the reader should be told about, wherever it stands."""
    if piece.name in _NAMED and piece.kind != "close":
        cut.removed.add(piece.name)
    if piece.kind in ("open", "void") and piece.body:
        lowered = piece.body.lower()
        if "on" in lowered and _EVENT.search(lowered):
            cut.removed.add("event handlers")
        remote, tracker = count_images(piece.name, piece.body)
        cut.remote_images += remote
        cut.trackers += tracker


_EVENT = re.compile(r"""(?:^|[\s/"'])on[a-z]{2,30}\s{0,9}=""")


def _keep(cut: _Cut, piece: Piece) -> None:
    name = piece.name
    if piece.kind == "text":
        cut.kept.append(piece.body.replace("<", "&lt;"))
    elif piece.kind == "raw" or name not in _TAGS:
        if piece.kind != "open":  # those were noted when they were weighed
            _note(cut, piece)
        if name in ("textarea", "plaintext", "xmp") and piece.kind == "raw":
            cut.kept.append(piece.body.replace("<", "&lt;"))
    elif piece.kind == "close":
        cut.depth -= 1
        if name not in _REOPENED or cut.reopened.pop():
            cut.kept.append(f"</{name}>")
    else:
        _keep_opening(cut, piece)


def _keep_opening(cut: _Cut, piece: Piece) -> None:
    if piece.kind == "void":
        _note(cut, piece)
    else:
        cut.depth += 1
        cut.too_deep = cut.too_deep or cut.depth > DEEPEST
    cut.tags += 1
    cut.links += piece.name == "a"
    if cut.tags > MOST_TAGS or cut.links > MOST_LINKS:
        cut.too_large = True
        cut.too_deep = cut.too_deep or cut.tags > MOST_TAGS
    if piece.name in _REOPENED:
        cut.reopened.append(len(cut.reopened) < _MOST_REOPENED)
        if not cut.reopened[-1]:
            return
    cut.kept.append(_opening(piece, cut.removed, bare=cut.links > MOST_LINKS))


def _opening(piece: Piece, removed: set[str], *, bare: bool) -> str:
    if bare or not piece.body or count_attributes(piece.body, limit=MOST_ATTRIBUTES) > MOST_ATTRIBUTES:
        return f"<{piece.name}>"
    if piece.name == "a":
        return _opening_link(piece.body, removed)
    return f"<{piece.name} {piece.body} >"


def _opening_link(body: str, removed: set[str]) -> str:
    """The tag with what nh3 will keep: attributes it drops change the order, and cleaning twice must give the same."""
    found = attributes(body)
    address = safe_link(found.get("href", ""))
    if found.get("href", "#")[:1] != "#" and not address:
        removed.add("unsafe links")
    found = {**found, "href": address, "style": clean_style(found.get("style", ""))}
    kept = (
        f' {name}="{escape(found[name])}"' for name in sorted(found.keys() & _LINK_ATTRIBUTES) if found[name]
    )
    return f"<a{''.join(kept)}>"


def safe_link(address: str) -> str:
    """The address when a reader may follow it (http, https, mailto, tel), else ""."""
    address = address.strip(_STRIPPED)
    if _LINK.match(address) and len(address) <= _LONGEST_URL and not _CONTROL.search(address):
        return address
    return ""


@dataclass
class _Filter:
    """Judges each attribute nh3 would keep."""

    images: bool
    cid: Callable[[str], str | None]
    removed: set[str]
    attached: set[str] = field(default_factory=set)

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return clean_style(value) or None
        if name == "href":
            return safe_link(value) or None
        if name == "src":
            return self._image(value)
        if name == "type" and tag == "blockquote":
            return "cite" if value.lower() == "cite" else None
        return value if len(value) <= _LONGEST_URL else None

    def own(self, address: str) -> str | None:
        """Relative addresses are only ours when the caller named them for an attached image."""
        return address if address in self.attached else None

    def _image(self, value: str) -> str | None:
        address = value.strip(_STRIPPED)
        if address[:4].lower() == "cid:":
            found = self.cid(address[4:].strip("<> "))
            if found is not None:
                self.attached.add(found)
            return found
        if _DATA_IMAGE.match(address):
            return address if len(address) <= _LONGEST_DATA_IMAGE else None
        if is_remote(address):
            if self.images and not address.startswith("//") and not _CONTROL.search(address):
                return address
            self.removed.add("remote images")
        return None


_CONTROL = re.compile("[\x00-\x1f\x7f\u2028\u2029]")
_STRIPPED = (
    "".join(chr(c) for c in range(0x21))
    + "\x7f\xa0\u1680\u180e\u2028\u2029\u202f\u205f\u3000\ufeff\u00ad"
    + "".join(chr(c) for c in range(0x2000, 0x2010))
)
