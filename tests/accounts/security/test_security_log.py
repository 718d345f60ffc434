"""What the security log writes, and when."""

import logging
from typing import Any

import pytest

from accounts.security import client_addresses, security_log
from accounts.security.security_log import Event, Pace, record


@pytest.fixture(autouse=True)
def _fresh_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security_log, "_pace", Pace())


def test_it_works(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "voiceproject.security")
    record(Event.API_KEY_MADE, user=12, address="203.0.113.7", key=3)
    [line] = caplog.records
    assert line.getMessage() == "event=api_key_made user=12 address=203.0.113.7 key=3"
    assert vars(line)["security"] == {"event": "api_key_made", "user": 12, "address": "203.0.113.7", "key": 3}


def test_nobody_writes_a_line_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "voiceproject.security")
    record(Event.API_KEY_MADE, user=1, name='radio"\nevent=signed_in user=1' + "x" * 10_000)
    text = caplog.records[0].getMessage()
    assert "\n" not in text
    assert '"radio\\"?event=signed_in user=1' in text
    assert len(text) < 300


def test_refusals_are_written_in_moderation() -> None:
    pace = Pace()
    written = [pace.count_suppressed("api_key_refused", "203.0.113.7", now=1.0) for _ in range(50)]
    assert written.count(0) == security_log.LINES_PER_ADDRESS
    assert pace.count_suppressed("api_key_refused", "203.0.113.8", now=2.0) == 40  # told with the next line
    assert pace.count_suppressed("api_key_refused", "203.0.113.7", now=61.0) == 0


def test_many_addresses_fill_neither_the_log_nor_the_memory() -> None:
    pace = Pace()
    written = [pace.count_suppressed("api_key_refused", f"address{n}", now=1.0) for n in range(2 * Pace.MAX_ADDRESSES)]
    assert written.count(0) == security_log.LINES_PER_EVENT
    assert len(pace.counts) <= Pace.MAX_ADDRESSES


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "address"),
    [
        (0, "6.6.6.6", "203.0.113.7", "203.0.113.7"),
        (1, "6.6.6.6, 1.1.1.1", "127.0.0.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "127.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "203.0.113.7", "203.0.113.7"),
        (1, "1.1.1.1:4711", "127.0.0.1", "1.1.1.1"),
        (1, "[2001:db8::1]:4711", "127.0.0.1", "2001:db8::1"),
        (1, "no address", "127.0.0.1", "127.0.0.1"),
        (0, "", "", "unknown"),
    ],
)
def test_whence_a_client_comes(settings: Any, proxies: int, forwarded: str, peer: str, address: str) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    scope = {"headers": [(b"x-forwarded-for", forwarded.encode())], "client": (peer, 4711)}
    assert client_addresses.read_scope_address(scope) == address


def test_a_household_counts_as_one() -> None:
    assert client_addresses.group_address("2001:db8:1:2::7") == client_addresses.group_address("2001:db8:1:2:ffff::1")
    assert client_addresses.group_address("::ffff:203.0.113.7") == client_addresses.group_address("203.0.113.7")
    assert client_addresses.group_address("unknown") == "unknown"
