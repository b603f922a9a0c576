"""The rows of the catalogue of bad inputs about showing HTML, as far as the cleaning answers them; frames and headers are the web's."""

import re
import time
from collections.abc import Callable

import pytest
from selectolax.lexbor import LexborHTMLParser

from postroom.mail.html import MOST_CHARACTERS, MOST_LINKS, SafeHtml, sanitise
from postroom.mail.letter import read
from postroom.mail.quotes import show
from postroom.mail.text import html_to_text, text_to_html

Check = Callable[[SafeHtml], bool]
FETCHING = re.compile(
    r"""(?:src|srcset|background|poster|data|action|xlink:href|ping|style)\s*=\s*["']?[^"'>]*(?:https?:|//|url\()""",
    re.I,
)
ACTORS = {
    "script",
    "svg",
    "math",
    "style",
    "iframe",
    "object",
    "embed",
    "portal",
    "frame",
    "form",
    "meta",
    "base",
    "link",
    "template",
    "noscript",
}
SCHEMES = re.compile(r"\s*(?:javascript|vbscript|data):", re.IGNORECASE)


def shown(html: str, *, images: bool = False) -> SafeHtml:
    return sanitise(html, images=images, cid=lambda content_id: None)


def tags_of(result: SafeHtml) -> str:
    return "".join(re.findall(r"<[^>]*>", result.html))


def does_not_act(result: SafeHtml) -> bool:
    return is_inert(result.html)


def is_inert(html: str) -> bool:
    """No element that acts, no event handler, no address that runs; told by another parser than the cleaner's."""
    for node in LexborHTMLParser(html).root.traverse():
        values = node.attributes
        if (
            node.tag in ACTORS
            or any(name.startswith("on") for name in values)
            or SCHEMES.match(values.get("href") or "")
        ):
            return False
    return True


def fetches_nothing(result: SafeHtml) -> bool:
    return does_not_act(result) and not FETCHING.search(tags_of(result))


def parses_to_itself(result: SafeHtml) -> bool:
    """Another parser reads the same elements and words in it, and cleaning it again changes nothing."""
    again = LexborHTMLParser(result.html).body
    words = "".join((again.text() if again is not None else "").split())
    return (
        words == "".join(html_to_words(result.html).split())
        and shown(result.html).html == result.html
        and does_not_act(result)
    )


def html_to_words(html: str) -> str:
    return LexborHTMLParser(shown(html).html).text()


