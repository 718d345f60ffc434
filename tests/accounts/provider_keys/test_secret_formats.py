import json
from typing import Any

import pytest

from accounts.provider_keys import secret_formats
from accounts.provider_keys.secret_formats import SecretError
from tests.support.provider_accounts import ACCOUNT


def test_it_works() -> None:
    secret_formats.check("openai", "sk-abc_123")
    secret_formats.check("openai", "")
    secret_formats.check("google", "AIzaSyA-123")
    secret_formats.check("google", json.dumps(ACCOUNT))


@pytest.mark.parametrize("secret", ["sk abc", "sk-\n", "sk-é", "x" * 1001, "\x00"])
def test_what_cannot_be_a_key(secret: str) -> None:
    for provider in ("openai", "google"):
        with pytest.raises(SecretError):
            secret_formats.check(provider, secret)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "external_account"},
        {"type": "authorized_user"},
        {"client_email": ""},
        {"private_key": None},
        {"private_key": 5},
        {"token_uri": "http://169.254.169.254/"},
        {"token_uri": "https://oauth2.googleapis.com.example/token"},
        {"token_uri": "https://oauth2.googleapis.com@10.0.0.1/token"},
        {"token_uri": "http://oauth2.googleapis.com/token"},
        {"token_uri": "https://[/token"},
    ],
)
def test_a_service_account_that_would_lead_elsewhere(change: dict[str, Any]) -> None:
    with pytest.raises(SecretError):
        secret_formats.check("google", json.dumps(ACCOUNT | change))


@pytest.mark.parametrize("secret", ["{", "{}", '{"type": "service_account"', '{"type": [', "{" * 9_000, ""])
def test_what_is_no_service_account(secret: str) -> None:
    with pytest.raises(SecretError):
        secret_formats.check("google", secret)
