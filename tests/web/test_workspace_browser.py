"""An agent at work in Chromium, against the product's own server: the keyboard alone, live events, drafts, sending and taking back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from postroom.actions import work
from postroom.flow.offer import offer_waiting
from postroom.models import (
    Case,
    CaseState,
    Interaction,
    InteractionState,
    Message,
    MessageKind,
    OutState,
    User,
)
from tests.servers.ports import wait_until
from tests.web.seed import Desk, letter, make_desk, receive

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Window = Callable[..., Page]


@pytest.fixture
def office(site: str) -> Desk:
    """The desk in the database that the server reads."""
    return make_desk()


def ready(page: Page) -> None:
    """Scripts run and the event stream is open."""
    page.wait_for_selector("html[data-ready]")
    page.wait_for_function("() => document.querySelector('pr-palette dialog')")


def streams(office: Desk) -> None:
    wait_until(lambda: User.objects.get(pk=office.maya.pk).last_seen, what="the browser's sign of life")


def press_until(page: Page, key: str, selector: str) -> None:
    """Single keys rest for a moment after Ctrl was let go; an agent presses again."""
    for _ in range(10):
        page.keyboard.press(key)
        try:
            page.wait_for_selector(selector, timeout=500)
            return
        except TimeoutError:
            continue
    raise AssertionError(f"{key} did not lead to {selector}")


def settled(page: Page) -> None:
    """A key pressed in the moment an offer appears was meant for something else; this waits until it counts."""
    page.wait_for_function("() => { const offer = document.querySelector('pr-offer'); return offer && performance.now() - offer.since > 1000; }")


@pytest.mark.requirement("AG-01")
def test_the_keyboard_alone_takes_an_offer_answers_it_and_closes_it(window: Window, office: Desk) -> None:
    page = window(office.maya)
    page.goto("/")
    ready(page)
    streams(office)
    case = receive(office, letter())
    assert offer_waiting() == 1
    page.wait_for_selector("pr-offer")
    expect(page.locator("pr-offer [data-subject]")).to_have_text("Charged twice for order 48213")
    settled(page)
    page.keyboard.press("a")
    page.wait_for_url(f"**/case/{case.pk}?in=mine")
    ready(page)
    assert Interaction.objects.get().state == InteractionState.HANDLING
    page.keyboard.press("r")
    page.keyboard.type("Dear Jonas, it is only a reservation.")
    page.keyboard.press("Control+Shift+Enter")
    page.wait_for_selector("article.msg.out")
    sent = Message.objects.get(kind=MessageKind.OUT)
    assert (sent.state, sent.text, sent.to[0]["address"]) == (OutState.HELD, "Dear Jonas, it is only a reservation.", "jonas.weber@mailbox.example")
    press_until(page, "e", "#ask-finish[open]")
    page.locator("#ask-finish button[value=closed]").press("Enter")
    wait_until(lambda: Case.objects.get().state == CaseState.CLOSED, what="closing")
    expect(page.locator("#list")).to_contain_text("Nothing in your hands")


def test_a_letter_typed_at_once_after_r_lands_in_the_reply(window: Window, office: Desk) -> None:
    case = receive(office, letter())
    work.pull(by=office.maya, interaction=case.interactions.get())
    page = window(office.maya)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    page.evaluate(
        """() => { for (const key of "rejk") document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, code: "Key" + key.toUpperCase(), bubbles: true, cancelable: true})) }"""
    )
    assert page.locator("#ask-finish[open]").count() == 0
    assert Interaction.objects.get().state == InteractionState.HANDLING
