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


async def type_message(client: CheckedClient, upstream: Upstream) -> None:
    await client.type("Hello.")
    await client.wait_for_answer()


async def type_for_text(client: CheckedClient, upstream: Upstream) -> None:
    await client.configure(output_modalities=["text"])
    await client.type("Hello.")
    await client.wait_for_answer()


async def speak(client: CheckedClient, upstream: Upstream) -> None:
    upstream.script(transcripts=("Good morning.",), replies=("Hello.",))
    await client.say()
    await client.wait_for_answer()


async def speak_without_response(client: CheckedClient, upstream: Upstream) -> None:
    await client.configure(turn_detection={"type": "server_vad", "create_response": False})
    await client.say()
    await client.wait_for("conversation.item.input_audio_transcription.completed")


async def commit_by_hand(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("transcriptions", first_byte_ms=300)  # the response is asked for before the words are known
    await client.configure(turn_detection=None)
    await client.say()
    await client.send("input_audio_buffer.commit")
    await client.send("response.create")
    await client.wait_for_answer()


async def clear_sound(client: CheckedClient, upstream: Upstream) -> None:
    await client.configure(turn_detection=None)
    await client.say()
    await client.send("input_audio_buffer.clear")
    await client.wait_for("input_audio_buffer.cleared")


async def barge_in(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("speech", realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    await client.say()
    delta = await client.wait_for("response.output_audio.delta")
    await client.say()
    await client.wait_for_answer()
    await client.wait_for_answer()
    await client.send("conversation.item.truncate", item_id=delta["item_id"], content_index=0, audio_end_ms=40)
    await client.wait_for("conversation.item.truncated")


async def cancel_response(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("One, two, three. " * 60,))
    await client.type("Count.")
    await client.wait_for("response.output_audio.delta")
    await client.send("response.cancel")
    await client.wait_for_answer()


async def exceed_token_limit(client: CheckedClient, upstream: Upstream) -> None:
    upstream.script(replies=("one two three four five",))
    await client.type("Count.", max_output_tokens=3)
    await client.wait_for_answer()


async def call_function_of_client(client: CheckedClient, upstream: Upstream) -> None:
    call = {"name": "weather", "arguments": {"city": "Oslo"}}
    upstream.script(replies=({"calls": [call]}, "It rains."))
    await client.configure(tools=[WEATHER], tool_choice="auto")
    await client.type("How is the weather in Oslo?")
    asked = await client.wait_for("response.function_call_arguments.done")
    await client.wait_for_answer()
    output = {"type": "function_call_output", "call_id": asked["call_id"], "output": "Rain."}
    await client.send("conversation.item.create", item=output)
    await client.send("response.create")
    await client.wait_for_answer()


async def speak_before_call(client: CheckedClient, upstream: Upstream) -> None:
    """Have the assistant say something before it calls the client's function."""
    upstream.behave("speech", first_byte_ms=300)  # the model has written the call before
    upstream.script(replies=({"text": "Let me see.", "calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},))
    await client.configure(tools=[WEATHER])
    await client.type("How is the weather in Oslo?")
    await client.wait_for_answer()


async def call_tool_of_site(client: CheckedClient, upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "current_time", "arguments": {}}]}, "It is noon."))
    await client.type("What time is it?")
    await client.wait_for_answer()


async def respond_out_of_band(client: CheckedClient, upstream: Upstream) -> None:
    await client.send("response.create", response=client.build_options(
        conversation="none", output_modalities=["text"], metadata={"topic": "mood"}, input=[]))  # fmt: skip
    await client.wait_for_answer()


async def fail_engine(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("chat", fault="500")
    await client.type("Hello?")
    await client.wait_for_answer()


async def fail_transcription(client: CheckedClient, upstream: Upstream) -> None:
    upstream.behave("transcriptions", fault="500")
    await client.say()
    await client.wait_for("conversation.item.input_audio_transcription.failed")


async def edit_items(client: CheckedClient, upstream: Upstream) -> None:
    first = {"id": "item_mine", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    await client.send("conversation.item.create", item=first)
    await client.wait_for("conversation.item.added")
    system = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind."}]}
    await client.send("conversation.item.create", item=system, previous_item_id="root")
    await client.send("conversation.item.retrieve", item_id="item_mine")
    await client.wait_for("conversation.item.retrieved")
    await client.send("conversation.item.delete", item_id="item_mine")
    await client.wait_for("conversation.item.deleted")


async def cancel_nothing(client: CheckedClient, upstream: Upstream) -> None:
    await client.send("response.cancel", event_id="event_mine")
    await client.wait_for("error")


async def fall_silent(client: CheckedClient, upstream: Upstream) -> None:
    """Say nothing until the assistant asks whether somebody is there."""
    await client.configure(turn_detection={"type": "server_vad", "idle_timeout_ms": 1000})
    await client.type("Hello.")
    await client.wait_for_answer()
    await client.wait_for("input_audio_buffer.timeout_triggered")
    await client.wait_for_answer()


# By the name of its recording.
TURNS: dict[str, Turn] = {
    "text": type_message,
    "text_in_text_out": type_for_text,
    "voice": speak,
    "voice_without_response": speak_without_response,
    "manual": commit_by_hand,
    "cleared": clear_sound,
    "barge_in": barge_in,
    "cancelled": cancel_response,
    "cut_short": exceed_token_limit,
    "function_of_the_client": call_function_of_client,
    "preamble": speak_before_call,
    "tool_of_the_site": call_tool_of_site,
    "out_of_band": respond_out_of_band,
    "silence": fall_silent,
    "engine_failed": fail_engine,
    "not_understood": fail_transcription,
    "items": edit_items,
    "refused": cancel_nothing,
}
NEWER_THAN_BETA = {"silence"}  # beta's types know nothing of `input_audio_buffer.timeout_triggered`
