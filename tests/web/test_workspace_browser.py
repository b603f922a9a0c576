"""An agent at work in Chromium, against the product's own server: the keyboard alone, live events, drafts, sending and taking back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, TimeoutError, expect

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
from tests.web.seed import HTML, PASSWORD, Desk, letter, make_desk, receive, seed

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
    page.wait_for_function(
        "() => { const offer = document.querySelector('pr-offer'); return offer && performance.now() - offer.since > 1000; }"
    )


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
    assert (sent.state, sent.text, sent.to[0]["address"]) == (
        OutState.HELD,
        "Dear Jonas, it is only a reservation.",
        "jonas.weber@mailbox.example",
    )
    press_until(page, "e", "#ask-finish[open]")
    page.locator("#ask-finish button[value=closed]").press("Enter")
    wait_until(lambda: Case.objects.get().state == CaseState.CLOSED, what="closing")
    expect(page.locator("#list")).to_contain_text("Nothing in your hands")


def in_hand(office: Desk, **more: object) -> Case:
    """A case in Maya's hands."""
    return work.pull(by=office.maya, interaction=receive(office, letter(**more)).interactions.get()).case  # type: ignore[arg-type]


def test_letters_typed_at_once_after_r_land_in_the_reply(window: Window, office: Desk) -> None:
    case = in_hand(office)
    page = window(office.maya)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    # No delay at all between the keys: e, j and k must not close or leave the case.
    page.evaluate(
        """() => { for (const key of "rejk") document.activeElement.dispatchEvent(
             new KeyboardEvent("keydown", {key, code: "Key" + key.toUpperCase(), bubbles: true, cancelable: true})) }"""
    )
    assert page.locator("#ask-finish[open]").count() == 0
    assert page.url.endswith(f"/case/{case.pk}?in=mine")


@pytest.mark.requirement("AG-02")
def test_a_draft_survives_a_reload_and_taking_back_brings_the_text_back(window: Window, office: Desk) -> None:
    case = in_hand(office)
    page = window(office.maya)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    page.keyboard.press("r")
    page.keyboard.type("Half a sentence")
    wait_until(
        lambda: Message.objects.filter(state=OutState.DRAFT, text="Half a sentence").exists(), what="autosave"
    )
    page.reload()
    ready(page)
    expect(page.locator("textarea[name=body]").first).to_have_value("Half a sentence")
    page.keyboard.press("r")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("pr-toast [data-left]")).to_be_visible()
    press_until(page, "z", "text=Taken back")
    assert Message.objects.get(kind=MessageKind.OUT).state == OutState.DRAFT
    expect(page.locator("textarea[name=body]").first).to_have_value("Half a sentence")


def test_a_customers_letter_appears_in_the_open_thread_without_reload_and_stops_a_stale_reply(
    window: Window, office: Desk
) -> None:
    case = in_hand(office)
    page = window(office.maya)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    streams(office)
    page.keyboard.press("r")
    page.keyboard.type("We are looking into it")
    first = case.messages.get(kind=MessageKind.IN)
    receive(
        office,
        letter("Re: it", "I have found the second payment, thank you.", answers=f"<{first.message_id}>"),
    )
    expect(page.locator("#thread")).to_contain_text("I have found the second payment")
    expect(page.locator("#list")).to_contain_text("I have found the second payment")
    assert page.locator("[role=textbox]").first.inner_text().strip() == "We are looking into it"
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-problem] .notice.warn").first).to_contain_text("Something new arrived")
    assert Message.objects.get(kind=MessageKind.OUT).state == OutState.DRAFT
    page.keyboard.press("Control+Enter")
    wait_until(lambda: Message.objects.get(kind=MessageKind.OUT).state == OutState.HELD, what="sending")
    wait_until(lambda: Case.objects.get().state == CaseState.CLOSED, what="closing")


