"""Which engines a conversation uses, and with whose key."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from accounts.provider_keys import keyring
from conversations.models import Assistant, Item
from tests.support.live import Site
from tests.support.official_client import Connect
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")


async def load_reply(conversation_id: str) -> Item:
    return await Item.objects.aget(conversation__public_id=conversation_id, role="assistant")


@pytest.fixture
def google_site(start_site: Callable[..., Site], upstream: Upstream) -> Site:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream.openai_url}
    return start_site(**env, GOOGLE_API_KEY="AIza-site", GOOGLE_TTS_ENDPOINT=upstream.google_url)


async def test_google_speaks_where_it_has_a_credential(google_site: Site, connect: Connect, upstream: Upstream) -> None:
    async with connect(url=google_site.url) as talk:
        await talk.type("Hello.")
        done = await talk.wait_for("response.done")
    assert done["response"]["status"] == "completed"
    assert len(talk.collect_audio()) > 10_000
    assert (await load_reply(talk.conversation_id)).tts.startswith("google:")
    spoken = [request["asked"]["text"] for request in upstream.list_requests("google_streaming")]
    assert sorted(spoken) == ["Hello.", "You said:"]  # side by side, so in either order


async def test_a_users_own_key_comes_before_the_sites(
    site: Site, connect: Connect, user: User, upstream: Upstream
) -> None:
    await sync_to_async(keyring.save)(user, "openai", "sk-mine")
    async with connect() as talk:
        await talk.type("Hello.")
        await talk.wait_for("response.done")
    assert [request["key"] for request in upstream.list_requests("chat")] == ["sk-mine"]


async def test_an_assistant_brings_its_engine_voice_and_words(connect: Connect, user: User, upstream: Upstream) -> None:
    slug = uuid4().hex
    engine = {"tts_engine": "openai", "tts_model": "tts-9", "tts_voice": "cedar", "speed": 1.2}
    await Assistant.objects.acreate(slug=slug, name="Pirate", owner=user, instructions="Be a pirate.", **engine)
    async with connect(assistant=slug) as talk:
        await talk.type("Hello.")
        await talk.wait_for("response.done")
    asked = upstream.list_requests("speech")[0]["asked"]
    assert (asked["model"], asked["voice"], asked["speed"]) == ("tts-9", "cedar", 1.2)
    assert upstream.list_requests("chat")[0]["asked"]["messages"][0]["content"] == "Be a pirate."


async def test_a_voice_of_another_provider_gives_way_to_the_default(
    google_site: Site, connect: Connect, upstream: Upstream
) -> None:
    """Official clients ask for `marin` by habit, whoever speaks."""
    async with connect(url=google_site.url) as talk:
        await talk.send.session.update(session={"type": "realtime", "audio": {"output": {"voice": "marin"}}})
        await talk.type("Hello.")
        assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
    assert "Chirp" in upstream.list_requests("google_streaming")[0]["asked"]["voice"]
