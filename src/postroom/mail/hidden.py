"""Says whether a tag hides what it holds from the reader; text in the colour of its background is not looked for."""

import re

from postroom.mail.caseless import AnyOf, fold_case
from postroom.mail.markup import attributes

_CANDIDATES = AnyOf(["hidden", "display", "visibility", "font-size", "mso-hide", "max-height", "opacity"])
_HIDING = re.compile(
    r"""(?:^|;)\s*(?:
        display\s*:\s*none
      | visibility\s*:\s*(?:hidden|collapse)
      | mso-hide\s*:\s*all
      | font-size\s*:\s*0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:!\s*important\s*)?(?:;|$)
      | max-height\s*:\s*0(?:px)?\s*(?:!\s*important\s*)?(?:;|$)
      | opacity\s*:\s*0(?:\.0+)?\s*(?:!\s*important\s*)?(?:;|$)
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def is_hidden(body: str) -> bool:
    """Whether the attributes of an opening tag, as written, hide the element: hidden, display:none, font-size:0, ..."""
    if not body or not _CANDIDATES.are_in(fold_case(body)):
        return False
    found = attributes(body)
    return "hidden" in found or bool(_HIDING.search(found.get("style", "")))
