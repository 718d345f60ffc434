"""Making client secrets; what they open is in tests/sdk/test_client_secrets.py."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from openai.types.beta.realtime import SessionCreateResponse
from openai.types.realtime import ClientSecretCreateResponse

from accounts.keys import client_secrets
from accounts.models import APIKey, ClientSecret, Scope, User
from conversations.models import Assistant
from tests.support.api_client import build_client, get_error

URL, BETA_URL = "/v1/realtime/client_secrets", "/v1/realtime/sessions"


def post(client: Client, path: str, body: object) -> Any:
    return client.post(path, body, content_type="application/json")


def test_it_works(as_owner: Client, owner: User) -> None:
    session = {"type": "realtime", "instructions": "Speak like a pirate.", "audio": {"input": {"turn_detection": None}}}
    answer = post(as_owner, URL, {"session": session})
    made = ClientSecretCreateResponse.model_validate_json(answer.content, strict=True)
    assert made.value.startswith("ek_")
    assert made.value.replace("_", "").isalnum()
    assert made.expires_at == pytest.approx(timezone.now().timestamp() + 600, abs=5)
    shown = answer.json()["session"]
    assert (shown["object"], shown["instructions"]) == ("realtime.session", "Speak like a pirate.")
    assert shown["audio"]["input"]["turn_detection"] is None
    assert shown["audio"]["output"]["voice"]  # the whole session is shown, not just what was asked for
    secret = client_secrets.authenticate(made.value)
    assert secret
    assert (secret.key.user, secret.session) == (owner, session)


@pytest.mark.parametrize("body", ["", "{}", '{"session": null, "expires_after": null}', '{"expires_after": {}}'])
def test_nothing_need_be_given(as_owner: Client, body: str) -> None:
    ClientSecretCreateResponse.model_validate_json(post(as_owner, URL, body).content, strict=True)


def test_an_assistant_of_ones_own(as_owner: Client, owner: User) -> None:
    Assistant.objects.create(slug="mine", name="Mine", instructions="Be mine.", owner=owner)
    shown = post(as_owner, URL, {"session": {"model": "mine"}}).json()["session"]
    assert (shown["model"], shown["instructions"]) == ("mine", "Be mine.")


def test_the_text_itself_is_not_stored(as_owner: Client) -> None:
    token = post(as_owner, URL, {}).json()["value"]
    assert token[3:] not in str(ClientSecret.objects.values().get())


@pytest.mark.parametrize("seconds", [10, 60.0, 7200])
def test_how_long_it_lives(as_owner: Client, seconds: float) -> None:
    made = post(as_owner, URL, {"expires_after": {"anchor": "created_at", "seconds": seconds}}).json()
    assert made["expires_at"] == pytest.approx(timezone.now().timestamp() + seconds, abs=5)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"seconds": 9}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": "600"}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": 60.5}}, "expires_after.seconds"),
        ({"expires_after": {"anchor": "now"}}, "expires_after.anchor"),
        ({"session": []}, "session"),
        ({"session": {"type": "meeting"}}, "session.type"),
        ({"session": {"model": 7}}, "session.model"),
        ({"session": {"audio": {"output": {"speed": 9}}}}, "session.audio.output.speed"),
        ({"session": {"tools": [{"type": "function", "name": "a b"}]}}, "session.tools.0.name"),
    ],
)
def test_wrong_values(as_owner: Client, body: object, param: str) -> None:
    answer = post(as_owner, URL, body)
    assert (answer.status_code, get_error(answer)["param"]) == (400, param)
    assert not ClientSecret.objects.exists()


def test_a_secret_makes_no_secrets_and_reads_nothing(as_owner: Client) -> None:
    token = post(as_owner, URL, {}).json()["value"]
    browser = Client(headers={"Authorization": f"Bearer {token}"})
    for answer in (post(browser, URL, {}), post(browser, BETA_URL, {}), browser.get("/v1/conversations")):
        assert (answer.status_code, get_error(answer)["code"]) == (401, "invalid_api_key")
        assert "client secret works only for the socket" in get_error(answer)["message"]


def test_the_scope(owner: User) -> None:
    reader = build_client(owner, Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE)
    for path in (URL, BETA_URL):
        assert get_error(post(reader, path, {}))["code"] == "missing_scope"


def test_it_dies_in_time_and_with_its_key(as_owner: Client, owner: User) -> None:
    token, other = (post(as_owner, URL, {}).json()["value"] for _ in range(2))
    assert client_secrets.authenticate(token)
    ClientSecret.objects.update(expires_at=timezone.now() + timedelta(seconds=60))
    APIKey.objects.filter(user=owner).update(revoked_at=timezone.now())
    assert client_secrets.authenticate(token) is None
    APIKey.objects.filter(user=owner).update(revoked_at=None)
    assert client_secrets.authenticate(token)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert client_secrets.authenticate(other) is None
    User.objects.filter(pk=owner.pk).update(is_active=True)
    ClientSecret.objects.update(expires_at=timezone.now())
    assert client_secrets.authenticate(token) is None


def test_expired_ones_are_removed(as_owner: Client) -> None:
    post(as_owner, URL, {})
    ClientSecret.objects.update(expires_at=timezone.now())
    token = post(as_owner, URL, {}).json()["value"]
    assert ClientSecret.objects.get() == client_secrets.authenticate(token)


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", ["", "ek_", "ek_" + "a" * 48, "ek_" + "é" * 48, "ek_" + "\0" * 48])
def test_what_was_never_made(wrong: str) -> None:
    assert client_secrets.authenticate(wrong) is None


# The beta dialect.


def test_beta(as_owner: Client) -> None:
    flat = {"model": "gpt-4o-realtime-preview", "modalities": ["text"], "temperature": 0.7, "turn_detection": None,
            "input_audio_format": "g711_ulaw", "client_secret": {"expires_after": {"seconds": 60}}}  # fmt: skip
    answer = post(as_owner, BETA_URL, flat)
    made = SessionCreateResponse.model_validate_json(answer.content, strict=True)
    assert made.client_secret.value.startswith("ek_")
    assert made.client_secret.expires_at == pytest.approx(timezone.now().timestamp() + 60, abs=5)
    shown = answer.json()
    assert {key: shown[key] for key in ("modalities", "temperature", "turn_detection", "input_audio_format")} == {
        "modalities": ["text"], "temperature": 0.7, "turn_detection": None, "input_audio_format": "g711_ulaw",
    }  # fmt: skip
    secret = client_secrets.authenticate(made.client_secret.value)
    assert secret
    assert secret.session["audio"]["input"]["format"] == {"type": "audio/pcmu"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"speed": 9}, "session.speed"),
        ({"input_audio_format": "mp3"}, "session.input_audio_format"),
        ({"temperature": 9}, "session.temperature"),
        ({"model": 7}, "model"),
        ({"client_secret": {"expires_after": {"seconds": 1}}}, "client_secret.expires_after.seconds"),
    ],
)
def test_wrong_values_in_beta(as_owner: Client, body: object, param: str) -> None:
    answer = post(as_owner, BETA_URL, body)
    assert (answer.status_code, get_error(answer)["param"]) == (400, param)


def test_the_socket_is_no_page(client: Client) -> None:
    answer = client.get("/v1/realtime")
    assert (answer.status_code, answer["Upgrade"]) == (426, "websocket")
    get_error(answer)
