"""An admin sets up an MCP server and gives an assistant its tools; a user says where they are."""

from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.support.browser.looks import DESKTOP, NOBODY, check
from tests.support.browser.page import PASSWORD, save_screenshot
from tests.support.live import Site
from tests.support.mcp_host import MakeHost

OpenPage = Callable[..., Page]


def enter_admin(page: Page, site: Site) -> None:
    email = f"hedy.{uuid4().hex[:8]}@example.com"
    made = site.manage("createsuperuser", "--noinput", "--email", email, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert made.returncode == 0, made.stderr
    page.goto(f"{site.url}/accounts/login/?next=/admin/")
    page.locator("main input[type=email]").fill(email)
    page.locator("main input[type=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page).to_have_url(f"{site.url}/admin/")


def test_it_works(open_page: OpenPage, live_site: Site, mcp_host: MakeHost) -> None:
    label = f"house-{uuid4().hex[:8]}"
    page = open_page(microphone=False, storage=NOBODY, **DESKTOP)
    enter_admin(page, live_site)
    page.goto(f"{live_site.url}/admin/conversations/mcpserver/add/")
    page.locator("#id_label").fill(label)
    page.locator("#id_url").fill(mcp_host(key="Bearer secret").url)
    page.locator("#id_authorization").fill("Bearer secret")
    check(page, "admin-mcp-server")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Works: 8 tools").first).to_be_visible()
    check(page, "admin-mcp-servers")

    page.goto(f"{live_site.url}/admin/conversations/assistant/add/")
    page.locator("#id_name").fill("Butler")
    page.locator("#id_slug").fill(label)
    page.locator("#id_instructions").fill("Look after the house.")
    page.get_by_label("current_time").check()
    page.get_by_label(label).check()
    for number, model in enumerate(("first-choice", "second-choice")):
        page.get_by_role("link", name="Add another fallback").click()
        page.locator(f"#id_fallbacks-{number}-kind").select_option("llm")
        page.locator(f"#id_fallbacks-{number}-provider").select_option("openai")
        page.locator(f"#id_fallbacks-{number}-model").fill(model)
    save_screenshot(page, "admin-assistant-tools")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#id_tools").evaluate(
        "box => box.scrollWidth <= box.clientWidth && box.getBoundingClientRect().right <= innerWidth"
    )
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Butler").first.click()
    expect(page.get_by_label("current_time")).to_be_checked()
    expect(page.get_by_label("search_past_talks")).not_to_be_checked()
    expect(page.get_by_label(label)).to_be_checked()
    rows = page.locator("input[name^=fallbacks-][name$=-model]")
    expect(rows.nth(0)).to_have_value("first-choice")
    rows.nth(1).scroll_into_view_if_needed()
    save_screenshot(page, "admin-assistant-fallbacks")
    first, second = (page.locator(".form-group.original [x-sort\\:handle]").nth(number) for number in (0, 1))
    second.drag_to(first)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Butler").first.click()
    expect(rows.nth(0)).to_have_value("second-choice")


def test_a_time_zone(open_page: OpenPage, live_site: Site) -> None:
    page = open_page(microphone=False, **DESKTOP)
    page.goto(f"{live_site.url}/settings/")
    page.get_by_label("Time zone").select_option("Europe/Vienna")
    page.get_by_role("button", name="Save preferences").click()
    expect(page.get_by_text("Preferences saved.")).to_be_visible()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Vienna")
    check(page, "settings-time-zone")
