"""Template tags and filters that every page may use without loading them. Only the binding to templates; the work is beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django import template
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from postroom.web.components import assets, marks, words

register = template.Library()

# What an input may say; see input_ below.
INPUT = (
    "name", "label", "type", "value", "help", "error", "choices", "required", "disabled", "autofocus", "least", "most", "length", "step",
    "placeholder", "autocomplete", "rows", "id", "accept", "multiple", "condition", "described_by", "dir", "optional", "danger",
)  # fmt: skip


@register.simple_tag
def asset(name: str) -> str:
    """`{% asset 'app.css' %}`: the URL of a built file."""
    return assets.address(name)


@register.simple_tag
def scripts(*names: str) -> SafeString:
    """`{% scripts 'app.js' 'workspace.js' %}`: the script elements, and a preload for each chunk so that all come in one round trip."""
    found = [assets.find_asset(name) for name in names]
    chunks = dict.fromkeys(chunk for one in found for chunk in one.imports)
    preloads = ((assets.file_address(chunk),) for chunk in chunks)
    entries = ((assets.file_address(one.file),) for one in found)
    return format_html_join("", '<link rel="modulepreload" href="{}">', preloads) + format_html_join(
        "", '<script type="module" src="{}"></script>', entries
    )


@register.simple_tag(takes_context=True)
def chosen_theme(context: template.Context) -> str:
    """ "light", "dark", or "" for as the system has it: the context's `theme`, else this browser's cookie."""
    request = context.get("request")
    chosen = context.get("theme") or (request.COOKIES.get("theme", "") if request is not None else "")
    return chosen if chosen in ("light", "dark") else ""


@register.simple_tag
def icon(name: str, size: str = "", label: str = "") -> SafeString:
    """`{% icon 'mail' %}`: an icon of the sprite; sizes `s` (14 px), none (16), `l` (18). Without `label` it is hidden from screen readers."""
    says = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="{}" {}><use href="{}#{}"/></svg>',
        f"i {size}".strip(),
        says,
        assets.address("icons.svg"),
        name,
    )


@register.simple_tag
def avatar(name: str, size: str = "", key: object = "") -> SafeString:
    """`{% avatar contact.name 'm' contact.pk %}`: initials in a circle. Sizes `xs`, none (24 px), `m`, `l`. The name is expected beside it."""
    return format_html(
        '<span class="{}" aria-hidden="true">{}</span>',
        " ".join(filter(None, ("av", size, f"a{marks.choose_hue(key or name)}"))),
        marks.take_initials(name),
    )


@register.filter
def hue(key: object) -> str:
    """`class="pip {{ queue.name|hue }}"`: the hue class that stands for this key."""
    return f"a{marks.choose_hue(key)}"


@register.filter
def shade(colour: object) -> str:
    """`class="pip {{ queue.colour|shade }}"`: the class of a colour that a queue may have."""
    return f"q-{colour}"


@register.simple_tag
def moment(when: datetime | None, extra: str = "") -> SafeString:
    """`{% moment message.at %}`: a `<time>` with the short form, the full one as its title. Empty for None."""
    if when is None:
        return mark_safe("")
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>',
        extra,
        when.isoformat(),
        words.say_when_fully(when),
        words.say_when(when),
    )


@register.simple_tag
def due(when: datetime | None) -> SafeString:
    """`{% due interaction.due_at %}`: a chip with the time left in words and colour. Empty for None."""
    if when is None:
        return mark_safe("")
    text, state = words.say_due(when)
    return format_html(
        '<span class="{}" title="{}">{}{}</span>',
        f"chip {state}".strip(),
        words.say_when_fully(when),
        icon("clock"),
        text,
    )


@register.filter
def ago(when: datetime | None) -> str:
    """`{{ when|ago }}`: how long since, in words; empty for None."""
    return words.say_duration((timezone.now() - when).total_seconds()) if when else ""


@register.filter
def duration(seconds: float | None) -> str:
    """`{{ seconds|duration }}`: "1 h 12 min"; an en dash for None."""
    return "–" if seconds is None else words.say_duration(seconds)


@register.filter
def size(number: int | None) -> str:
    """`{{ bytes|size }}`: "1.4 MB"; empty for None."""
    return "" if number is None else words.say_size(number)


@register.filter
def rfc3339(when: datetime | None) -> str:
    """`data-until="{{ offer.expires_at|rfc3339 }}"`: a moment for scripts, with its zone."""
    return when.isoformat() if when else ""


@register.simple_tag
def badge(text: str, state: str = "", icon_name: str = "") -> SafeString:
    """`{% badge 'High' 'bad' %}`: a chip; states none, `o` (outlined), `ok`, `warn`, `bad`, `acc`."""
    return format_html(
        '<span class="{}">{}{}</span>', f"chip {state}".strip(), icon(icon_name) if icon_name else "", text
    )


@register.simple_tag
def capacity(used: int, whole: int) -> SafeString:
    """`{% capacity 3 5 %}`: one segment per email in hand, over capacity in another colour and in words."""
    segments = format_html_join(
        "",
        '<i class="{}"></i>',
        (("over" if n >= whole else "on" if n < used else "",) for n in range(max(used, whole))),
    )
    label = _("%(used)d of %(whole)d emails in hand") % {"used": used, "whole": whole}
    return format_html(
        '<div class="cap" role="meter" aria-label="{}" aria-valuemin="0" aria-valuemax="{}" aria-valuenow="{}">{}</div>',
        label,
        max(used, whole),
        used,
        segments,
    )


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """`href="{% query page=2 %}"`: the present query with some values changed; an empty value removes."""
    request = context.get("request")
    values = request.GET.copy() if request is not None else QueryDict(mutable=True)
    for name, value in changes.items():
        if value in ("", None):
            values.pop(name, None)
        else:
            values[name] = str(value)
    return f"?{values.urlencode()}"


@register.inclusion_tag("postroom/components/input.html", name="input")
def input_(name: str, label: str, **given: Any) -> dict[str, Any]:
    """`{% input 'host' 'Server' value=... type='text' help=... error=... %}`: a field with its label, help and error tied together.

    type: text, email, password, number, url, search, date, datetime-local, lines, select, switch, file.
    Also: value, choices ((value, label) pairs), required, disabled, autofocus, least, most, length, step, placeholder, autocomplete, rows,
    id, accept, multiple, condition ("other=a,b": shown only while the field `other` has one of the values), dir, optional (says so), danger.
    """
    identifier = given.pop("id", None) or f"f-{name.replace('.', '-').replace('_', '-')}"
    notes = [f"{identifier}-{kind}" for kind in ("error", "help") if given.get(kind)]
    return {
        "name": name,
        "label": label,
        "id": identifier,
        "type": "text",
        "described_by": " ".join(notes),
        **given,
    }


@register.inclusion_tag("postroom/components/input.html", name="draw")
def draw_input(one: Any, **more: Any) -> dict[str, Any]:
    """`{% draw one %}`: the same for a value with these names as attributes (see `setup/inputs.py`); `more` overrides."""
    return {name: getattr(one, name) for name in INPUT if hasattr(one, name)} | more


@register.inclusion_tag("postroom/components/bound.html")
def field(bound: BoundField) -> dict[str, Any]:
    """`{% field form.email %}`: a Django form field the same way; its widget stays what the form says."""
    identifier = bound.id_for_label or bound.auto_id
    errors = list(bound.errors)
    notes = [
        f"{identifier}-{kind}" for kind, there in (("error", errors), ("help", bound.help_text)) if there
    ]
    switch = getattr(bound.field.widget, "input_type", "") == "checkbox"
    attrs = {
        "class": "sw" if switch else "inp",
        "aria-describedby": " ".join(notes),
        "role": "switch" if switch else "",
    }
    if errors:
        attrs["aria-invalid"] = "true"
    widget = bound.as_widget(attrs={name: value for name, value in attrs.items() if value})
    return {
        "bound": bound,
        "widget": widget,
        "id": identifier,
        "errors": errors,
        "switch": switch,
        "hidden": bound.is_hidden,
    }


@register.filter
def same(value: object, other: object) -> bool:
    """`{% if choice|same:value %}`: equal as a form writes them, so that 993 is "993" and True is "true"."""
    return _as_text(value) == _as_text(other)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


@register.inclusion_tag("postroom/components/table_head.html", takes_context=True)
def table_head(
    context: template.Context, columns: Iterable[Mapping[str, str]], sort: str = "", pick: bool = False
) -> dict[str, Any]:
    """`{% table_head columns sort='-name' pick=True %}`: the head row; columns are mappings with label, and key (sortable), class, hidden.

    The link keeps the query and sets `sort`; `-` in front means descending.
    """
    heads = []
    for column in columns:
        key = column.get("key", "")
        state = {key: "ascending", f"-{key}": "descending"}.get(sort, "") if key else ""
        link = query(context, sort=f"-{key}" if state == "ascending" else key, page="") if key else ""
        heads.append({**column, "state": state, "link": link})
    return {"heads": heads, "pick": pick}


@register.simple_block_tag
def notice(content: str, state: str = "", icon_name: str = "") -> SafeString:
    """`{% notice 'bad' 'warning' %}…{% endnotice %}`: a box with a message; `bad` is announced at once."""
    role = mark_safe(' role="alert"') if state == "bad" else ""
    return format_html(
        '<div class="{}"{}>{}{}</div>',
        f"notice {state}".strip(),
        role,
        icon(icon_name or "info", "l"),
        content,
    )


@register.simple_block_tag
def empty_state(content: str, title: str, icon_name: str = "inbox") -> SafeString:
    """`{% empty_state 'No channels yet' 'mail' %}One sentence, one button.{% endempty_state %}`: what an empty list says."""
    return format_html(
        '<div class="empty"><span class="empty-i">{}</span><h2 class="t">{}</h2>{}</div>',
        icon(icon_name, "l"),
        title,
        content,
    )
