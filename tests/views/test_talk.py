"""The talk page as the server renders it; tests/browser/ talks on it."""

import json
import re
import sys
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from conversations.engines.local.voices.tts import get_voice_pool
from conversations.engines.local.workers.pools import close_pools
from conversations.engines.local_servers.addresses import Address
from conversations.models import Assistant
from conversations.storage.engine_selection import choose_engines
from tests.support.factories import make_conversation, make_user
from tests.support.polling import poll

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def browser(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def read_data(client: Client, **query: str) -> dict[str, Any]:
    page = client.get(reverse("talk"), query).content.decode()
    found = re.search(r'<script id="talk-data" type="application/json">(.*?)</script>', page)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_it_works(browser: Client) -> None:
    data = read_data(browser)
    default = Assistant.objects.get(is_default=True)
    assert data["chosen"] == default.slug
    assert data["conversation"] is None
    chosen = next(one for one in data["assistants"] if one["slug"] == default.slug)
    assert (chosen["demos"], chosen["missing"]) == (["stt", "llm", "tts"], [])
    assert (chosen["language"], chosen["speed"]) == (default.language, default.speed)
    assert "mhm" in data["backchannels"]
    assert "stop" in data["commands"]
    assert chosen["voice"] in [voice for voice, _ in chosen["voices"]]


def test_an_assistant_that_answers_by_speech_to_speech(browser: Client, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sk-site"
    Assistant.objects.create(slug="s2s", name="S2S", instructions="Be brief.", s2s_engine="openai")
    chosen = next(one for one in read_data(browser)["assistants"] if one["slug"] == "s2s")
    offered = [voice for voice, _ in chosen["voices"]]
    assert chosen["voice"] in offered
    assert "fable" not in offered
    assert (chosen["demos"], chosen["isOneEngine"]) == ([], True)


def test_an_assistant_with_fallbacks(browser: Client, settings: Settings) -> None:
    """Who talks is told of everybody who may get the words."""
    settings.OPENAI_API_KEY = "sk-site"
    assistant = Assistant.objects.create(slug="careful", name="Careful", instructions="Be brief.", llm_model="gpt-a")
    assistant.fallbacks.create(kind="llm", provider="openai", model="gpt-b")
    chosen = next(one for one in read_data(browser)["assistants"] if one["slug"] == "careful")
    answers = dict(chosen["engines"])["Answers"]
    assert re.fullmatch(r"\S+ \(OpenAI or compatible\), or if that fails gpt-b \(OpenAI or compatible\)", answers)


def test_home_is_the_landing_page_or_the_talk_page(client: Client, user: User) -> None:
    assert b"Create an account" in client.get("/").content
    assert client.get(reverse("talk")).status_code == 302
    client.force_login(user)
    assert b"Start talking" in client.get("/").content


def test_closed_sign_up_is_not_offered(client: Client, settings: Settings) -> None:
    settings.SIGN_UP = "closed"
    assert b"Create an account" not in client.get("/").content


def test_own_assistants_are_offered_others_are_not(browser: Client, user: User) -> None:
    mine = Assistant.objects.create(slug="mine", name="Mine", owner=user, instructions="Be mine.")
    Assistant.objects.create(slug="theirs", name="Theirs", owner=make_user(), instructions="Be theirs.")
    slugs = [one["slug"] for one in read_data(browser)["assistants"]]
    assert mine.slug in slugs
    assert "theirs" not in slugs
    assert read_data(browser, assistant="mine")["chosen"] == "mine"
    assert read_data(browser, assistant="theirs")["chosen"] != "theirs"


def test_continue_with_the_conversations_own_assistant(browser: Client, user: User) -> None:
    assistant = Assistant.objects.filter(is_default=False, owner=None).first()
    assert assistant
    conversation = make_conversation(user, "Hello.", assistant=assistant, title="About <tea>")
    data = read_data(browser, conversation=conversation.public_id)
    assert (data["conversation"], data["chosen"]) == (conversation.public_id, assistant.slug)
    page = browser.get(reverse("talk"), {"conversation": conversation.public_id})
    assert b"About &lt;tea&gt;" in page.content


def test_nobody_elses_conversation(browser: Client, user: User) -> None:
    for foreign in (make_conversation(None, "Secret.").public_id, "conv_none", "\0"):
        assert browser.get(reverse("talk"), {"conversation": foreign}).status_code == 404
    assert browser.get("/conversations/a%00b/").status_code == 404
    user.is_staff = user.is_superuser = True
    user.save()
    foreign = make_conversation(None, "Secret.").public_id
    assert browser.get(reverse("talk"), {"conversation": foreign}).status_code == 404


def test_queries_do_not_grow_with_assistants(
    browser: Client, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        Assistant.objects.create(slug=f"a{number}", name=f"A{number}", owner=user, instructions="Be brief.")
    with django_assert_max_num_queries(6):
        browser.get(reverse("talk"))


def test_the_users_patience_goes_before_the_assistants(browser: Client, user: User) -> None:
    def read_patience() -> dict[str, str]:
        return {one["slug"]: one["patience"] for one in read_data(browser)["assistants"]}

    Assistant.objects.filter(slug="tutor").update(patience="patient")
    assert (read_patience()["tutor"], read_patience()["assistant"]) == ("patient", "")
    User.objects.filter(pk=user.pk).update(patience="quick")
    assert set(read_patience().values()) == {"quick"}


def test_a_speech_to_speech_engine_hears_and_speaks_by_itself(browser: Client, user: User) -> None:
    Assistant.objects.create(slug="whole", name="Whole", owner=user, instructions="Be one.", s2s_engine="openai")
    described = {one["slug"]: one for one in read_data(browser)["assistants"]}
    assert (described["whole"]["isOneEngine"], described["whole"]["demos"]) == (True, [])
    assert not described[Assistant.objects.get(is_default=True).slug]["isOneEngine"]


def test_what_of_the_demo_is_not_installed_is_told(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert {tuple(one["missing"]) for one in read_data(browser)["assistants"]} == {("stt",)}


def test_a_language_that_nothing_here_knows_is_told(browser: Client, user: User) -> None:
    for slug, language in {"german": "de-AT", "british": "en_GB"}.items():
        Assistant.objects.create(slug=slug, name=slug, owner=user, instructions="Talk.", language=language)
    described = {one["slug"]: one for one in read_data(browser)["assistants"]}
    assert (described["german"]["missing"], described["german"]["foreign"]) == (["stt"], ["stt", "tts"])
    assert (described["british"]["missing"], described["british"]["foreign"]) == ([], [])


def test_with_a_key_nobody_looks_for_language_models(browser: Client, settings: Settings) -> None:
    settings.LOCAL_LLM_SERVERS = (Address("127.0.0.1", 9),)
    assert read_data(browser)["localModel"]["tone"] == "missing"
    settings.OPENAI_API_KEY = "sk-site"
    assert read_data(browser)["localModel"]["tone"] == "off"
    Assistant.objects.filter(is_default=True).update(llm_engine="local")
    assert read_data(browser)["localModel"]["tone"] == "missing"


def test_what_this_machine_speaks_with_is_loaded_while_one_reads_the_page(
    browser: Client, user: User, settings: Settings
) -> None:
    settings.TTS_ENGINE = "local"
    voices = get_voice_pool(choose_engines(user, None).tts)
    try:
        assert not voices.list_process_ids()
        browser.get(reverse("talk"))

        async def is_loaded() -> bool:
            return bool(voices.list_process_ids())

        async_to_sync(poll)(is_loaded)
    finally:
        close_pools()
