"""Every kind of turn, as a client sends it. `client` is its connection: see client.py.

Names of events are GA's; a client of the beta dialect translates them.
"""

from collections.abc import Awaitable, Callable

from tests.support.clients.client import CheckedClient
from tests.upstream.fixtures import Upstream

Turn = Callable[[CheckedClient, Upstream], Awaitable[None]]


WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def text(client: CheckedClient, upstream: Upstream) -> None:
    await client.type("Hello.")
    await client.answer()


async def text_in_text_out(client: CheckedClient, upstream: Upstream) -> None:
    await client.configure(output_modalities=["text"])
    await client.type("Hello.")
    await client.answer()


async def voice(client: CheckedClient, upstream: Upstream) -> None:
    upstream.script(transcripts=("Good morning.",), replies=("Hello.",))
    await client.say()
    await client.answer()


async def voice_without_response(client: CheckedClient, upstream: Upstream) -> None:
    await client.configure(turn_detection={"type": "server_vad", "create_response": False})
    await client.say()
    await client.until("conversation.item.input_audio_transcription.completed")


async def manual(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("transcriptions", first_byte_ms=300)  # the response is asked for before the words are known
    await client.configure(turn_detection=None)
    await client.say()
    await client.send("input_audio_buffer.commit")
    await client.send("response.create")
    await client.answer()


async def cleared(client: CheckedClient, upstream: Upstream) -> None:
    await client.configure(turn_detection=None)
    await client.say()
    await client.send("input_audio_buffer.clear")
    await client.until("input_audio_buffer.cleared")


async def barge_in(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("speech", realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    await client.say()
    delta = await client.until("response.output_audio.delta")
    await client.say()
    await client.answer()
    await client.answer()
    await client.send("conversation.item.truncate", item_id=delta["item_id"], content_index=0, audio_end_ms=40)
    await client.until("conversation.item.truncated")


async def cancelled(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("One, two, three. " * 60,))
    await client.type("Count.")
    await client.until("response.output_audio.delta")
    await client.send("response.cancel")
    await client.answer()


async def cut_short(client: CheckedClient, upstream: Upstream) -> None:
    upstream.script(replies=("one two three four five",))
    await client.type("Count.", max_output_tokens=3)
    await client.answer()


async def function_of_the_client(client: CheckedClient, upstream: Upstream) -> None:
    call = {"name": "weather", "arguments": {"city": "Oslo"}}
    upstream.script(replies=({"calls": [call]}, "It rains."))
    await client.configure(tools=[WEATHER], tool_choice="auto")
    await client.type("How is the weather in Oslo?")
    asked = await client.until("response.function_call_arguments.done")
    await client.answer()
    output = {"type": "function_call_output", "call_id": asked["call_id"], "output": "Rain."}
    await client.send("conversation.item.create", item=output)
    await client.send("response.create")
    await client.answer()


async def preamble(client: CheckedClient, upstream: Upstream) -> None:
    """Something is said before the client's function is called."""
    upstream.behave("speech", first_byte_ms=300)  # the model has written the call before
    upstream.script(replies=({"text": "Let me see.", "calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},))
    await client.configure(tools=[WEATHER])
    await client.type("How is the weather in Oslo?")
    await client.answer()


async def tool_of_the_site(client: CheckedClient, upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "current_time", "arguments": {}}]}, "It is noon."))
    await client.type("What time is it?")
    await client.answer()


async def out_of_band(client: CheckedClient, upstream: Upstream) -> None:
    await client.send("response.create", response=client.options(
        conversation="none", output_modalities=["text"], metadata={"topic": "mood"}, input=[]))  # fmt: skip
    await client.answer()


async def engine_failed(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("chat", fault="500")
    await client.type("Hello?")
    await client.answer()


async def not_understood(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("transcriptions", fault="500")
    await client.say()
    await client.until("conversation.item.input_audio_transcription.failed")


async def items(client: CheckedClient, upstream: Upstream) -> None:
    first = {"id": "item_mine", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    await client.send("conversation.item.create", item=first)
    await client.until("conversation.item.added")
    system = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind."}]}
    await client.send("conversation.item.create", item=system, previous_item_id="root")
    await client.send("conversation.item.retrieve", item_id="item_mine")
    await client.until("conversation.item.retrieved")
    await client.send("conversation.item.delete", item_id="item_mine")
    await client.until("conversation.item.deleted")


async def refused(client: CheckedClient, upstream: Upstream) -> None:
    await client.send("response.cancel", event_id="event_mine")
    await client.until("error")


async def silence(client: CheckedClient, upstream: Upstream) -> None:
    """The assistant asks whether somebody is there."""
    await client.configure(turn_detection={"type": "server_vad", "idle_timeout_ms": 1000})
    await client.type("Hello.")
    await client.answer()
    await client.until("input_audio_buffer.timeout_triggered")
    await client.answer()


TURNS: dict[str, Turn] = {
    turn.__name__: turn
    for turn in (
        text,
        text_in_text_out,
        voice,
        voice_without_response,
        manual,
        cleared,
        barge_in,
        cancelled,
        cut_short,
        function_of_the_client,
        preamble,
        tool_of_the_site,
        out_of_band,
        silence,
        engine_failed,
        not_understood,
        items,
        refused,
    )
}
NEWER_THAN_BETA = {"silence"}  # beta's types know nothing of `input_audio_buffer.timeout_triggered`
