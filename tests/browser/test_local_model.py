"""The talk page and the page about this site's models, with a server of language models on this machine and without."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser.looks import LOOKS, check
from tests.support.browser.page import wait_for_state, wait_until
from tests.support.live import ROOT, Site, run_site
from tests.upstream.door import Door, open_doors
from tests.upstream.fixtures import Upstream

OpenPage = Callable[..., Page]
STANDARD_PORT = 11434
QWEN, GEMMA = "qwen3:4b-instruct", "gemma3:4b"
MODELS: dict[str, dict[str, Any]] = {
    QWEN: {"modified_at": "2026-11-01T10:00:00Z"},
    GEMMA: {"modified_at": "2026-11-02T10:00:00Z", "expires_at": "2026-11-29T10:00:00Z"},
}


@pytest.fixture(scope="module")
def door(upstream_process: Upstream) -> Iterator[Door]:
    """Where Ollama stands: its standard port, or another where that is taken."""
    with open_doors(upstream_process.port) as [door]:
        door.shut()
        other, door.port = door.port, STANDARD_PORT
        with suppress(OSError):
            door.open()
            door.shut()
            other = STANDARD_PORT
        door.port = other
        yield door


@pytest.fixture(scope="module")
def site(database_url: str, door: Door) -> Iterator[Site]:
    with run_site(database_url, {"LOCAL_LLM_SERVERS": str(door.port)}) as site:
        yield site


@pytest.fixture
def ollama(upstream: Upstream, door: Door) -> Iterator[Upstream]:
    """An Ollama that is not there until the door is opened."""
    upstream.be_ollama(MODELS)
    yield upstream
    door.shut()


def get_notice(page: Page) -> Locator:
    return page.locator("[data-part=local-model]")


def type_message(page: Page, text: str) -> None:
    page.get_by_label("Message").fill(text)
    page.get_by_label("Message").press("Enter")


def test_the_notice_turns_green_by_itself(open_page: OpenPage, site: Site, ollama: Upstream, door: Door) -> None:
    page = open_page(microphone=False)
    page.goto(site.url)
    expect(get_notice(page)).to_contain_text(f"ollama pull {QWEN}")
    check(page, "talk-model-missing")
    expect(page.locator("[data-part=demo-does]")).to_have_text("listen, answer, and speak")
    door.open()
    expect(get_notice(page)).to_contain_text(f"{GEMMA} is ready: Ollama runs it on this site’s machine.")
    expect(get_notice(page)).to_contain_class("success")
    expect(page.get_by_role("button", name="Look again")).to_be_hidden()
    expect(page.locator("[data-part=demo-does]")).to_have_text("listen and speak")
    expect(page.locator("[data-part=engines]")).to_contain_text(f"Answers: {GEMMA} on this machine")
    ollama.script(replies=("The sea is blue.",))
    page.get_by_role("button", name="Type instead").click()
    expect(get_notice(page)).to_be_hidden()
    type_message(page, "What colour is the sea?")
    expect(page.locator(".bubble.assistant")).to_contain_text("The sea is blue.")
    page.get_by_role("button", name="Hang up").click()
    page.get_by_role("link", name="View in history").click()
    expect(page.locator(".bubble.assistant")).to_contain_text(f"{GEMMA} on this machine")


def test_a_server_that_stops(open_page: OpenPage, site: Site, ollama: Upstream, door: Door) -> None:
    door.open()
    page = open_page(microphone=False)
    page.goto(f"{site.url}/settings/models/")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text(f"{GEMMA} is ready")).to_be_visible()
    page.goto(site.url)
    page.get_by_role("button", name="Type instead").click()
    wait_for_state(page, "ready")
    door.shut()
    type_message(page, "Are you there?")
    expect(page.get_by_role("alert")).to_contain_text(f"{GEMMA} has gone")
    page.get_by_role("button", name="Hang up").click()
    expect(get_notice(page)).to_contain_text("has stopped. Start it again. Until then the demo answers.")
    page.goto(site.url)
    page.get_by_role("button", name="Type instead").click()
    type_message(page, "Are you a computer?")
    expect(page.locator(".bubble.assistant").last).to_contain_text("computer", ignore_case=True)
    page.get_by_role("button", name="Hang up").click()
    door.open()
    page.get_by_role("button", name="Look again").click()
    expect(get_notice(page)).to_contain_text("is ready")


def test_another_model_is_picked_among_the_options(
    open_page: OpenPage, site: Site, ollama: Upstream, door: Door
) -> None:
    door.open()
    page = open_page(microphone=False)
    page.goto(f"{site.url}/settings/models/")
    page.get_by_role("button", name="Look again").click()
    page.goto(site.url)
    picker = page.get_by_label("Language model")
    expect(picker.locator("option")).to_have_text(
        ["The one used last", f"{GEMMA} (Ollama, loaded)", f"{QWEN} (Ollama)"]
    )
    picker.select_option(QWEN)
    expect(page.locator("[data-part=engines]")).to_contain_text(f"Answers: {QWEN} on this machine")
    page.reload()
    expect(picker).to_have_value(QWEN)
    picker.select_option("")
    expect(page.locator("[data-part=engines]")).to_contain_text(f"Answers: {GEMMA} on this machine")


@pytest.mark.parametrize("look", LOOKS)
def test_looks(open_page: OpenPage, site: Site, ollama: Upstream, door: Door, look: str) -> None:
    page = open_page(microphone=False, **LOOKS[look])
    page.goto(f"{site.url}/settings/models/")
    page.get_by_role("button", name="Look again").click()
    page.wait_for_load_state()
    check(page, f"models-without-{look}")
    page.goto(site.url)
    expect(get_notice(page)).to_be_visible()
    check(page, f"talk-model-gone-{look}")
    door.open()
    page.get_by_role("button", name="Look again").click()
    expect(get_notice(page)).to_contain_text("is ready")
    check(page, f"talk-model-ready-{look}")
    page.goto(f"{site.url}/settings/models/")
    expect(page.get_by_label("Answers you")).to_be_visible()
    check(page, f"models-{look}")


def test_the_sites_own_ears_come_first(open_page: OpenPage, start_site: Callable[..., Site]) -> None:
    """The browser's, which send what they hear to its maker, are an option that says so."""
    site = start_site(STT_ENGINE="local", TTS_ENGINE="local")
    page = open_page(microphone=False, remembered={})
    page.add_init_script(path=ROOT / "tests" / "support" / "web_speech.js")
    page.goto(site.url)
    listen = page.get_by_label("Listen with")
    expect(listen).to_have_value("site")
    expect(page.get_by_label("Speak with")).to_have_value("site")
    expect(listen.locator("option")).to_have_text(["This site", "This browser (its maker may hear you)"])
    expect(page.get_by_text("Chrome sends your voice to Google.").first).to_be_hidden()
    listen.select_option("browser")
    expect(page.get_by_text("Chrome sends your voice to Google.").first).to_be_visible()
    expect(page.locator("[data-part=engines]")).to_contain_text("Listens: this browser")


def test_an_answer_from_amid_a_look_is_asked_for_again(
    open_page: OpenPage, database_url: str, ollama: Upstream, door: Door
) -> None:
    """The engines were chosen before the model was found, and the notice was written after."""
    page, answers = open_page(microphone=False), list[dict[str, Any]]()

    def mix(route: Route) -> None:
        answer = route.fetch()
        document = answer.json()
        if document["tone"] == "ready" and answers and answers[-1]["tone"] != "ready":
            answers.append({**document, "assistants": answers[-1]["assistants"]})
        else:
            answers.append(document)
        route.fulfill(response=answer, json=answers[-1])

    page.route("**/settings/models/state/", mix)
    with run_site(database_url, {"LOCAL_LLM_SERVERS": str(door.port)}) as site:
        page.goto(site.url)
        wait_until(page, lambda: bool(answers) and answers[-1]["tone"] != "ready", "an answer without a model")
        door.open()
        expect(page.locator("[data-part=demo-does]")).to_have_text("listen and speak")