ROWS: list[tuple[str, str, Check]] = [
    ("HTML-01", "<script>alert(1)</script>", does_not_act),
    ("HTML-01", "<b onclick=alert(1) onmouseover='alert(2)'>x</b>", does_not_act),
    ("HTML-01", "<a href='javascript:alert(1)'>x</a><a href=vbscript:x>y</a>", does_not_act),
    ("HTML-01", "<a href='data:text/html,<script>alert(1)</script>'>x</a>", lambda found: "data:" not in found.html),
    ("HTML-01", "<iframe srcdoc='<script>alert(1)</script>'></iframe><svg onload=alert(1)>", does_not_act),
    ("HTML-03", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", parses_to_itself),
    ("HTML-03", "<style><img title='</style><img src=x onerror=alert(1)>'>", parses_to_itself),
    ("HTML-03", "<title><img title='</title><img src=x onerror=alert(1)>'>", parses_to_itself),
    ("HTML-03", "<xmp><img title='</xmp><img src=x onerror=alert(1)>'>", parses_to_itself),
    ("HTML-03", "<math><mi><mglyph><style><!--</style><img title='--&gt;&lt;img src onerror=alert(1)&gt;'>", parses_to_itself),
    ("HTML-03", "<form><div></form><form><template><p>x</template></form>", parses_to_itself),
    ("HTML-04", "<style>@import 'https://e.example/x'; @font-face{src:url(//e.example)}</style>x", fetches_nothing),
    ("HTML-04", "<p style=\"background:url('https://e.example/x')\">x</p>", fetches_nothing),
    ("HTML-04", "<p style=\"background:image-set('https://e.example/x' 1x)\">x</p>", fetches_nothing),
    ("HTML-04", "<p style='--u:url(//e.example);background:var(--u)'>x</p>", fetches_nothing),
    ("HTML-04", "<p style='width:attr(data-x);content:attr(data-y)'>x</p>", lambda found: "attr(" not in found.html),
    ("HTML-05", "<body background='https://e.example/x'><table background=//e.example/y><tr><td background=z>x", fetches_nothing),
    ("HTML-05", "<img srcset='https://e.example/x 2x'><video poster='https://e.example/y'></video>", fetches_nothing),
    ("HTML-05", "<link rel=prefetch href=//e.example><link rel=preconnect href=//e.example><link rel=dns-prefetch href=//e.example>", fetches_nothing),
    ("HTML-05", "<meta http-equiv=refresh content='0;url=https://e.example'><base href=//e.example><img src=x>", fetches_nothing),
    ("HTML-05", "<svg><rect fill='url(https://e.example/x' mask='url(//e.example'></svg>", fetches_nothing),
    ("HTML-06", "<svg><filter><feImage xlink:href='https://e.example/x'/></filter></svg>", fetches_nothing),
    ("HTML-07", "<div style='position:fixed!important;top:0;z-index:99'>x</div>", lambda found: "position" not in found.html),
    ("HTML-07", "<div style='margin-top:-900px;margin:0 -9px'>x</div>", lambda found: "margin" not in found.html),
    ("HTML-09", "<iframe src=//e.example></iframe><object data=//e.example></object><embed src=//e.example>", fetches_nothing),
    ("HTML-09", "<portal src=//e.example></portal><frameset><frame src=//e.example></frameset>", fetches_nothing),
    ("HTML-12", "<div>" * 100_000 + "Hello", lambda found: found.too_large and "<div" not in found.html and "Hello" in found.html),
    ("HTML-14", "<a href='https://x.example/'>x</a> " * 140_000, lambda found: found.too_large and found.html.count("href") <= MOST_LINKS),
    ("HTML-14", "<p>word</p>" + "word " * 1_000_000, lambda found: found.too_large and len(found.html) <= MOST_CHARACTERS + 100),
    ("HTML-15", "<scr\x00ipt>alert(1)</scr\x00ipt><b\x00 onclick=x>y</b>", does_not_act),
    ("HTML-16", "<!--[if mso]><script>alert(1)</script><![endif]-->x", does_not_act),
    ("HTML-16", "<![CDATA[<script>alert(1)</script>]]>x", does_not_act),
    ("HTML-16", "<!--><img src=x onerror=alert(1)>--><?xml version='1.0'?>x", does_not_act),
    ("HTML-16", "<plaintext><script>alert(1)</script>", does_not_act),
    ("HTML-17", "<img src='https://t.example/o.gif' width=1 height=1>", lambda found: fetches_nothing(found) and found.trackers == 1),
    ("HTML-17", "<blockquote><img src='https://t.example/u/1.png'></blockquote>", lambda found: fetches_nothing(found) and found.remote_images == 1),
    ("HTML-21", "<p>Send 10<span style='display:none'>00</span></p>", lambda found: "00" not in found.html and "hidden text" in found.removed),
    ("HTML-21", "<p>Send 10<span style='font-size:0'>00</span></p>", lambda found: "00" not in found.html),
    ("HTML-22", "<p>Regards<img src=x onerror=alert(1)></p>", does_not_act),
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "html", "check"), ROWS, ids=[f"{row}-{number}" for number, (row, _, _) in enumerate(ROWS)]
)
def test_bad_html_is_shown_as_the_catalogue_says(row: str, html: str, check: Check) -> None:
    started = time.process_time()
    result = shown(html)
    assert time.process_time() - started < 8, row
    assert check(result), (row, result.html[:300], result.removed)


@pytest.mark.parametrize(
    ("row", "html", "check"), ROWS, ids=[f"{row}-{number}" for number, (row, _, _) in enumerate(ROWS)]
)
def test_nothing_acts_when_images_are_allowed_either(row: str, html: str, check: Check) -> None:
    assert does_not_act(shown(html, images=True)), row


@pytest.mark.parametrize(
    "text",
    [
        'http://x.example" onmouseover="alert(1)',
        "<img src=x onerror=alert(1)>",
        "a & b < c",
        "www." * 250_000,
    ],
    ids=["quote", "tag", "signs", "www"],
)
def test_html_24_plain_text_is_escaped_and_linked_in_linear_time(text: str) -> None:
    started = time.process_time()
    html = text_to_html(text)
    assert time.process_time() - started < 5
    assert is_inert(html)
    assert "<img" not in html


def test_html_15_a_body_in_utf_16_is_read_once_and_cleaned() -> None:
    body = "<html><meta charset=latin1><p>Grüße <script>alert(1)</script></p></html>".encode("utf-16")
    letter = read(
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + body
    )
    assert does_not_act(shown(letter.html))
    assert "script" not in show(letter).text


def test_html_23_the_text_for_a_notification_has_no_markup_left() -> None:
    assert html_to_text("<p>Hi<script>alert(1)</script><img src=x onerror=alert(1)></p>") == "Hi"
