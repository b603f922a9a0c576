"""Template tags and components: the words they say, and that pages made of them are accessible in both themes and every width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Browser

from postroom.web.components.marks import choose_hue, take_initials
from postroom.web.components.words import say_due, say_duration, say_size, say_when
from tests.web.desk import Desk

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def render(text: str, **context: object) -> str:
    """A template's output."""
    return Template(text).render(Context(context))


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Maya Lindqvist", "ML"),
        ("عمر حداد", "عح"),
        ("Tomáš", "TO"),
        ("jonas.weber@mailbox.example", "JW"),
        ("Anna Maria von Berg", "AB"),
        ("(none)", "NO"),
        ("", "?"),
        ("!!", "?"),
    ],
)
def test_initials_of(name: str, initials: str) -> None:
    assert take_initials(name) == initials


def test_a_key_always_has_the_same_hue_whatever_its_case() -> None:
    assert choose_hue("Billing") == choose_hue("billing")
    assert {choose_hue(n) for n in range(400)} == set(range(12))


@pytest.mark.parametrize(
    ("when", "says"),
    [
        (NOON - timedelta(hours=1), "11:00"),
        (NOON - timedelta(days=1), "Yesterday"),
        (NOON - timedelta(days=40), "11 Oct"),
        (NOON - timedelta(days=400), "16 Oct 2025"),
    ],
)
def test_a_moment_is_said_as_briefly_as_it_stays_clear(when: datetime, says: str) -> None:
    assert say_when(when, NOON) == says


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (8, "8 s"),
        (2520, "42 min"),
        (4320, "1 h 12 min"),
        (7200, "2 h"),
        (90_000, "1 day"),
        (400_000, "4 days"),
        (-5, "0 s"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: int, says: str) -> None:
    assert say_duration(seconds) == says


def test_a_due_time_says_in_words_what_its_colour_says() -> None:
    assert say_due(NOON + timedelta(minutes=42), NOON) == ("42 min", "warn")
    assert say_due(NOON + timedelta(hours=2), NOON) == ("2 h", "")
    assert say_due(NOON - timedelta(minutes=8), NOON) == ("8 min overdue", "bad")


@pytest.mark.parametrize(
    ("size", "says"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (182_000, "182 kB"),
        (1_400_000, "1.4 MB"),
        (20_000_000, "20.0 MB"),
        (999_700, "1.0 MB"),
        (3_000_000_000, "3.0 GB"),
    ],
)
def test_a_size_is_said_in_decimal_units(size: int, says: str) -> None:
    assert say_size(size) == says


def test_an_input_ties_label_help_and_error_together() -> None:
    html = render(
        "{% input 'settings.port' 'Port' type='number' value=0 least=0 most=65535 help='Usually 993.' error='Too large.' required=True %}"
    )
    assert 'for="f-settings-port"' in html
    assert 'aria-describedby="f-settings-port-error f-settings-port-help"' in html
    assert 'aria-invalid="true"' in html
    assert 'min="0" max="65535"' in html
    assert 'value="0"' in html


def test_a_select_chooses_the_value_however_it_is_typed() -> None:
    html = render(
        "{% input 'port' 'Port' type='select' value='993' choices=choices %}",
        choices=((143, "143"), (993, "993")),
    )
    assert '<option value="993" selected>' in html
    assert html.count("selected") == 1


def test_a_switch_says_false_when_it_is_off() -> None:
    html = render("{% input 'on' 'On' type='switch' value=True %}")
    assert html.index('type="hidden" name="on" value="false"') < html.index('type="checkbox"')
    assert "checked" in html


def test_draw_takes_the_same_from_an_object_and_escapes_it() -> None:
    one = SimpleNamespace(
        name="host",
        label="Server",
        id="f-host",
        type="text",
        value='"><script>',
        help="",
        error="",
        condition="security=tls",
        described_by="",
    )
    html = render("{% draw one %}", one=one)
    assert "<script>" not in html
    assert 'data-visible-if="security=tls"' in html


def test_a_form_field_shows_its_errors_beside_itself() -> None:
    class Form(forms.Form):
        email = forms.EmailField(label="Email address", help_text="Where customers write to.")

    html = render("{% field form.email %}", form=Form({"email": "nobody"}))
    assert 'aria-invalid="true"' in html
    assert "Enter a valid email address." in html
    assert 'id="id_email-error"' in html
    assert "id_email-error id_email-help" in html


def test_a_sorted_column_links_to_the_other_direction_and_keeps_the_search() -> None:
    request = RequestFactory().get("/channels", {"q": "faktury", "page": "3"})
    html = render(
        "{% table_head columns 'name' %}",
        columns=[{"key": "name", "label": "Channel"}, {"label": "Queue"}],
        request=request,
    )
    assert 'aria-sort="ascending"' in html
    assert "?q=faktury&amp;sort=-name" in html
    assert html.count("<a ") == 1


def test_the_theme_comes_from_the_cookie_and_only_if_it_is_one() -> None:
    for cookie, theme in (("dark", "dark"), ("light", "light"), ("auto", ""), ('"><script>', "")):
        request = RequestFactory().get("/")
        request.COOKIES["theme"] = cookie
        assert render("{% chosen_theme %}", request=request) == theme


def test_words_of_capacity_count_what_is_over() -> None:
    html = render("{% capacity 6 5 %}")
    assert 'aria-label="6 of 5 emails in hand"' in html
    assert html.count('class="on"') == 5
    assert html.count('class="over"') == 1


def test_no_moment_says_nothing() -> None:
    assert render("{% moment when %}{% due when %}{{ when|ago }}{{ when|rfc3339 }}", when=None) == ""
    assert render("{{ when|ago }}", when=timezone.now() - timedelta(minutes=5)) == "5 min"


PAGES = {
    "/agent/busy": "the workspace",
    "/agent/list": "the list",
    "/agent/html": "a letter in HTML",
    "/channels/details": "a table",
    "/wizard": "a drawer with a form",
    "/sign_in": "signing in",
    "/empty": "an empty list",
}
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES, ids=list(PAGES.values()))
def test_axe_finds_nothing_on(chromium: Browser, desk: Desk, path: str, theme: str) -> None:
    for width in (1440, 390):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, base_url=desk.url
        )  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(path)
        page.wait_for_selector("html[data-ready]")
        if path == "/wizard":
            page.click("[data-run]")
            page.wait_for_selector("pr-check [data-sum]")
            page.wait_for_selector("pr-check [data-steps][aria-busy=false]")
        found = Axe().run(page, options=WCAG).response["violations"]
        told = [(one["id"], one["help"], [node["html"][:120] for node in one["nodes"]]) for one in found]
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        context.close()
        assert told == []
        assert wide <= width, "the page scrolls sideways"
