"""HTML becomes text a person can read, text becomes HTML that is safe, and neither takes long."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from postroom.mail.markup import attributes, balanced, pieces
from postroom.mail.text import html_to_text, text_to_html
from tests.corpus import samples

SECOND = 1.0
PARTS = [
    "<p>", "</p>", "<div>", "</div>", "<table>", "<tr>", "<td>", "</table>", "<ul>", "<li>", "</ul>", "<blockquote>",
    "</blockquote>", "<pre>", "</pre>", "<br>", "<hr>", "<a href='https://x.example'>", "</a>", "<b", "<!--", "-->", "<script>",
    "</script>", "<title/>", "&nbsp;", "&#x110000;", "&#55296;", "\x00", "\u2028", "words ", "<", ">", '"', "'", "=", "</", "<?", "<!x",
]  # fmt: skip
markup = st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<div>One</div><div><br></div><div>Two</div>", "One\n\nTwo"),
        ("<p class=MsoNormal>One</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>Two</p>", "One\n\nTwo"),
        ("<p style='margin:0'>One</p><p style='margin:0'>Two</p>", "One\nTwo"),
        ("  a \n  b\t c ", "a b c"),
        ("a&nbsp;&nbsp;b", "a  b"),
        ("<ul><li>one<li>two<ul><li>deep</ul></ul>", "- one\n- two\n  - deep"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<table><tr><th>Item<th>Price<tr><td>Lamp<td>20</table>", "Item\tPrice\nLamp\t20"),
        ("<table><tr><td>Subject:</td><td>Hello</td></tr></table>", "Subject: Hello"),
        ("<pre>a\n   b</pre>", "a\n   b"),
        ("<blockquote>old<blockquote>older</blockquote></blockquote>new", "> old\n>\n>> older\n\nnew"),
        ("<a href='https://shop.example/a'>the shop</a>", "the shop <https://shop.example/a>"),
        ("<a href='https://shop.example/'>shop.example</a>", "shop.example"),
        ("<a href='mailto:ann@shop.example'>ann@shop.example</a>", "ann@shop.example"),
        ("<a href='javascript:alert(1)'>x</a>", "x"),
        ("a<style>b</style><script>c</script><!-- d -->e<title>f</title>", "ae"),
        ("<head><meta><title>t</title></head><body>b</body>", "b"),
        ("<div style='display:none'>preheader</div>Hello", "Hello"),
        ("<span style='font-size:0px'>hidden</span><span hidden>too</span>seen", "seen"),
        ("<span style='font-size:0.9em'>small</span>", "small"),
        ("<img alt='Our logo' src=x>", "[Our logo]"),
        (
            "zero\u200bwidth \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "zerowidth \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("&lt;b&gt; &amp; &#8364; &euro;", "<b> & € €"),
        ("<title/>after", "after"),
        ("1 < 2 and <3", "1 < 2 and <3"),
        ("before<a href='x", "before"),
        ("", ""),
    ],
)
def test_html_reads_as_a_person_would_write_it(html: str, text: str) -> None:
    assert html_to_text(html) == text


@given(markup)
@settings(max_examples=400, deadline=None)
def test_no_html_makes_it_fail(html: str) -> None:
    text = html_to_text(html)
    assert isinstance(text, str)
    assert "\x00" not in text


@given(markup)
@settings(max_examples=400, deadline=None)
def test_the_balanced_run_opens_and_closes_in_order(html: str) -> None:
    stack: list[str] = []
    for piece in balanced(pieces(html)):
        if piece.kind == "open":
            stack.append(piece.name)
        elif piece.kind == "close":
            assert stack.pop() == piece.name
    assert not stack


def test_attributes_are_read_as_browsers_read_them() -> None:
    assert attributes(""" HREF="a&amp;b" href=c title='x"y' checked data-x = 1/ """) == {
        "href": "a&b",
        "title": 'x"y',
        "checked": "",
        "data-x": "1/",
    }


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("one\r\ntwo\nthree", "one<br>two<br>three"),
        ("a  b", "a &nbsp;b"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("www. www.", "www. www."),
    ],
)
def test_text_is_escaped_and_keeps_its_lines(text: str, html: str) -> None:
    assert text_to_html(text) == html


@pytest.mark.parametrize(
    ("text", "target", "label"),
    [
        (
            "see https://shop.example/a?b=1&c=2.",
            "https://shop.example/a?b=1&amp;c=2",
            "https://shop.example/a?b=1&amp;c=2",
        ),
        ("(https://shop.example/a)", "https://shop.example/a", "https://shop.example/a"),
        ("https://shop.example/a_(b)", "https://shop.example/a_(b)", "https://shop.example/a_(b)"),
        ("<https://shop.example>", "https://shop.example", "https://shop.example"),
        ("www.shop.example!", "https://www.shop.example", "www.shop.example"),
        ("write to ann@shop.example, please", "mailto:ann@shop.example", "ann@shop.example"),
        ("mailto:ann@shop.example", "mailto:ann@shop.example", "mailto:ann@shop.example"),
    ],
)
def test_addresses_become_links(text: str, target: str, label: str) -> None:
    assert (
        f'<a href="{target}" rel="noopener noreferrer nofollow" target="_blank">{label}</a>'
        in text_to_html(text)
    )


def test_a_quote_mark_in_an_address_cannot_start_an_attribute() -> None:
    html = text_to_html('http://x.example" onmouseover="alert(1)')
    assert 'href="http://x.example"' in html
    assert "&quot; onmouseover=&quot;alert(1)" in html


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_text_survives_the_way_to_html_and_back(text: str) -> None:
    plain = "".join(letter for letter in text if letter.isalnum() or letter in " <>&\"'")
    assert html_to_text(text_to_html(plain)).split() == plain.split()


MEGABYTE = 1_000_000
HOSTILE = {
    "nested divs": "<div>" * 200_000,
    "nested quotes": "<blockquote>a" * 80_000,
    "arrows": "<" * MEGABYTE,
    "one tag, many attributes": "<a " + "x " * 500_000 + ">b",
    "open comments": "<!--" * 250_000,
    "open styles": "<style>" * 140_000,
    "a number without end": "&#" + "1" * MEGABYTE,
    "open attributes": '<a x="' * 150_000,
    "stray ends": "</b>" * 250_000,
    "ends out of reach": "<table><td><b>" * 30_000 + "</b>" * 100_000,
    "items": "<li><div>" * 110_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_html_is_read_in_linear_time(name: str) -> None:
    started = time.process_time()
    html_to_text(HOSTILE[name])
    assert time.process_time() - started < 4 * SECOND


@pytest.mark.parametrize(
    "text",
    [
        "www." * 250_000,
        "a@" * 500_000,
        "http://" * 140_000,
        "<" * MEGABYTE,
        "(" * MEGABYTE,
        "a@b.c " * 160_000,
    ],
)
def test_a_megabyte_of_near_links_is_written_in_linear_time(text: str) -> None:
    started = time.process_time()
    text_to_html(text)
    assert time.process_time() - started < 2 * SECOND


@pytest.mark.corpus
def test_every_html_of_the_corpus_has_text() -> None:
    for sample in samples("html", "replies"):
        if sample.path.suffix == ".html":
            html = sample.read().decode("utf-8", "replace")
            tree = LexborHTMLParser(html)
            tree.strip_tags(["script", "style", "title"])
            text = html_to_text(html)
            assert "<style" not in text, sample.name
            assert bool(text) or not tree.text().strip(), sample.name
