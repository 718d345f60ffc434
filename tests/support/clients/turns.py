"""Every kind of turn, as a client sends it. `line` is the connection: see `test_sequences.Line`.

Names of events are GA's; a line of the beta dialect translates them.
"""

from collections.abc import Awaitable, Callable

from tests.support.clients.connection import Line
from tests.upstream.fixtures import Upstream

Turn = Callable[[Line, Upstream], Awaitable[None]]


WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def text(line: Line, upstream: Upstream) -> None:
    await line.type("Hello.")
    await line.answer()


async def text_in_text_out(line: Line, upstream: Upstream) -> None:
    await line.configure(output_modalities=["text"])
    await line.type("Hello.")
    await line.answer()


async def voice(line: Line, upstream: Upstream) -> None:
    upstream.script(transcripts=("Good morning.",), replies=("Hello.",))
    await line.say()
    await line.answer()


async def voice_without_response(line: Line, upstream: Upstream) -> None:
    await line.configure(turn_detection={"type": "server_vad", "create_response": False})
    await line.say()
    await line.until("conversation.item.input_audio_transcription.completed")


async def manual(line: Line, upstream: Upstream) -> None:
    upstream.behave("transcriptions", first_byte_ms=300)  # the response is asked for before the words are known
    await line.configure(turn_detection=None)
    await line.say()
    await line.send("input_audio_buffer.commit")
    await line.send("response.create")
    await line.answer()


async def cleared(line: Line, upstream: Upstream) -> None:
    await line.configure(turn_detection=None)
    await line.say()
    await line.send("input_audio_buffer.clear")
    await line.until("input_audio_buffer.cleared")


async def barge_in(line: Line, upstream: Upstream) -> None:
    upstream.behave("speech", realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    await line.say()
    delta = await line.until("response.output_audio.delta")
    await line.say()
    await line.answer()
    await line.answer()
    await line.send("conversation.item.truncate", item_id=delta["item_id"], content_index=0, audio_end_ms=40)
    await line.until("conversation.item.truncated")


async def cancelled(line: Line, upstream: Upstream) -> None:
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("One, two, three. " * 60,))
    await line.type("Count.")
    await line.until("response.output_audio.delta")
    await line.send("response.cancel")
    await line.answer()


async def cut_short(line: Line, upstream: Upstream) -> None:
    upstream.script(replies=("one two three four five",))
    await line.type("Count.", max_output_tokens=3)
    await line.answer()


async def function_of_the_client(line: Line, upstream: Upstream) -> None:
    call = {"name": "weather", "arguments": {"city": "Oslo"}}
    upstream.script(replies=({"calls": [call]}, "It rains."))
    await line.configure(tools=[WEATHER], tool_choice="auto")
    await line.type("How is the weather in Oslo?")
    asked = await line.until("response.function_call_arguments.done")
    await line.answer()
    output = {"type": "function_call_output", "call_id": asked["call_id"], "output": "Rain."}
    await line.send("conversation.item.create", item=output)
    await line.send("response.create")
    await line.answer()


async def preamble(line: Line, upstream: Upstream) -> None:
    """Something is said before the client's function is called."""
    upstream.behave("speech", first_byte_ms=300)  # the model has written the call before
    upstream.script(replies=({"text": "Let me see.", "calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},))
    await line.configure(tools=[WEATHER])
    await line.type("How is the weather in Oslo?")
    await line.answer()


async def tool_of_the_site(line: Line, upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "current_time", "arguments": {}}]}, "It is noon."))
    await line.type("What time is it?")
    await line.answer()


async def out_of_band(line: Line, upstream: Upstream) -> None:
    await line.send("response.create", response=line.options(
        conversation="none", output_modalities=["text"], metadata={"topic": "mood"}, input=[]))  # fmt: skip
    await line.answer()


async def engine_failed(line: Line, upstream: Upstream) -> None:
    upstream.behave("chat", fault="500")
    await line.type("Hello?")
    await line.answer()


async def not_understood(line: Line, upstream: Upstream) -> None:
    upstream.behave("transcriptions", fault="500")
    await line.say()
    await line.until("conversation.item.input_audio_transcription.failed")


async def items(line: Line, upstream: Upstream) -> None:
    first = {"id": "item_mine", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    await line.send("conversation.item.create", item=first)
    await line.until("conversation.item.added")
    system = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind."}]}
    await line.send("conversation.item.create", item=system, previous_item_id="root")
    await line.send("conversation.item.retrieve", item_id="item_mine")
    await line.until("conversation.item.retrieved")
    await line.send("conversation.item.delete", item_id="item_mine")
    await line.until("conversation.item.deleted")


async def refused(line: Line, upstream: Upstream) -> None:
    await line.send("response.cancel", event_id="event_mine")
    await line.until("error")


async def silence(line: Line, upstream: Upstream) -> None:
    """The assistant asks whether somebody is there."""
    await line.configure(turn_detection={"type": "server_vad", "idle_timeout_ms": 1000})
    await line.type("Hello.")
    await line.answer()
    await line.until("input_audio_buffer.timeout_triggered")
    await line.answer()


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
