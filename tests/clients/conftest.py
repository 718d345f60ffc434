"""Official clients of other languages against a live site whose engines are the emulated upstream."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.clients import node
from tests.support.clients.node import RunScript
from tests.support.clients.tls import Certificate, make_certificate, serve_tls
from tests.support.live import Site
from tests.support.official_fixtures import connect, key, site, user, utterance
from tests.upstream.fixtures import Upstream

__all__ = ["connect", "key", "site", "user", "utterance"]  # fixtures of the Python client's tests, here too


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def packages() -> None:
    node.install_packages()


@pytest_asyncio.fixture
async def secure_url(site: Site, certificate: Certificate) -> AsyncIterator[str]:
    """The site behind TLS, without which npm `openai` does not connect."""
    async with serve_tls(site.url, certificate) as url:
        yield url


@pytest.fixture
def run_script(
    packages: None,
    secure_url: str,
    certificate: Certificate,
    key: str,
    utterance: bytes,
    tmp_path: Path,
    upstream: Upstream,
) -> RunScript:
    """`await run_script("conversations.mjs", "text", …, NAME="value")` returns the events that the client got."""
    speech = tmp_path / "utterance.pcm"
    speech.write_bytes(utterance)
    env = {
        "OPENAI_API_KEY": key,
        "SITE_URL": secure_url,
        "UTTERANCE": str(speech),
        "NODE_EXTRA_CA_CERTS": str(certificate.certificate),
        "OPENAI_AGENTS_DISABLE_TRACING": "1",  # it would send what was said to OpenAI
    }

    async def run(script: str, *arguments: str, **more: str) -> list[dict[str, Any]]:
        return await node.run_script(script, *arguments, env={**env, **more})

    return run
