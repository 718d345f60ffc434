"""The rows below an assistant, in which staff say what answers when an engine fails."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from conversations.models import Assistant, EngineFallback
from tests.support.people import Staff

ADD = reverse("admin:conversations_assistant_add")
Row = dict[str, str]


@pytest.fixture
def editor(staff: Staff) -> Client:
    return staff("view_assistant", "add_assistant", "change_assistant")


def build_form(*rows: Row, stored: int = 0) -> dict[str, str]:
    """Return the form of an assistant with these rows, of which the first `stored` are there already."""
    fields = {"name": "Pirate", "slug": "pirate", "instructions": "Speak like a pirate.", "speed": "1.0"}
    counts = {"fallbacks-TOTAL_FORMS": str(len(rows)), "fallbacks-INITIAL_FORMS": str(stored)}
    cells = {f"fallbacks-{number}-{name}": value for number, row in enumerate(rows) for name, value in row.items()}
    return {**fields, **counts, **cells}


def row(kind: str, provider: str, model: str = "", voice: str = "", position: str = "", **more: str) -> Row:
    return {"kind": kind, "provider": provider, "model": model, "voice": voice, "position": position, **more}


def store(row: EngineFallback, **changes: str) -> Row:
    """Return the row as its form has it."""
    fields = {name: str(getattr(row, name)) for name in ("id", "kind", "provider", "model", "voice", "position")}
    return {**fields, "assistant": str(row.assistant_id), **changes}


def list_rows() -> list[str]:
    return [str(one) for one in EngineFallback.objects.filter(assistant__slug="pirate")]


def get_errors(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.context["errors"])


def get_url() -> str:
    return reverse("admin:conversations_assistant_change", args=[Assistant.objects.get(slug="pirate").pk])


def test_it_works(editor: Client) -> None:
    rows = row("llm", "openai", "gpt-b"), row("llm", "demo"), row("tts", "google", voice="en-GB-Chirp3-HD-Puck")
    assert editor.post(ADD, build_form(*rows)).status_code == 302
    assert list_rows() == ["Language model: openai:gpt-b", "Language model: demo",
                           "Text to speech: google:en-GB-Chirp3-HD-Puck"]  # fmt: skip
    page = editor.get(get_url()).content.decode()
    assert "Fallbacks: engines that answer" in page
    assert 'value="gpt-b"' in page


def test_the_order_can_be_changed_and_new_ones_come_last(editor: Client) -> None:
    editor.post(ADD, build_form(row("llm", "openai", "gpt-b"), row("llm", "demo")))
    first, second = EngineFallback.objects.filter(assistant__slug="pirate")
    rows = store(first, position="7"), store(second, position="3"), row("llm", "local")
    assert editor.post(get_url(), build_form(*rows, stored=2)).status_code == 302
    assert list_rows() == ["Language model: demo", "Language model: openai:gpt-b", "Language model: local"]


def test_a_row_goes(editor: Client) -> None:
    editor.post(ADD, build_form(row("llm", "openai", "gpt-b"), row("llm", "demo")))
    first, second = EngineFallback.objects.filter(assistant__slug="pirate")
    rows = store(first, DELETE="on"), store(second)
    assert editor.post(get_url(), build_form(*rows, stored=2)).status_code == 302
    assert list_rows() == ["Language model: demo"]
    assert "fallback" in str(LogEntry.objects.first())


def test_one_without_a_credential_is_told(editor: Client, settings: Settings) -> None:
    said = "Google Cloud has no credential on this site."
    answer = editor.post(ADD, build_form(row("tts", "google"), row("tts", "demo")), follow=True)
    assert answer.content.decode().count(said) == 1
    settings.GOOGLE_API_KEY = "AIza-site"
    [first, second] = EngineFallback.objects.filter(assistant__slug="pirate")
    answer = editor.post(get_url(), build_form(store(first), store(second), stored=2), follow=True)
    assert said not in answer.content.decode()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [row("llm", "google")],
            "Google Cloud has no language model. Choose OpenAI or compatible, This machine or Demo.",
        ),
        ([row("stt", "openai", voice="nova")], "Only text to speech has a voice. Leave it empty."),
        ([row("llm", "openai", "gpt-b")] * 2, "openai:gpt-b is in the list more than once."),
        (
            [row("llm", "openai", f"m{number}") for number in range(6)],
            "Language model has 6 fallbacks; the limit is 5.",
        ),
        ([row("", "openai")], "required"),
        ([row("llm", "nobody")], "nobody"),
        ([row("llm", "openai", position="soon")], "whole number"),
        ([row("llm", "openai", "x" * 101)], "100 characters"),
        ([row("llm", "openai", "gpt\0b")], "Null characters"),
    ],
)
def test_what_is_wrong_is_said(editor: Client, rows: list[Row], said: str) -> None:
    assert said in get_errors(editor.post(ADD, build_form(*rows))).replace("&#x27;", "'")
    assert not Assistant.objects.filter(slug="pirate").exists()


def test_viewing_is_not_changing(editor: Client, staff: Staff) -> None:
    editor.post(ADD, build_form(row("llm", "openai", "gpt-b")))
    viewer = staff("view_assistant")
    assert "gpt-b" in viewer.get(get_url()).content.decode()
    assert viewer.post(get_url(), build_form(row("llm", "demo"))).status_code == 403
    adder = staff("view_assistant", "add_assistant")
    [one] = EngineFallback.objects.filter(assistant__slug="pirate")
    assert adder.post(get_url(), build_form(store(one, model="mine"), stored=1)).status_code == 403
    assert list_rows() == ["Language model: openai:gpt-b"]


def test_rows_of_another_assistant_cannot_be_reached(editor: Client) -> None:
    tutor = Assistant.objects.get(slug="tutor")
    other = tutor.fallbacks.create(kind="llm", provider="openai", model="gpt-b")
    editor.post(ADD, build_form())
    editor.post(get_url(), build_form(store(other, model="mine"), stored=1))
    other.refresh_from_db()
    assert (other.model, other.assistant_id) == ("gpt-b", tutor.pk)
