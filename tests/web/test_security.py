"""The headers of every answer."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.seed import Desk

pytestmark = pytest.mark.django_db


def test_every_page_says_what_it_may_load(client: Client, office: Desk) -> None:
    client.force_login(office.ada)
    for address in ("/", "/search", "/profile", "/in/drafts", "/offers", "/nothing-here"):
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self';" in policy, address
        assert "unsafe-eval" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert (answer["Cross-Origin-Opener-Policy"], answer["X-Content-Type-Options"]) == (
            "same-origin",
            "nosniff",
        )
        # "no-referrer" makes browsers send `Origin: null` with our own forms.
        assert answer["Referrer-Policy"] == "same-origin"


def test_pages_with_mail_are_not_kept_by_caches(client: Client, office: Desk) -> None:
    client.force_login(office.maya)
    assert "no-store" in client.get("/")["Cache-Control"]


def test_no_page_holds_a_script_or_a_style_of_its_own(client: Client, office: Desk) -> None:
    client.force_login(office.ada)
    for address in ("/", "/profile", "/search"):
        page = client.get(address).content.decode()
        assert page.count("<script") == page.count('<script type="module" src="/static/')
        assert " onclick=" not in page
        assert "javascript:" not in page


def test_errors_are_told_in_words(client: Client, office: Desk) -> None:
    client.force_login(office.maya)
    assert "This is not here" in client.get("/nothing-here").content.decode()
    assert client.get("/setup/people").status_code == 403
    assert "This is not for you" in client.get("/setup/people").content.decode()
    strict = Client(enforce_csrf_checks=True)
    assert "This form is too old" in strict.post("/sign-in", {"email": "x"}).content.decode()