def test_two_agents_see_the_same_queue_change(window: Window, office: Desk) -> None:
    office.ben.queues.add(office.billing)
    case = receive(office, letter())
    ben = window(office.ben)
    ben.goto(f"/in/queue-{office.billing.pk}")
    ready(ben)
    wait_until(lambda: User.objects.get(pk=office.ben.pk).last_seen, what="the browser's sign of life")
    expect(ben.locator("#list")).to_contain_text("Charged twice")
    maya = window(office.maya)
    maya.goto(f"/case/{case.pk}?in=queue-{office.billing.pk}")
    ready(maya)
    maya.keyboard.press("m")
    expect(maya.locator("#context")).to_contain_text("You")
    expect(ben.locator("#list")).to_contain_text("Nothing is waiting in Billing")
    expect(ben.locator("#nav")).not_to_contain_text("Billing1")


def test_a_file_goes_with_the_reply(window: Window, office: Desk) -> None:
    case = in_hand(office)
    page = window(office.maya)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    page.keyboard.press("r")
    page.keyboard.type("Here is the invoice")
    page.wait_for_selector("pr-composer [data-format=bold]:not([hidden])")
    page.locator("pr-composer input[type=file]").set_input_files(
        {"name": "invoice.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 made up"}
    )
    page.wait_for_selector("[data-files] input[name=attachment]", state="attached")
    page.locator("[role=textbox]").first.focus()
    page.keyboard.press("Control+Shift+Enter")
    wait_until(
        lambda: Message.objects.filter(kind=MessageKind.OUT, state=OutState.HELD).exists(), what="sending"
    )
    assert [f.name for f in Message.objects.get(kind=MessageKind.OUT).attachments.all()] == ["invoice.pdf"]


def test_the_mail_of_a_stranger_runs_nothing_and_loads_nothing_until_asked(
    window: Window, office: Desk
) -> None:
    case = in_hand(office, html=HTML)
    page = window(office.maya)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if ".example" in request.url else None)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    frame = page.frame_locator("pr-mailframe iframe")
    expect(frame.locator("body")).to_contain_text("my invoice")
    assert frame.locator("img").first.evaluate("image => image.naturalWidth") == 10
    assert page.title() == "Charged twice for order 48213 – Postroom"
    assert asked == []
    page.get_by_role("button", name="Show once").click()
    wait_until(
        lambda: page.evaluate("1") and any("banner.png" in url for url in asked),
        what="the image being asked for",
    )
    expect(page.locator("[data-banner]")).to_have_count(0)


def test_moving_through_the_list_by_keys_opens_each_case_and_marks_it_seen(
    window: Window, office: Desk
) -> None:
    first, second = in_hand(office), in_hand(office, subject="Second", address="b@mailbox.example")
    Interaction.objects.update(unread=True)
    page = window(office.maya)
    page.goto("/")
    ready(page)
    page.keyboard.press("j")
    expect(page.locator("#thread [data-title]")).to_have_text(first.subject)
    page.keyboard.press("j")
    expect(page.locator("#thread [data-title]")).to_have_text(second.subject)
    page.wait_for_url(f"**/case/{second.pk}?in=mine")
    expect(page.locator("#context")).to_contain_text("b@mailbox.example")
    wait_until(lambda: not Interaction.objects.filter(unread=True).exists(), what="the seen marks")
    page.keyboard.press("k")
    expect(page.locator("#thread [data-title]")).to_have_text(first.subject)


def test_single_keys_rest_when_they_are_switched_off(window: Window, office: Desk) -> None:
    case = in_hand(office)
    User.objects.filter(pk=office.maya.pk).update(preferences={"keys": "off"})
    page = window(office.maya)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    page.keyboard.press("e")
    page.keyboard.press("Control+k")
    page.wait_for_selector("dialog.pal[open]")
    assert page.locator("#ask-finish[open]").count() == 0


