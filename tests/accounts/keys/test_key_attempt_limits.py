"""Wrong keys: told by their looks alone, by one look-up, and in the end not looked at."""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from websockets.sync.client import connect

from accounts.keys import api_keys, client_secrets
from accounts.keys.key_attempt_limits import MOST_ADDRESSES, MOST_KEYS, WINDOW_SEC, KeyAttemptLimit
from accounts.models import User
from tests.support.factories import make_user
from tests.support.live import Site, run_site

ADDRESS, OTHER = "203.0.113.7", "203.0.113.8"


def make_wrong_key() -> str:
    """Return a key that is well-formed and that nobody has."""
    start = api_keys.START + "".join(secrets.choice(api_keys.ALPHABET) for _ in range(api_keys.RANDOM_LENGTH))
    return start + api_keys.compute_checksum(start)


@pytest.mark.django_db
def test_a_wrong_key_is_one_look_up(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert api_keys.authenticate(make_wrong_key()) is None


@pytest.mark.django_db
def test_a_mistyped_client_secret_does_not_reach_the_database(django_assert_num_queries: Any) -> None:
    key, _ = api_keys.create(make_user(), "radio")
    _, token = client_secrets.mint(key.pk, {}, 60)
    assert client_secrets.authenticate(token)
    assert len(token) == 51
    with django_assert_num_queries(0):
        for wrong in (
            "ek_",
            token[:-1],
            token + "x",
            token[:-1] + ("b" if token[-1] == "a" else "a"),
            "ek_" + "é" * 48,
        ):
            assert client_secrets.authenticate(wrong) is None


def test_an_address_that_shows_too_many(settings: Any) -> None:
    settings.WRONG_KEYS_PER_MIN = 3
    guard, now = KeyAttemptLimit(), 1200.0
    guard.remember_right("of a colleague")
    for _ in range(3):
        assert guard.get_wait_sec(ADDRESS, "guess", now) == 0
        guard.count_wrong(ADDRESS, "guess", now)
    assert guard.get_wait_sec(ADDRESS, "guess", now + 15) == WINDOW_SEC - 15
    assert guard.get_wait_sec(ADDRESS, "of a colleague", now) == 0
    assert guard.get_wait_sec(OTHER, "guess", now) == 0
    assert guard.get_wait_sec(ADDRESS, "guess", now + WINDOW_SEC) == 0


def test_a_key_that_is_revoked_is_no_longer_let_past(settings: Any) -> None:
    settings.WRONG_KEYS_PER_MIN = 1
    guard = KeyAttemptLimit()
    guard.remember_right("key")
    guard.count_wrong(ADDRESS, "key", 0.0)
    assert guard.get_wait_sec(ADDRESS, "key", 0.0)


def test_a_household_with_many_addresses_is_one(settings: Any) -> None:
    settings.WRONG_KEYS_PER_MIN = 1
    guard = KeyAttemptLimit()
    guard.count_wrong("2001:db8::1", "key", 0.0)
    assert guard.get_wait_sec("2001:db8::2", "key", 0.0)
    assert not guard.get_wait_sec("2001:db8:0:1::1", "key", 0.0)


def test_what_it_remembers_is_bounded(settings: Any) -> None:
    """The oldest addresses and the oldest right keys are forgotten."""
    settings.WRONG_KEYS_PER_MIN = 1
    guard, numbers = KeyAttemptLimit(), range(MOST_ADDRESSES + 5)
    addresses = [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in numbers]
    for number, address in zip(numbers, addresses, strict=True):
        guard.count_wrong(address, "key", 0.0)
        guard.remember_right(str(number))
    assert [bool(guard.get_wait_sec(address, "key", 0.0)) for address in addresses] == [False] * 5 + [
        True
    ] * MOST_ADDRESSES
    refused = [bool(guard.get_wait_sec(addresses[-1], str(number), 0.0)) for number in numbers]
    assert refused == [True] * (len(numbers) - MOST_KEYS) + [False] * MOST_KEYS


@pytest.fixture(scope="module")
def site(database_url: str) -> Iterator[Site]:
    with run_site(database_url, {"WRONG_KEYS_PER_MIN": "5", "TRUSTED_PROXY_COUNT": "1"}) as running:
        yield running


@pytest.fixture
def key(committed_db: None) -> str:
    return api_keys.create(User.objects.create_user(f"{uuid4().hex}@example.com"), "tests")[1]


@pytest.fixture
def ask(site: Site) -> Iterator[Callable[..., httpx2.Response]]:
    with httpx2.Client(base_url=site.url) as client:

        def get(key: str, address: str) -> httpx2.Response:
            headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": f"192.0.2.1, {address}"}
            return client.get("/v1/models", headers=headers)

        yield get


def test_wrong_keys_over_http(ask: Callable[..., httpx2.Response], key: str) -> None:
    assert ask(key, ADDRESS).status_code == 200
    assert [ask(make_wrong_key(), ADDRESS).status_code for _ in range(5)] == [401] * 5
    refused = ask(make_wrong_key(), ADDRESS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW_SEC
    assert ask(key, ADDRESS).status_code == 200
    assert ask(make_wrong_key(), OTHER).status_code == 401


def test_what_cannot_be_a_key(ask: Callable[..., httpx2.Response]) -> None:
    """It is refused by its form alone, before all else, and is not counted."""
    answers = [ask("vp_" + "x" * 46, "203.0.113.10") for _ in range(10)]
    assert {(one.status_code, one.json()["error"]["code"]) for one in answers} == {(401, "invalid_api_key")}
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert ask(make_wrong_key(), "203.0.113.10").status_code == 401


def test_wrong_keys_over_sockets(site: Site, key: str) -> None:
    def read_first(shown: str) -> str:
        headers = {"Authorization": f"Bearer {shown}", "X-Forwarded-For": "203.0.113.9"}
        with connect(f"{site.ws_url}/v1/realtime", additional_headers=headers) as socket:
            event = json.loads(socket.recv(timeout=10))
            return str(event["error"]["code"] if event["type"] == "error" else event["type"])

    assert read_first(key) == "session.created"
    assert [read_first(make_wrong_key()) for _ in range(4)] == ["invalid_api_key"] * 4
    assert read_first("ek_" + "x" * 48) == "invalid_api_key"
    assert read_first(make_wrong_key()) == read_first("ek_" + "y" * 48) == "rate_limit_exceeded"
    assert read_first(key) == "session.created"
