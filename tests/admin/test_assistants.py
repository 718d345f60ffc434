from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Assistant
from tests.support.factories import make_user
from tests.support.people import Staff

LIST = reverse("admin:conversations_assistant_changelist")
ADD = reverse("admin:conversations_assistant_add")
NO_FALLBACKS = {"fallbacks-TOTAL_FORMS": "0", "fallbacks-INITIAL_FORMS": "0"}
FIELDS = {
    "name": "Pirate",
    "slug": "pirate",
    "instructions": "Speak like a pirate.",
    "speed": "1.0",
    **NO_FALLBACKS,
}


@pytest.fixture
def editor(staff: Staff) -> Client:
    return staff("view_assistant", "add_assistant", "change_assistant", "delete_assistant", "view_user")


def build_change_url(slug: str) -> str:
    return reverse("admin:conversations_assistant_change", args=[Assistant.objects.get(slug=slug).pk])


def get_errors(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = answer.context["adminform"].form.errors
    return found


def test_it_works(editor: Client) -> None:
    assert b"Language tutor" in editor.get(LIST).content
    assert editor.post(ADD, {**FIELDS, "tts_engine": "google", "tts_voice": "en-GB-Chirp3-HD-Puck"}).status_code == 302
    pirate = Assistant.objects.get(slug="pirate")
    assert (pirate.tts_engine, pirate.tts_voice, pirate.is_default) == ("google", "en-GB-Chirp3-HD-Puck", False)
    assert editor.post(build_change_url("pirate"), {**FIELDS, "name": "Captain"}).status_code == 302
    pirate.refresh_from_db()
    assert pirate.name == "Captain"


def test_speech_to_speech_in_place_of_the_three(editor: Client) -> None:
    assert editor.post(ADD, {**FIELDS, "s2s_engine": "openai", "s2s_model": "gpt-realtime-2.1"}).status_code == 302
    assert Assistant.objects.get(slug="pirate").s2s_engine == "openai"
    assert b"OpenAI Realtime" in editor.get(LIST).content


def test_a_new_default_takes_the_place_of_the_old(editor: Client) -> None:
    assert editor.post(ADD, {**FIELDS, "default": "on"}).status_code == 302
    assert Assistant.objects.get(is_default=True).slug == "pirate"


def test_there_is_always_a_default(editor: Client) -> None:
    default = Assistant.objects.get(is_default=True)
    fields = {**FIELDS, "slug": default.slug, "name": "Renamed"}
    assert editor.post(build_change_url(default.slug), fields).status_code == 302
    default.refresh_from_db()
    assert (default.name, default.is_default) == ("Renamed", True)
    delete = reverse("admin:conversations_assistant_delete", args=[default.pk])
    assert editor.post(delete, {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [a.pk for a in Assistant.objects.all()], "post": "yes"}
    editor.post(LIST, selected)
    assert Assistant.objects.filter(pk=default.pk).exists()


def test_only_engines_that_exist_are_offered(editor: Client) -> None:
    form = editor.get(ADD).context["adminform"].form
    assert [value for value, _ in form.fields["stt_engine"].choices] == ["", "openai", "local", "demo"]
    assert [value for value, _ in form.fields["tts_engine"].choices] == [
        "",
        "openai",
        "openai-realtime",
        "google",
        "local",
        "demo",
    ]
    assert "llm_engine" in get_errors(editor.post(ADD, {**FIELDS, "llm_engine": "google"}))


def test_what_is_wrong_is_said(editor: Client) -> None:
    assert "slug" in get_errors(editor.post(ADD, {**FIELDS, "slug": "assistant"}))
    assert "slug" in get_errors(editor.post(ADD, {**FIELDS, "slug": "no spaces"}))
    for speed in ("0", "9", "nan", "fast"):
        assert "speed" in get_errors(editor.post(ADD, {**FIELDS, "speed": speed})), speed


def test_how_it_takes_turns(editor: Client) -> None:
    assert editor.get(ADD).context["adminform"].form["preemptive_generation"].value() is True
    turns = {"patience": "patient", "keywords": "Saoirse, Kraków"}
    assert editor.post(ADD, {**FIELDS, **turns}).status_code == 302  # an unticked box is not sent
    pirate = Assistant.objects.get(slug="pirate")
    assert (pirate.patience, pirate.keywords, pirate.preemptive_generation) == ("patient", "Saoirse, Kraków", False)
    assert "patience" in get_errors(editor.post(build_change_url("pirate"), {**FIELDS, "patience": "endless"}))
    too_long = get_errors(editor.post(build_change_url("pirate"), {**FIELDS, "keywords": "x" * 51}))
    assert "51 characters; the limit is 50" in too_long["keywords"][0]


def test_which_tools_it_has(editor: Client) -> None:
    assert editor.post(ADD, {**FIELDS, "tools": ["current_time"]}).status_code == 302
    pirate = Assistant.objects.get(slug="pirate")
    assert pirate.tools == ["current_time"]
    page = editor.get(build_change_url("pirate")).content.decode()
    assert "The current date, weekday and time" in page
    assert "tools" in get_errors(
        editor.post(build_change_url("pirate"), {**FIELDS, "tools": ["current_time", "nothing"]})
    )
    assert editor.post(build_change_url("pirate"), FIELDS).status_code == 302
    pirate.refresh_from_db()
    assert pirate.tools == []


def test_viewing_is_not_changing(staff: Staff) -> None:
    viewer = staff("view_assistant")
    page = viewer.get(build_change_url("tutor")).content.decode()
    assert "patient language tutor" in page
    assert "<textarea" not in page
    assert viewer.post(build_change_url("tutor"), FIELDS).status_code == 403
    assert viewer.get(ADD).status_code == 403
    assert Assistant.objects.filter(slug="tutor").exists()


def test_nobody_else_enters(client: Client, staff: Staff) -> None:
    customer = Client()
    customer.force_login(make_user())
    for stranger in (client, customer):
        assert stranger.get(LIST).status_code == 302
    assert staff("view_conversation").get(LIST).status_code == 403


def test_a_list_takes_as_many_queries_however_long(editor: Client, django_assert_num_queries: Any) -> None:
    taken = []
    for wanted in (5, 50):
        for number in range(Assistant.objects.count(), wanted):
            Assistant.objects.create(slug=f"a{number}", name="A", instructions="B", owner=make_user())
        with django_assert_num_queries(10, exact=False) as queries:
            editor.get(LIST)
        taken.append(len(queries))
    assert taken[0] == taken[1]