def test_everything_works_without_scripts(chromium: Browser, site: str, office: Desk) -> None:
    receive(office, letter())
    context = chromium.new_context(java_script_enabled=False, base_url=site)
    page = context.new_page()
    page.goto("/")
    page.fill("#f-email", "maya@desk.example")
    page.fill("#f-password", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.click("text=Pull next")
    page.wait_for_url("**/case/*")
    page.fill("textarea[name=body] >> nth=0", "Answered without a script")
    page.click("pr-composer form[data-kind=reply] button[data-send-other]")
    expect(page.locator("article.msg.out")).to_contain_text("Answered without a script")
    page.click("#thread a:has-text('Close')")
    page.click("button[value=closed]")
    wait_until(lambda: Case.objects.get().state == CaseState.CLOSED, what="closing")
    context.close()


def test_one_letter_on_its_way_has_one_countdown(window: Window, office: Desk) -> None:
    case = in_hand(office)
    page = window(office.maya)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    page.keyboard.press("r")
    page.keyboard.type("On its way.")
    page.keyboard.press("Control+Shift+Enter")
    page.wait_for_selector("#toasts [data-undo]")
    page.get_by_role("button", name="Note", exact=True).first.click()
    page.keyboard.type("Told the warehouse.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("article.msg.note")
    assert page.locator("#toasts pr-toast[data-until]").count() == 1
    page.goto("/")
    ready(page)
    assert page.locator("#toasts pr-toast[data-until]").count() == 1


def test_who_presses_r_on_a_colleagues_email_is_told_and_writes_nowhere(window: Window, office: Desk) -> None:
    case = in_hand(office)
    page = window(office.ben)
    office.billing.members.add(office.ben)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    page.evaluate(
        """() => { for (const key of "rejk") document.activeElement.dispatchEvent(
             new KeyboardEvent("keydown", {key, code: "Key" + key.toUpperCase(), bubbles: true, cancelable: true})) }"""
    )
    expect(page.locator("#toasts")).to_contain_text("has this email and answers it")
    assert page.locator("textarea[name=body]").input_value() == ""
    assert page.url.endswith(f"/case/{case.pk}?in=mine")


def test_a_composer_nobody_writes_in_leaves_the_room_to_the_letters(window: Window, office: Desk) -> None:
    case = in_hand(office)
    page = window(office.maya, width=320, height=640)
    page.goto(f"/case/{case.pk}?in=mine")
    ready(page)
    room = page.locator("#thread [data-stick]").bounding_box()
    assert room
    assert room["height"] > 230
    page.locator("textarea[name=body] >> nth=0").click()
    page.keyboard.type("Dear Jonas")
    expect(page.locator("#thread [data-send]:visible")).to_be_in_viewport()
    expect(page.locator("#thread .sig")).to_be_visible()


def test_next_works_where_the_list_is_out_of_sight(window: Window, office: Desk) -> None:
    in_hand(office)
    second = in_hand(office, subject="The second one", address="b@mailbox.example")
    page = window(office.maya, width=390, height=800)
    page.goto("/")
    ready(page)
    page.locator("[data-row]").first.click()
    page.wait_for_selector("#thread [data-step='1']")
    page.locator("#thread [data-step='1']").click()
    expect(page.locator("#thread [data-title]")).to_have_text("The second one")
    page.wait_for_url(f"**/case/{second.pk}?in=mine")


PAGES = {
    "mail": "/case/{html}?in=mine",
    "text": "/case/{text}?in=mine",
    "list": "/in/queue-{queue}",
    "empty": "/in/drafts",
    "search": "/search?q=parcel",
    "profile": "/profile",
    "ask": "/case/{text}/ask/snooze",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_no_page_has_an_accessibility_fault(window: Window, site: str, theme: str, width: int) -> None:
    office = seed()
    receive(office, letter("Offered", address="o@mailbox.example"))
    offer_waiting()
    cases = {
        "html": Message.objects.get(has_html=True).case_id,
        "text": Message.objects.earliest("pk").case_id,
        "queue": office.billing.pk,
    }
    page = window(office.maya, theme=theme, width=width)
    faults = {}
    for name, address in PAGES.items():
        page.goto(address.format(**cases))
        ready(page)
        faults[name] = faults_of(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{name} is wider than the window"
        )
    page.goto(PAGES["text"].format(**cases))
    ready(page)
    for dialog in ("finish", "snooze", "transfer"):
        page.evaluate(f"document.getElementById('ask-{dialog}').showModal()")
        faults[dialog] = faults_of(page)
        page.evaluate(f"document.getElementById('ask-{dialog}').close()")
    page.context.clear_cookies()
    page.goto("/sign-in")
    faults["sign-in"] = faults_of(page)
    assert faults == {key: [] for key in faults}


def faults_of(page: Page) -> list[str]:
    """What axe finds by WCAG 2.2 A and AA."""
    found = Axe().run(
        page, options={"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}
    )
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found.response["violations"]]
