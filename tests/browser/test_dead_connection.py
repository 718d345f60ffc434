"""A connection that dies silently: the page notices, says so, connects again, and loses no message."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser.cable import Cable
from tests.support.browser.looks import LOOKS, check
from tests.support.browser.page import diary, save_screenshot, wait_for_state, wait_until
from tests.support.live import Site

OpenPage = Callable[..., Page]
NOTICED_MS = 5_000
QUIET_MS = 2_000  # after which the page asks
SLACK_MS = 1_000  # of a machine whose cores are busy


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page(microphone=False)


def start(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Type instead").click()
    wait_for_state(page, "ready")


def say(page: Page, text: str) -> Locator:
    page.get_by_label("Message").fill(text)
    page.get_by_label("Message").press("Enter")
    return page.locator(".bubble.user").last


def ask(page: Page, text: str, answers: int = 1) -> None:
    say(page, text)
    expect(page.locator(".bubble.assistant")).to_have_count(answers)
    wait_for_state(page, "speaking")
    wait_for_state(page, "ready")


def list_times(page: Page, what: str, of: Callable[[Any], bool]) -> list[float]:
    return [at for at, name, detail in page.evaluate("window.diary") if name == what and of(detail)]


def wait_until_noticed(page: Page) -> float:
    """Return when the page noticed that the connection was lost; it may be connected again by then."""
    wait_until(page, lambda: "reconnecting" in diary(page, "state"), "a lost connection")
    return list_times(page, "state", lambda state: state == "reconnecting")[0]


def forget_dead_connections(cable: Cable) -> None:
    """Cut the connections that the browser keeps, or it would ask for the next page on a dead one and wait."""
    cable.pull()
    cable.plug_in()


def list_sent_texts(page: Page) -> list[str]:
    created = [event for event in diary(page, "sent") if event["type"] == "conversation.item.create"]
    return [event["item"]["content"][0]["text"] for event in created]


def test_a_new_call_whose_connection_dies_before_the_first_message(page: Page, cable: Cable) -> None:
    start(page, cable.url)
    cable.lose_packets()
    said = say(page, "Are you a computer?")
    expect(said).to_contain_text("Sending…")
    noticed_at = wait_until_noticed(page)
    typed_at = list_times(page, "sent", lambda event: event["type"] == "conversation.item.create")[0]
    assert noticed_at - typed_at < NOTICED_MS + SLACK_MS
    expect(page.locator("[data-part=announcer]")).to_contain_text("Connection lost")
    expect(page.locator(".bubble.assistant")).to_have_count(1)
    expect(said).not_to_contain_text("Sending…")
    assert len(diary(page, "connect")) == 2
    expect(page.locator(".notices .notice")).to_have_count(0)


def test_a_message_that_was_lost_is_sent_again_once(page: Page, cable: Cable) -> None:
    """It follows an answered turn, goes into the same conversation, and is answered."""
    start(page, cable.url)
    ask(page, "Hello.")
    cable.lose_packets()
    said = say(page, "Are you a computer?")
    expect(said).to_contain_text("Sending…")
    expect(page.locator(".bubble.assistant")).to_have_count(2)
    assert list_sent_texts(page) == ["Hello.", "Are you a computer?", "Are you a computer?"]
    wait_for_state(page, "ready")
    page.get_by_role("button", name="Hang up").click()
    forget_dead_connections(cable)
    page.get_by_role("link", name="View in history").click()
    expect(page.locator(".dialogue .bubble.user")).to_have_count(2)


def test_a_message_that_arrived_is_not_sent_twice(page: Page, cable: Cable) -> None:
    start(page, cable.url)
    ask(page, "Hello.")
    cable.hold_answers()
    said = say(page, "Are you a computer?")
    wait_for_state(page, "reconnecting")
    cable.pull()
    cable.plug_in()
    wait_for_state(page, "ready")
    expect(page.locator(".bubble.assistant")).to_have_count(2)
    expect(said).not_to_contain_text("Sending…")
    assert list_sent_texts(page) == ["Hello.", "Are you a computer?"]


def test_a_quiet_connection_is_asked_and_not_lost(page: Page, live_site: Site) -> None:
    start(page, live_site.url)

    def list_answer_times() -> list[float]:
        return list_times(page, "event", lambda event: event["type"] == "session.pong")

    wait_until(
        page, lambda: len(list_answer_times()) >= 3, "answers on a line that is quiet three times as long as it may"
    )
    assert len(diary(page, "connect")) == 1
    assert all(later - earlier > QUIET_MS - SLACK_MS for earlier, later in pairwise(list_answer_times())), (
        "asked too often"
    )


def test_written_without_a_connection_and_sent_by_hand(page: Page, cable: Cable) -> None:
    start(page, cable.url)
    ask(page, "Hello.")
    cable.pull()
    wait_for_state(page, "reconnecting")
    said = say(page, "Are you a computer?")
    expect(said).to_contain_text("Sending…")
    page.get_by_role("button", name="Hang up").click()
    expect(said).to_contain_text("Not sent.")
    cable.plug_in()
    said.get_by_role("button", name="Send again").click()
    expect(page.locator(".bubble.assistant")).to_have_count(2)
    expect(said).to_have_text("You: Are you a computer?")
    expect(page.locator(".bubble.user")).to_have_count(2)


def test_a_page_that_goes_away_keeps_what_was_not_sent(page: Page, cable: Cable) -> None:
    start(page, cable.url)
    cable.pull()
    wait_for_state(page, "reconnecting")
    say(page, "Are you a computer?")
    say(page, "Or a person?")
    asked: list[str] = []

    def accept(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    cable.plug_in(carries_websockets=False)  # or the page might send it before the next one has come
    page.reload()
    assert asked == ["beforeunload"]
    cable.plug_in()
    page.get_by_role("button", name="Type instead").click()
    expect(page.get_by_label("Message")).to_have_value("Are you a computer? Or a person?")


def test_signed_out_in_the_middle_of_a_call(page: Page, cable: Cable) -> None:
    start(page, cable.url)
    ask(page, "Hello.")
    page.context.clear_cookies()
    cable.lose_packets()
    expect(page.locator("[data-part=status]")).to_have_text("You are signed out")
    expect(page.get_by_role("alert")).to_contain_text("Sign in to continue this conversation.")
    forget_dead_connections(cable)
    page.get_by_role("alert").get_by_role("link", name="Sign in").click()
    page.wait_for_url("**/accounts/login/?next=%2Ftalk%2F%3Fconversation%3Dconv_*")


@pytest.mark.parametrize("look", LOOKS)
def test_looks(open_page: OpenPage, cable: Cable, look: str) -> None:
    page = open_page(microphone=False, **LOOKS[look])
    start(page, cable.url)
    ask(page, "I had a dream about my father.")
    cable.pull()
    said = say(page, "Are you a computer?")
    wait_for_state(page, "reconnecting")
    expect(said).to_contain_text("Sending…")
    expect(page.locator("[data-part=status]")).to_have_text("Connection lost")
    check(page, f"talk-sending-{look}")
    page.get_by_role("button", name="Hang up").click()
    expect(said).to_contain_text("Not sent.")
    check(page, f"talk-unsent-{look}")
    page.context.clear_cookies()
    cable.plug_in()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    save_screenshot(page, f"talk-signed-out-{look}")
