"""The custom elements and the keyboard in a real browser, under the product's Content-Security-Policy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.desk import Desk

pytestmark = pytest.mark.browser

EDITOR = "form[data-kind=reply] [contenteditable]"


def open_page(page: Page, path: str = "/agent") -> None:
    """Open a page and wait until its scripts run."""
    page.goto(path)
    page.wait_for_selector("html[data-ready]")


def title(page: Page) -> str:
    """The subject of the conversation that is shown."""
    return page.locator("#thread [data-title]").inner_text()


def test_j_and_k_step_through_the_conversations_and_change_the_address(page: Page, desk: Desk) -> None:
    open_page(page)
    page.keyboard.press("j")
    expect(page.locator("#thread [data-title]")).to_have_text("Re: Where is my parcel?")
    assert page.url.endswith("/case/3")
    assert page.title().startswith("Re: Where is my parcel?")
    page.keyboard.press("k")
    page.keyboard.press("k")
    expect(page.locator("#thread [data-title]")).to_have_text("Invoice 2026-1107: wrong VAT ID")
    desk.wait_for_post("/seen/1")
    page.go_back()
    expect(page.locator("[data-row][aria-current]")).to_have_attribute("data-key-id", "2")


def test_the_neighbours_are_there_before_they_are_asked_for(page: Page, desk: Desk) -> None:
    with page.expect_response(re.compile("/case/3/thread")):
        open_page(page)
    page.wait_for_load_state("networkidle")
    desk.delay["/case/3/thread"] = 5
    page.keyboard.press("j")
    assert title(page) == "Re: Where is my parcel?"


def test_an_earlier_answer_never_overtakes_a_later_choice(page: Page, desk: Desk) -> None:
    desk.delay["/case/6/thread"] = 0.6
    open_page(page)
    page.click("[data-key-id='6'] .sub")
    page.click("[data-key-id='7'] .sub")
    expect(page.locator("#thread [data-title]")).to_have_text("Discount code not accepted")
    desk.wait_for_get("/case/6/thread", answered=True)
    assert title(page) == "Discount code not accepted"


def test_letters_typed_right_after_r_land_in_the_reply(page: Page) -> None:
    open_page(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type("rej hello x#", delay=0)
    expect(page.locator("form[data-kind=reply] textarea[data-editor]")).to_have_value("ej hello x#")
    assert title(page) == "Charged twice for order 48213"


def test_letters_typed_while_the_conversation_still_loads_land_in_its_reply(page: Page, desk: Desk) -> None:
    open_page(page)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelector('pr-composer').remove()")
    page.keyboard.type("rjoke", delay=0)
    page.evaluate("document.querySelector(\"[data-key-id='3']\").click()")
    expect(page.locator("#thread [data-title]")).to_have_text("Re: Where is my parcel?")
    expect(page.locator("form[data-kind=reply] textarea[data-editor]")).to_have_value("joke")


def test_no_key_acts_with_a_modifier_or_right_after_one(page: Page) -> None:
    open_page(page)
    page.evaluate(
        "document.addEventListener('click', e => e.target.closest('[data-key=e]') && (window.closed_ = true))"
    )
    page.keyboard.down("Control")
    page.keyboard.press("e")
    page.keyboard.up("Control")
    page.keyboard.press("e")
    page.keyboard.down("Alt")
    page.keyboard.press("e")
    page.keyboard.up("Alt")
    assert page.evaluate("window.closed_") is None
    page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 300))")
    page.keyboard.press("e")
    assert page.evaluate("window.closed_") is True


def test_keys_work_on_a_cyrillic_board(page: Page) -> None:
    open_page(page)
    page.evaluate(
        "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'о', code: 'KeyJ', bubbles: true, cancelable: true}))"
    )
    expect(page.locator("#thread [data-title]")).to_have_text("Re: Where is my parcel?")


def test_single_keys_can_be_switched_off_but_the_palette_stays(page: Page, desk: Desk) -> None:
    desk.context["keys"] = "off"
    open_page(page)
    page.keyboard.press("j")
    assert title(page) == "Charged twice for order 48213"
    page.keyboard.press("Control+k")
    expect(page.locator("dialog.pal[open]")).to_be_visible()


def test_the_palette_finds_a_command_shows_its_key_and_runs_it(page: Page) -> None:
    open_page(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("transf")
    chosen = page.locator(".pal-o[aria-selected=true]")
    expect(chosen).to_contain_text("Transfer to a queue…")
    expect(chosen.locator("kbd")).to_have_text("T")
    page.evaluate("document.querySelector('[data-key=t]').addEventListener('click', () => window.ran = true)")
    page.keyboard.press("Enter")
    assert page.evaluate("window.ran") is True
    expect(page.locator("dialog.pal[open]")).to_have_count(0)


def test_a_question_mark_lists_the_keys(page: Page) -> None:
    open_page(page)
    page.keyboard.press("?")
    sheet = page.locator("dialog[open] .sheet")
    expect(sheet).to_contain_text("Next conversation")
    expect(sheet).to_contain_text("Close")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_an_offer_takes_a_and_d_and_never_lies_over_send(page: Page, desk: Desk) -> None:
    for width in (1440, 1000, 390):
        page.set_viewport_size({"width": width, "height": 844})
        open_page(page, "/agent/busy")
        # In a narrow window Send is there once somebody writes.
        page.locator("[data-editor]").first.focus()
        page.wait_for_selector("[data-send]:visible")
        page.evaluate("document.activeElement.blur()")
        offer, send = (
            page.locator("pr-offer").bounding_box(),
            page.locator("[data-send]").first.bounding_box(),
        )
        assert offer is not None
        assert send is not None
        apart = offer["x"] + offer["width"] <= send["x"] or send["x"] + send["width"] <= offer["x"]
        assert (
            apart or offer["y"] + offer["height"] <= send["y"] or send["y"] + send["height"] <= offer["y"]
        ), width
    page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 700))")
    page.keyboard.press("a")
    page.wait_for_url("**/accept")
    desk.wait_for_post("/accept")


def test_a_key_pressed_as_the_offer_appears_does_not_accept_it(page: Page, desk: Desk) -> None:
    open_page(page, "/agent/busy")
    page.evaluate("""() => { const offer = document.querySelector('pr-offer'); offer.remove(); document.body.append(offer);
      document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', code: 'KeyA', bubbles: true, cancelable: true})); }""")
    assert [path for path, _ in desk.posts if path == "/accept"] == []


def test_undo_counts_down_by_the_servers_clock_and_z_presses_it(page: Page, desk: Desk) -> None:
    open_page(page, "/agent/busy")
    left = int(page.locator("#toasts [data-left]").inner_text())
    assert 4 <= left <= 7
    page.keyboard.press("z")
    page.wait_for_url("**/undo")
    desk.wait_for_post("/undo")


def test_a_draft_is_on_the_server_within_a_second_and_survives_a_reload(page: Page, desk: Desk) -> None:
    open_page(page)
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.keyboard.type("Good news")
    assert desk.wait_for_post("/draft/2", seconds=2)["body"] == ["Good news"]
    expect(page.locator("form[data-kind=reply] [data-saved]")).to_have_text("Draft saved")
    desk.status["/draft/2"] = 503
    page.keyboard.type(" at last")
    expect(page.locator("form[data-kind=reply] [data-saved]")).to_contain_text("kept in this browser")
    page.reload()
    expect(page.locator("form[data-kind=reply] textarea")).to_have_value("Good news at last")


def test_a_lapsed_session_keeps_the_draft_and_says_so(page: Page, desk: Desk) -> None:
    desk.status["/draft/2"] = 401
    open_page(page)
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.keyboard.type("Do not lose this")
    expect(page.locator("form[data-kind=reply] [data-saved]")).to_have_text(
        "Signed out: draft kept in this browser"
    )


def test_reply_and_note_keep_their_own_text(page: Page, desk: Desk) -> None:
    open_page(page)
    page.keyboard.press("n")
    page.keyboard.type("for us only")
    page.click("form[data-kind=note] [data-tab=reply]")
    page.keyboard.type("for the customer")
    page.click("form[data-kind=reply] [data-tab=note]")
    expect(page.locator("form[data-kind=note] textarea")).to_have_value("for us only")
    expect(page.locator("form[data-kind=reply] textarea")).to_have_value("for the customer")


def test_reply_all_and_forward_change_the_recipients(page: Page) -> None:
    open_page(page)
    page.keyboard.press("a")
    expect(page.locator("input[name=cc]")).to_have_value("Ana <ana@mailbox.example>")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("f")
    expect(page.locator("input[name=to]")).to_have_value("")


def test_a_reply_goes_out_once_with_its_html_and_its_draft_is_over(page: Page, desk: Desk) -> None:
    desk.delay["/send/2"] = 0.3
    open_page(page)
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.keyboard.type("Thank you")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")
    sent = desk.wait_for_post("/send/2")
    page.wait_for_load_state("networkidle")
    assert sent["body"] == ["Thank you"]
    assert sent["body_html"] == ["<div>Thank you</div>"]
    assert sent["after"] == ["close"]
    assert sent["to"] == ["jonas.weber@mailbox.example"]
    assert len([path for path, _ in desk.posts if path == "/send/2"]) == 1


def test_a_refused_send_shows_why_and_keeps_the_text(page: Page, desk: Desk) -> None:
    desk.status["/send/2"] = 409
    open_page(page)
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.keyboard.type("Too late")
    page.keyboard.press("Control+Enter")
    expect(page.locator("form[data-kind=reply] [data-problem]")).to_contain_text("Something new arrived.")
    expect(page.locator(EDITOR)).to_have_text("Too late")


@pytest.mark.parametrize(
    ("text", "says"),
    [("Dear {{ name }},", "has not been filled in"), ("See the attached file.", "there is no file")],
    ids=["an unfilled variable", "a forgotten file"],
)
def test_sending_stops_at(page: Page, desk: Desk, text: str, says: str) -> None:
    open_page(page)
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts pr-toast.bad")).to_contain_text(says)
    assert [path for path, _ in desk.posts if path.startswith("/send")] == []


def test_a_slash_at_a_word_start_offers_canned_answers(page: Page) -> None:
    open_page(page)
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.keyboard.type("and/or /ref")
    expect(page.locator(".canned .opt")).to_contain_text("Refund on its way")
    page.keyboard.press("Enter")
    expect(page.locator(EDITOR)).to_contain_text("and/or We have returned {{ amount }} to your card.")
    expect(page.locator(EDITOR).locator("b")).to_have_text("{{ amount }}")


def test_pasted_html_loses_what_could_harm(page: Page, complaints: list[str]) -> None:
    open_page(page)
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.evaluate("""() => { const data = new DataTransfer();
      data.setData('text/html', '<p onclick="x()">Hi <b>you</b><script>alert(1)</' + 'script><img src=x onerror=y()><a href="javascript:z()">l</a><style>*{}</style></p>');
      document.querySelector('form[data-kind=reply] [contenteditable]').dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }""")
    expect(page.locator(EDITOR).locator("b")).to_have_text("you")
    html = page.locator(EDITOR).inner_html()
    assert not re.search(r"onclick|onerror|javascript:|<script|<style", html), html
    # The cleaner parses the handlers in a document of its own before it drops them; the browser notes that they did not run.
    complaints[:] = [one for one in complaints if not one.startswith("Executing inline event handler")]


def test_a_file_goes_up_at_once_and_its_id_with_the_letter(page: Page, desk: Desk) -> None:
    open_page(page)
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.set_input_files(
        "input[name=files]", {"name": "shot.png", "mimeType": "image/png", "buffer": b"12345"}
    )
    expect(page.locator("[data-files] input[name=attachment]")).to_have_value("f9")
    assert desk.wait_for_post("/upload")["file"] == ["12345"]
    page.click("[data-files] [data-remove]")
    expect(page.locator("[data-files] .file")).to_have_count(0)


def test_a_file_over_the_limit_is_refused_before_it_goes_up(page: Page, desk: Desk) -> None:
    open_page(page)
    page.evaluate("document.querySelector('form[data-kind=reply]').dataset.limit = '4'")
    page.click("form[data-kind=reply] textarea")
    page.wait_for_selector(EDITOR)
    page.set_input_files(
        "input[name=files]", {"name": "shot.png", "mimeType": "image/png", "buffer": b"12345"}
    )
    expect(page.locator("#toasts pr-toast.bad")).to_contain_text("shot.png is too large")
    assert [path for path, _ in desk.posts if path == "/upload"] == []


def test_recipients_become_chips_suggestions_help_and_wrong_ones_stop_sending(page: Page, desk: Desk) -> None:
    open_page(page)
    entry = page.locator("#reply-to-entry")
    entry.click()
    page.keyboard.type("cam")
    expect(page.locator("pr-recipients .opt").first).to_contain_text("Camille Roux")
    page.keyboard.press("Enter")
    page.keyboard.type("nobody,")
    expect(page.locator("input[name=to]")).to_have_value(
        "jonas.weber@mailbox.example, Camille Roux <camille@roux.example>, nobody"
    )
    expect(page.locator(".rcpt.bad")).to_have_text("nobody")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts pr-toast.bad")).to_contain_text("not an email address")
    assert [path for path, _ in desk.posts if path.startswith("/send")] == []


def test_a_mail_frame_grows_runs_nothing_and_passes_keys_on(page: Page) -> None:
    open_page(page, "/agent/html")
    frame = page.frame_locator("pr-mailframe iframe")
    expect(frame.locator("h2")).to_have_text("Order 48213")
    page.wait_for_function("() => document.querySelector('pr-mailframe iframe').clientHeight > 900")
    assert page.title() != "owned"
    frame.locator("h2").click()
    page.keyboard.press("j")
    expect(page.locator("#thread [data-title]")).to_have_text("Re: Where is my parcel?")


def test_a_live_event_reads_its_parts_again_in_every_tab_over_one_stream(page: Page, desk: Desk) -> None:
    open_page(page)
    other = page.context.new_page()
    open_page(other)
    for tab in (page, other):
        tab.evaluate("document.addEventListener('live:offer', e => window.heard = e.detail)")
    with page.expect_request("**/offers"), other.expect_request("**/offers"):
        desk.send_event(kind="offer.made", offer=3)
    page.wait_for_function("() => window.heard?.offer === 3")
    other.wait_for_function("() => window.heard?.offer === 3")
    assert len([path for path in desk.gets if path.startswith("/live")]) == 1


def test_the_next_tab_takes_the_stream_over_where_the_first_left_it(page: Page, desk: Desk) -> None:
    open_page(page)
    other = page.context.new_page()
    open_page(other)
    page.evaluate("document.addEventListener('live:case', e => window.heard = e.detail)")
    desk.send_event(kind="case.reopened", case=99)
    page.wait_for_function("() => window.heard?.case === 99")
    with other.expect_request(lambda request: request.url.endswith("/live?last=1")):
        page.close()


def test_the_step_check_draws_each_line_and_offers_the_fix(page: Page, desk: Desk) -> None:
    open_page(page, "/wizard")
    page.click("[data-run]")
    steps = page.locator("pr-check .chk")
    expect(steps).to_have_count(4)
    expect(page.locator("pr-check [data-sum]")).to_have_text("2 of 4 passed")
    failed = page.locator("pr-check .chk.fail")
    expect(failed).to_contain_text("Cannot move email to “Processed”")
    expect(failed.locator("pre")).to_contain_text("A7 NO [NOPERM]")
    expect(failed).to_contain_text("Choose a folder this account may write to")
    assert desk.wait_for_post("/check")["port"] == ["99300"], "the values on the screen are what is checked"
    failed.get_by_role("button", name="Mark as read instead").click()
    expect(page.locator("select[name=security]")).to_have_value("starttls")


def test_a_field_that_does_not_matter_is_hidden_and_not_sent(page: Page, desk: Desk) -> None:
    open_page(page, "/wizard")
    expect(page.locator("[name=pin]")).to_be_visible()
    page.select_option("[name=security]", "none")
    expect(page.locator("[name=pin]")).to_be_hidden()
    page.click("[data-run]")
    assert "pin" not in desk.wait_for_post("/check")


def test_bulk_picks_rows_ranges_and_all(page: Page) -> None:
    open_page(page, "/channels")
    bar, boxes = page.locator(".bulk"), page.locator("[data-pick]")
    expect(bar).to_be_hidden()
    boxes.nth(0).check()
    expect(bar).to_be_visible()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.locator("[data-pick-count]")).to_have_text("3")
    page.check("[data-pick-all]")
    expect(page.locator("[data-pick-count]")).to_have_text("4")


