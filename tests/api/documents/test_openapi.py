"""The OpenAPI document is true: schemathesis sends what it allows and what it forbids to a live site."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, settings, strategies
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from accounts.keys import api_keys
from accounts.models import Scope, User
from conversations.api.documents import openapi
from conversations.api.operations import FORM, OPERATIONS, SOUND
from conversations.api.shapes.inputs import MAX_ITEMS
from conversations.models import Conversation
from tests.support.api_client import build_client, get_error
from tests.support.factories import add_clip, add_item, make_conversation, make_user
from tests.support.http_turns import make_wav
from tests.support.live import Site, run_site
from tests.support.official_client import synthesize_speech
from tests.upstream.fixtures import Upstream

SPEECH = make_wav(asyncio.run(synthesize_speech("Good morning")))
SOUND_FILES = [name for name in SOUND if name != FORM]
schemathesis.openapi.media_type(SOUND_FILES[0], strategies.just(SPEECH), aliases=SOUND_FILES[1:])
EXAMPLES = 15  # of each operation: about a minute in all


@pytest.fixture(scope="module")
def site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url}
    # Limits and deadlines are others' tests: here a machine that is slow for a while is no untruth.
    limits = {"API_REQUESTS_PER_MIN": "1000000", "MAX_SESSIONS_PER_USER": "1000", "ENGINE_TIMEOUT_SEC": "60"}
    with run_site(database_url, {**env, **limits}) as running:
        yield running


@pytest.fixture
def owner(committed_db: None) -> User:
    return make_user()


# No text may hold a NUL, which JSON Schema could only say of each one by itself; other tests send it. What a query has
# beyond the document is ignored, as below. A range may lie behind the end of what it is of.
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"allow-x00": False, "allow-extra-parameters": False},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "413", "416"]},
            "negative_data_rejection": {"expected-statuses": ["400", "401", "404", "413", "415"]},
        },
    }
)
schema = schemathesis.openapi.from_dict(openapi.build_document(), config=CONFIG)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_it_is_true(case: Case[Any], site: Site, owner: User) -> None:
    _aim(case, owner)
    excluded: list[Any] = []
    if case.operation.path == "/v1/voice/turns" and case.meta and case.meta.generation.mode.is_positive:
        _speak(case)
        excluded = [negative_data_rejection]  # it takes the speech, which it did not make, for a mistake
    if case.meta and case.meta.generation.mode.is_positive:
        _add_calls(case)
    headers = {"Authorization": f"Bearer {api_keys.create(owner, 'schemathesis')[1]}"}
    case.call_and_validate(headers=headers, base_url=site.url, timeout=30, excluded_checks=excluded)


def _aim(case: Case[Any], owner: User) -> None:
    """Name a conversation that exists in two of three requests: a random id is refused before anything else is read."""
    ids = case.path_parameters
    if "conversation_id" in ids and len(str(ids)) % 3:
        conversation = _make_conversation(owner)
        ids["conversation_id"] = conversation.public_id
        if "item_id" in ids:
            ids["item_id"] = conversation.items.all()[0].public_id
    elif "model" in ids and len(str(ids)) % 3:
        ids["model"] = "assistant"


def _speak(case: Case[Any]) -> None:
    """Send speech, since random bytes would be refused as no sound file."""
    speech: Any = {"file": SPEECH} if case.media_type == FORM else SPEECH
    case.body = speech
    if "time_zone" in case.query:
        case.query["time_zone"] = "Europe/Vienna"


def _add_calls(case: Case[Any]) -> None:
    """Put the call of each output into the same request: JSON Schema cannot say that they belong together."""
    body: Any = case.body
    items: Any = (body.get("items") or []) if isinstance(body, dict) else []
    for item in [item for item in items if item.get("type") == "function_call_output"]:
        call = {"type": "function_call", "call_id": item["call_id"], "name": "n", "arguments": "{}"}
        items[:] = [call, *items][:MAX_ITEMS]


def _make_conversation(owner: User) -> Conversation:
    conversation = make_conversation(owner)
    add_clip(add_item(conversation, "Hello"))
    add_item(conversation, "", type="function_call", role="", call={"call_id": "c", "name": "n", "arguments": "{}"})
    add_item(conversation, "Cut", role="assistant", heard_text="C", heard_ms=10)
    return conversation


@pytest.mark.django_db
def test_a_query_may_have_more_than_it_says() -> None:
    owner = make_user()
    _make_conversation(owner)
    answer = build_client(owner).get("/v1/conversations", {"limit": "1", "utm_source": "mail"})
    assert (answer.status_code, len(answer.json()["data"])) == (200, 1)


@pytest.mark.usefixtures("committed_db")
def test_the_scopes_are_true() -> None:
    owner = make_user()
    conversation = _make_conversation(owner)
    ids = {"conversation_id": conversation.public_id, "item_id": conversation.items.all()[0].public_id, "model": "x"}
    for operation in OPERATIONS:
        path = operation.path.format(**ids)
        others = [scope for scope in Scope.values if scope != operation.scope]
        answer = build_client(owner, *others).generic(operation.method, path, "{}", content_type="application/json")
        is_refused = answer.status_code == 403 and get_error(answer)["code"] == "missing_scope"
        assert is_refused is (operation.scope is not None), (operation.method, path)


def test_it_needs_no_key(client: Client) -> None:
    assert client.get("/v1/openapi.json").json() == openapi.build_document()
