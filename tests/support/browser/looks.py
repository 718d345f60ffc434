"""How a page is looked at: sizes of screens, dark and light, and what may not be wrong on any."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.support.browser.page import save_screenshot

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


DESKTOP = {"viewport": {"width": 1280, "height": 800}}


LOOKS: dict[str, dict[str, Any]] = {
    f"{size}-{scheme}": {**options, "color_scheme": scheme}
    for size, options in (("phone", PHONE), ("desktop", DESKTOP))
    for scheme in ("light", "dark")
}


NOBODY: dict[str, list[Any]] = {"cookies": [], "origins": []}


def check(page: Page, name: str) -> None:
    save_screenshot(page, name)
    serious = [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert serious == [], f"{name}: {serious}"
    width, scrolls_to = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert scrolls_to <= width, f"{name} scrolls sideways"
