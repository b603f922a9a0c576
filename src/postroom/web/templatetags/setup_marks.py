"""Tags of the set-up pages: the mark of a provider, the address that opens details, a value by its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from postroom.web.components.tags import icon

register = template.Library()
LETTERS = {
    "gmail": ("google", "G"),
    "outlook365": ("microsoft", "M"),
    "outlook": ("microsoft", "O"),
    "yahoo": ("yahoo", "Y"),
}


@register.simple_tag
def provider(name: str, way: str = "in") -> SafeString:
    """The small square that stands for a provider; other servers show which way letters go."""
    if name in LETTERS:
        style, letter = LETTERS[name]
        return format_html('<span class="prov {}" aria-hidden="true">{}</span>', style, letter)
    return format_html(
        '<span class="prov" aria-hidden="true">{}</span>', icon("mail" if way == "in" else "send")
    )


@register.filter
def get(values: Mapping[str, Any], key: str) -> Any:
    """`{{ counts|get:name }}`: the value of a key, or None."""
    return values.get(key)
