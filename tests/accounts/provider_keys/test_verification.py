"""Every verdict, from real calls of the real clients to an emulated OpenAI and Google on real sockets."""

import gzip
import json
import socket

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from accounts.provider_keys import verification
from accounts.provider_keys.credentials import Credential
from tests.support.provider_accounts import ACCOUNT
from tests.upstream.fixtures import Upstream
from tests.upstream.raw_answers import Raw

SECRET = "sk-the-secret-itself"


def assert_failed(verdict: verification.Verdict, words: str) -> None:
    """Check that the verdict says why in words for people, and nothing of the key."""
    assert not verdict.works
    assert words in verdict.text
    assert SECRET not in verdict.text


def test_openai_works(upstream: Upstream) -> None:
    upstream.behave("models", accepted_key=SECRET)
    verdict = verification.verify_key("openai", Credential(SECRET, upstream.openai_url))
    assert verdict.works
    assert verdict.text == "Works: 127.0.0.1 offers 5 models."


def test_google_works(upstream: Upstream) -> None:
    upstream.behave("google_voices", accepted_key=SECRET)
    verdict = verification.verify_key("google", Credential(SECRET, upstream.google_url))
    assert verdict.works
    assert verdict.text == "Works: Google offers 1 voice."


def test_a_compatible_server_without_a_key(upstream: Upstream) -> None:
    assert verification.verify_key("openai", Credential("", upstream.openai_url)).works


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "refused this key"),
        ("403", "refused this key"),
        ("404", "Not found"),
        ("429_rate", "quota or credit is used up"),
        ("429_quota", "quota or credit is used up"),
        ("500", "answered with an error (500)"),
        ("503", "answered with an error (503)"),
        ("hang", "no answer within"),
        ("cut", "could not be reached"),
        ("garbage", "not like an OpenAI-compatible server"),
        ("302", "answered with an error (302)"),
    ],
)
def test_openai_faults(upstream: Upstream, fault: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "TIMEOUT_SEC", 1.0)
    upstream.behave("models", fault=fault)
    assert_failed(verification.verify_key("openai", Credential(SECRET, upstream.openai_url)), words)
    assert len(upstream.list_requests("models")) == 1  # not tried again: somebody waits for the page


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "refused this key"),
        ("403", "not enabled"),
        ("404", "refused this key"),
        ("429_rate", "quota is used up"),
        ("500", "answered with an error"),
        ("503", "could not be reached"),
        ("hang", "no answer within"),
        ("cut", "could not be reached"),
    ],
)
def test_google_faults(upstream: Upstream, fault: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "TIMEOUT_SEC", 1.0)
    upstream.behave("google_voices", fault=fault)
    assert_failed(verification.verify_key("google", Credential(SECRET, upstream.google_url)), words)


def test_a_key_that_google_does_not_know(upstream: Upstream) -> None:
    upstream.behave("google_voices", accepted_key="another")
    assert "refused this key" in verification.verify_key("google", Credential(SECRET, upstream.google_url)).text


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for provider in ("openai", "google"):
            verdict = verification.verify_key(provider, Credential(SECRET, url))
            assert not verdict.works
            assert "could not be reached" in verdict.text


def test_a_wrong_path(upstream: Upstream) -> None:
    url = upstream.openai_url.removesuffix("/v1")
    assert "Most end in /v1" in verification.verify_key("openai", Credential(SECRET, url)).text


def test_a_users_base_url_does_not_reach_this_machine(upstream: Upstream) -> None:
    verdict = verification.verify_key("openai", Credential(SECRET, upstream.openai_url, public_only=True))
    assert not verdict.works
    assert not upstream.list_requests("models")


def test_a_service_account_with_a_broken_key(upstream: Upstream) -> None:
    verdict = verification.verify_key("google", Credential(json.dumps(ACCOUNT)))
    assert verdict.text == "Google's client cannot read this key. Paste the whole JSON file of the service account."


def test_a_service_account_where_google_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "TIMEOUT_SEC", 1.0)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    secret = json.dumps(ACCOUNT | {"private_key": pem})
    verdict = verification.verify_key("google", Credential(secret, "https://127.0.0.1:1"))
    assert not verdict.works
    assert "could not be reached" in verdict.text


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"[" * 100_000, {}),
        (b"{" * 100_000, {}),
        (b'{"data": [' + b"[]," * 100_000 + b"1]}", {}),
        (b'{"data": ["' + b"x" * 5_000_000 + b'"]}', {}),
        (gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}),
        (b"(packed)", {"Content-Encoding": "br"}),
    ],
    ids=["deep", "deep objects", "parts", "long", "a gzip bomb", "packed otherwise"],
)
def test_a_hostile_list_of_models(
    upstream: Upstream, body: bytes, headers: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "TIMEOUT_SEC", 3.0)
    upstream.behave("models", raw=Raw((body,), "application/json", status=status, headers=headers).build_script())
    verdict = verification.verify_key("openai", Credential(SECRET, upstream.openai_url))
    assert not verdict.works
    assert "OpenAI-compatible server" in verdict.text or "answered with an error (500)" in verdict.text


def test_a_list_that_never_ends(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "TIMEOUT_SEC", 1.0)
    raw = Raw((b'{"data": [', *(b" ",) * 1_000), "application/json", pause_ms=20)
    upstream.behave("models", raw=raw.build_script())
    assert "no answer within" in verification.verify_key("openai", Credential(SECRET, upstream.openai_url)).text


def test_a_long_list_is_still_one(upstream: Upstream) -> None:
    models = [{"id": f"model-{number}", "object": "model", "created": 1, "owned_by": "x"} for number in range(3_000)]
    raw = Raw((json.dumps({"object": "list", "data": models}).encode(),), "application/json")
    upstream.behave("models", raw=raw.build_script())
    verdict = verification.verify_key("openai", Credential(SECRET, upstream.openai_url))
    assert verdict.text == "Works: 127.0.0.1 offers 3000 models."
