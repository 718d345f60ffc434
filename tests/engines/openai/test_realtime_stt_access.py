"""The key and the address of a transcription socket."""

import logging

import pytest

from conversations.engines.errors import (
    EngineAuthError,
    EngineError,
    EngineUnavailable,
)
from conversations.engines.openai import realtime_socket
from tests.support.live_ears import LIVE, SECRET, build_spec, open_ear
from tests.upstream.fixtures import Upstream


async def test_the_key_is_in_no_log(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_ear(build_spec(upstream)) as ear:
        await ear.transcribe()
    assert SECRET not in caplog.text


@pytest.mark.parametrize("key", ["sk-né", "sk-two\nlines"])
async def test_a_key_that_no_header_can_carry(upstream: Upstream, key: str) -> None:
    async with open_ear(build_spec(upstream, api_key=key)) as ear:
        with pytest.raises(EngineAuthError):
            await ear.transcribe()


@pytest.mark.parametrize("url", ["http://[", "localhost:9/v1", "ftp://localhost/v1"])
async def test_a_base_url_that_is_none(upstream: Upstream, url: str) -> None:
    async with open_ear(build_spec(upstream, base_url=url)) as ear:
        with pytest.raises(EngineError, match="base URL"):
            await ear.transcribe()


async def test_a_users_base_url_leads_to_no_private_address(upstream: Upstream) -> None:
    async with open_ear(build_spec(upstream, public_only=True)) as ear:
        with pytest.raises(EngineUnavailable, match="could not be reached"):
            await ear.transcribe()
    assert upstream.list_requests(LIVE) == []


async def test_the_socket_goes_to_the_address_that_was_checked(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name would lead elsewhere, as it may a moment after the check."""

    async def checked(host: str, port: int) -> str:
        assert (host, f":{port}/") == (
            "rebound.invalid",
            upstream.openai_url.removeprefix("http://127.0.0.1").removesuffix("v1"),
        )
        return "127.0.0.1"

    monkeypatch.setattr(realtime_socket, "find_public_address", checked)
    url = upstream.openai_url.replace("127.0.0.1", "rebound.invalid")
    async with open_ear(build_spec(upstream, base_url=url, public_only=True)) as ear:
        assert (await ear.transcribe()).text == "Hello there."
