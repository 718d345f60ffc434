from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from conversations.models import Assistant
from conversations.tools.registry import SITE_TOOLS
from tests.support.factories import make_conversation

pytestmark = pytest.mark.django_db
tools_migration = import_module("conversations.migrations.0005_default_tools")
migration = import_module("conversations.migrations.0002_default_assistants")


def test_a_new_site_has_them() -> None:
    assert Assistant.objects.filter(owner=None).count() == 4
    assert Assistant.objects.get(is_default=True).slug == "assistant"


def test_they_have_the_tools_of_the_site() -> None:
    for assistant in Assistant.objects.all():
        assert assistant.tools == list(SITE_TOOLS)


def test_tools_that_were_chosen_stay() -> None:
    Assistant.objects.update(tools=["current_time"])
    Assistant.objects.filter(slug="tutor").update(tools=[])
    with connection.schema_editor() as editor:
        tools_migration.give(apps, editor)
    assert Assistant.objects.get(slug="assistant").tools == ["current_time"]
    assert Assistant.objects.get(slug="tutor").tools == list(SITE_TOOLS)


def test_once_more_changes_nothing() -> None:
    Assistant.objects.filter(slug="tutor").update(instructions="Mine")
    Assistant.objects.filter(slug="assistant").update(is_default=False)
    Assistant.objects.filter(slug="interviewer").update(is_default=True)
    with connection.schema_editor() as editor:
        migration.create(apps, editor)
    assert Assistant.objects.count() == 4
    assert Assistant.objects.get(slug="tutor").instructions == "Mine"
    assert Assistant.objects.get(is_default=True).slug == "interviewer"


def test_backwards_keeps_what_was_changed_and_what_was_said() -> None:
    conversation = make_conversation(None, "Hello", assistant=Assistant.objects.get(slug="assistant"))
    Assistant.objects.filter(slug="tutor").update(instructions="Mine")
    with connection.schema_editor() as editor:
        migration.delete_unchanged(apps, editor)
    assert list(Assistant.objects.values_list("slug", flat=True)) == ["tutor"]
    conversation.refresh_from_db()
    assert conversation.assistant is None


def test_they_are_written_for_the_ear() -> None:
    for assistant in Assistant.objects.all():
        assert "spoken conversation" in assistant.instructions
        assert len(assistant.instructions) < 2500
