"""Says whether a tag hides what it holds from the reader; text in the colour of its background is not looked for."""

import re

from postroom.mail.markup import attributes

_CANDIDATE = re.compile(r"hidden|display|visibility|font-size|mso-hide|max-height|opacity", re.IGNORECASE)
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
    if not _CANDIDATE.search(body):
        return False
    found = attributes(body)
    return "hidden" in found or bool(_HIDING.search(found.get("style", "")))
