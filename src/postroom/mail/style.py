"""Cleans the style attribute: listed properties with plain values stay; it does not read style sheets.

Nothing that loads (url, image-set, src), computes from elsewhere (var, attr, env, expression), or leaves its place
(position, z-index, negative margins, transform) is on the list, so there is nothing to forbid.
"""

import re

from postroom.mail.markup import names

_LONGEST = 4000
_PROPERTIES = names(
    "background-color border border-bottom border-bottom-color border-bottom-style border-bottom-width "
    "border-collapse border-color border-left border-left-color border-left-style border-left-width "
    "border-radius border-right border-right-color border-right-style border-right-width border-spacing "
    "border-style border-top border-top-color border-top-style border-top-width border-width caption-side "
    "clear color direction display empty-cells float font font-family font-size font-style font-variant "
    "font-weight height letter-spacing line-height list-style list-style-position list-style-type margin "
    "margin-bottom margin-left margin-right margin-top max-height max-width min-height min-width "
    "overflow-wrap padding padding-bottom padding-left padding-right padding-top table-layout text-align "
    "text-decoration text-indent text-transform unicode-bidi vertical-align white-space width word-break "
    "word-spacing word-wrap background"
)
_NOT_NEGATIVE = ("margin", "padding", "text-indent", "letter-spacing", "word-spacing", "line-height")
_VALUE = re.compile(r"""[\w\s#%.,+*!"'-]++(?:\((?:[\d\s.,%/-]|deg)*+\)[\w\s#%.,+*!"'-]*+)*+""")
_FUNCTION = re.compile(r"([\w-]*)\(")
_FUNCTIONS = names("rgb rgba hsl hsla")
_DISPLAYS = names(
    "block inline inline-block table table-row table-cell table-row-group list-item inline-table initial flex"
)
_NEGATIVE = re.compile(r"(?:^|[\s,])-\s*[\d.]")
_IMPORTANT = re.compile(r"\s*!\s*important\s*\Z", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


def clean_style(style: str) -> str:
    """The declarations that may stay, written as "name: value; name: value"; "" when none may."""
    if len(style) > _LONGEST or "\\" in style or "/*" in style or "<" in style:
        return ""
    kept = (_clean(declaration) for declaration in style.split(";"))
    return "; ".join(declaration for declaration in kept if declaration)


def _clean(declaration: str) -> str:
    name, colon, value = declaration.partition(":")
    name = name.strip().lower()
    value = _IMPORTANT.sub("", _SPACE.sub(" ", value).strip())
    if not colon or name not in _PROPERTIES or not _is_plain(value):
        return ""
    if name.startswith(_NOT_NEGATIVE) and _NEGATIVE.search(value):
        return ""
    if name == "display" and value.lower() not in _DISPLAYS:
        return ""
    return f"{name}: {value}"


def _is_plain(value: str) -> bool:
    if not value or not _VALUE.fullmatch(value):
        return False
    if value.count('"') % 2 or value.count("'") % 2:
        return False
    return all(name.lower() in _FUNCTIONS for name in _FUNCTION.findall(value))
