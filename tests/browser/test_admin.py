"""Staff find a conversation in the admin, as it was heard, and can play it back."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.looks import DESKTOP, NOBODY, PHONE, check
from tests.support.browser.page import PASSWORD, Person, wait_for_state
from tests.support.live import Site

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def admin_email(live_site: Site) -> str:
    email = f"grace.{uuid4().hex[:8]}@example.com"
    made = live_site.manage("createsuperuser", "--noinput", "--email", email, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert made.returncode == 0, made.stderr
    return email


def talk(page: Page, url: str) -> None:
    """Write one message, and hear the answer to its end."""
    page.goto(url)
    page.get_by_role("button", name="Type instead").click()
    page.get_by_label("Message").fill("I dream of the sea.")
    page.get_by_label("Message").press("Enter")
    wait_for_state(page, "speaking")
    wait_for_state(page, "ready")
    page.get_by_role("button", name="Hang up").click()
    wait_for_state(page, "ended")


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_it_works(open_page: OpenPage, live_site: Site, person: Person, admin_email: str, size: str) -> None:
    talk(open_page(microphone=False), live_site.url)
    page = open_page(microphone=False, storage=NOBODY, **(PHONE if size == "phone" else DESKTOP))
    page.goto(f"{live_site.url}/accounts/login/?next=/admin/conversations/conversation/")
    page.locator("main input[type=email]").fill(admin_email)
    page.locator("main input[type=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page).to_have_url(f"{live_site.url}/admin/conversations/conversation/")
    expect(page.get_by_role("link", name="I dream of the sea.").first).to_be_visible()
    check(page, f"admin-conversations-{size}")
    page.goto(f"{live_site.url}/admin/conversations/conversation/?q={person.email}")
    page.get_by_role("link", name="I dream of the sea.").first.click()
    expect(page.get_by_text(person.email).first).to_be_visible()
    sound = page.locator("audio").last
    assert sound.evaluate("async (audio) => { await audio.play(); audio.pause(); return audio.duration; }") > 0.5
    check(page, f"admin-conversation-{size}")