def test_x_picks_the_open_conversation(page: Page) -> None:
    open_page(page)
    page.keyboard.press("x")
    expect(page.locator("[data-key-id='2'] [data-pick]")).to_be_checked()
    expect(page.locator(".bulk")).to_be_visible()


def test_the_theme_is_kept_in_a_cookie(page: Page) -> None:
    open_page(page)
    page.click(".me")
    page.click("[data-theme-set=dark]")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert next(c["value"] for c in page.context.cookies() if c["name"] == "theme") == "dark"


def test_a_menu_opens_at_its_button_and_obeys_arrows(page: Page) -> None:
    open_page(page)
    page.click("[popovertarget=more-2]")
    expect(page.locator("#more-2 [role=menuitem]").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#more-2 [role=menuitem]").nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#more-2")).to_be_hidden()


def test_a_narrow_window_shows_one_pane_and_a_menu(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, "/agent/list")
    expect(page.locator("#thread")).to_be_hidden()
    page.click("[data-key-id='3'] .sub")
    expect(page.locator("#thread")).to_be_visible()
    expect(page.locator(".pane-list")).to_be_hidden()
    page.click("#thread [data-context-toggle]")
    expect(page.locator("#context")).to_be_visible()
    page.click("#context .pane-back")
    page.click("#thread .pane-back")
    expect(page.locator(".pane-list")).to_be_visible()
    page.click("[data-menu-open]")
    expect(page.locator("#side")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_the_forms_and_links_still_work(chromium: Browser, desk: Desk) -> None:
    context = chromium.new_context(
        java_script_enabled=False, base_url=desk.url, viewport={"width": 1440, "height": 1400}
    )
    page = context.new_page()
    page.goto("/agent")
    page.fill("form[data-kind=reply] textarea", "Sent without scripts")
    page.fill("input[name=to]", "jonas.weber@mailbox.example")
    page.click("[data-send] >> nth=0")
    sent = desk.wait_for_post("/send/2")
    assert sent["body"] == ["Sent without scripts"]
    page.goto("/agent/list")
    assert page.get_attribute("a.who >> nth=0", "href") == "/case/1"
    context.close()
