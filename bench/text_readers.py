"""What reads the texts of clients, providers and files on the event loop, by name in READERS."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain

from django.core.exceptions import ValidationError

from accounts.outbound.bounded_responses import parse_json
from bench.worst_texts import SAID
from conversations import keywords
from conversations.engines.demo.eliza import find_reply
from conversations.engines.errors import EngineErrors
from conversations.engines.openai import provider_errors
from conversations.engines.openai.chat_stream import ChatStream, ReportedError
from conversations.engines.openai.llm import TOOLS_REFUSED
from conversations.engines.openai.readback import Readback
from conversations.engines.sound_formats import UnusableAudioError
from conversations.engines.speech_decoder import AnswerDecoder, TextAnswerError
from conversations.engines.untrusted_text import make_storable
from conversations.realtime import commands, engine_events
from conversations.realtime.machine import TurnMachine
from conversations.realtime.protocol.client_events import parse_event
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_config import build_config
from conversations.realtime.relay.upstream_validation import MalformedEventError, check_event
from conversations.realtime.text.heard_text import estimate_heard_text
from conversations.realtime.user_turn.backchannel import is_backchannel, is_hallucination, remove_echo
from conversations.realtime.user_turn.endpoint_silence import PauseLengths, choose_wait_ms
from conversations.realtime.user_turn.interruption import join_words
from conversations.realtime.user_turn.transcript_filter import extract_spoken_words
from conversations.realtime.user_turn.transcription import MAX_CHARS
from conversations.session.engine_calls.text_completion import PIECE_CHARS

HEADER_CHARS = 65_000  # the client of HTTP takes no more

Read = Callable[[str], Iterator[None] | None]


# Of a client.


def read_client_words(text: str) -> Iterator[None]:
    """Read words as a part of an event, as a whole frame, and as an event's type."""
    part = {"type": "input_text", "text": text}
    item = {"type": "message", "role": "user", "content": [part]}
    for frame in (json.dumps({"type": "conversation.item.create", "item": item}), text, f'{{"type":"{text}"}}'):
        yield
        read_frame(frame)


def read_frame(frame: str) -> None:
    try:
        parse_event(frame)
    except ProtocolError:
        return


# Of a language model.


def read_streamed_reply(text: str) -> Iterator[None]:
    """Give the turn machine a reply in small pieces, and each clause a frame of sound."""
    yield from _read_reply(text, 16)


def read_whole_reply(text: str) -> Iterator[None]:
    """Give the turn machine a reply as a server sends it that does not stream, cut as the session cuts it."""
    yield from _read_reply(text, PIECE_CHARS)


def _read_reply(text: str, step: int) -> Iterator[None]:
    machine = _build_machine()
    actions = machine.receive(parse_event('{"type":"response.create"}'), 1.0)
    asked = next(action for action in actions if isinstance(action, commands.Generate))
    pieces = (
        engine_events.TextDelta(asked.response_id, text[start : start + step]) for start in range(0, len(text), step)
    )
    events: Iterator[engine_events.EngineEvent] = chain(
        pieces, [engine_events.GenerationDone(asked.response_id, "stop")]
    )
    for event in events:
        yield
        if machine.agent_turn.response is None:  # it was too long, and is refused
            return
        for clause in [action for action in machine.receive(event, 1.0) if isinstance(action, commands.SpeakClause)]:
            if clause.text:
                machine.receive(engine_events.SpeechAudio(asked.response_id, clause.index, bytes(1920)), 1.0)
            machine.receive(engine_events.SpeechDone(asked.response_id, clause.index), 1.0)


def _build_machine() -> TurnMachine:
    config = build_config(
        session_id="sess_1", model="m", instructions="", voice="", stt_model="", language="", speed=1.0, expires_at=1
    )
    machine = TurnMachine(config, "conv_1", _build_id_maker())
    machine.start(0.0)
    return machine


def _build_id_maker() -> Callable[[str], str]:
    numbers = iter(range(1_000_000))
    return lambda prefix: f"{prefix}_{next(numbers)}"


def read_provider_stream(text: str) -> Iterator[None]:
    """Read a language model's stream: words in small pieces, and a body that is no event at all."""
    chunks = (
        f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text[start : start + 100]}}]})}\n\n"
        for start in range(0, len(text), 100)
    )
    raw = (text[start : start + 1_000] for start in range(0, len(text), 1_000))
    for pieces in (chunks, raw):
        stream = ChatStream(())
        with suppress(ValueError, ReportedError):
            for piece in pieces:
                yield
                for _ in stream.feed(piece.encode()):
                    pass
            for _ in stream.finish():
                pass


def read_provider_answer(text: str) -> Iterator[None]:
    """Read a provider's answer, as JSON and as text, and the header that says when to ask again."""
    for body in (text, f'"{text}"', f"[{text}]", f'{{"error":{{"message":"{text}"}}}}'):
        yield
        with suppress(ValueError):
            provider_errors.parse_error(parse_json(body, len(body)))
    yield
    provider_errors.parse_retry_after_sec({"retry-after": text[:HEADER_CHARS], "retry-after-ms": text[:HEADER_CHARS]})


def decode_provider_sound(text: str) -> Iterator[None]:
    """Decode what text to speech answers: bare, and behind the beginnings of sound files."""
    for head in (b"", b"\0", b"RIFF\0\0\0\0WAVE", b"\xff\xfb\x90\x64"):
        sound, body = AnswerDecoder("audio/L16; rate=16000"), head + text.encode()
        with suppress(UnusableAudioError, TextAnswerError):
            for start in range(0, len(body), 1_000):
                yield
                sound.feed(body[start : start + 1_000])
            sound.finish()


def check_provider_event(text: str) -> None:
    """Check events of a speech-to-speech model: long words, and lists of values of a wrong type."""
    response = {"id": "r", "output": [text[:1]] * len(text), "output_modalities": [text[:1]] * len(text)}
    for event in (
        {"type": "response.done", "event_id": "e", "response": response},
        json.loads(json.dumps({"type": text})),
    ):
        try:
            check_event(event)
        except MalformedEventError:
            continue


def compare_readback(text: str) -> Iterator[None]:
    """Compare what a model reads aloud with its text, as long as the two agree."""
    readback = Readback(SAID[:240])
    for start in range(0, len(text), 40):
        yield
        readback.add_transcript(text[start : start + 40])
        if not readback.is_faithful():
            return
    readback.replace_transcript(text)
    yield
    if readback.is_faithful(is_over=True):
        _ = readback.unread


# Of speech to text.


def judge_partial_words(text: str) -> Iterator[None]:
    """Judge the words so far, over a reply that is sounding, in ten pieces."""
    said = ""
    step = max(1, len(text) // 10)
    for end in range(step, len(text) + step, step):
        yield
        words = text[:end][:MAX_CHARS]
        said = join_words(said, SAID[: end % 500])
        remove_echo(words, said)
        extract_spoken_words(words, is_partial=True)
        is_backchannel(words)
        choose_wait_ms(words, "medium", PauseLengths())


def validate_keywords(text: str) -> None:
    """Validate the keywords of an assistant's form."""
    try:
        keywords.validate(text)
    except ValidationError:
        return


READERS: dict[str, Read] = {
    "an event's words": read_client_words,
    "an error message": lambda text: _discard(
        EngineErrors("llm", "openai", "OpenAI", "key").build_rejected_error(text)
    ),
    "an error about tools": lambda text: _discard(TOOLS_REFUSED.search(text)),
    "halves of characters": lambda text: _discard(make_storable(text)),
    "a reply in pieces": read_streamed_reply,
    "a reply at once": read_whole_reply,
    "what was heard of a reply": lambda text: _discard(estimate_heard_text([(text, 1000)], 500)),
    "a reading": compare_readback,
    "a provider's event": check_provider_event,
    "a provider's stream": read_provider_stream,
    "a provider's answer": read_provider_answer,
    "what is to be speech": decode_provider_sound,
    "words over a reply": lambda text: _discard(remove_echo(text, SAID)),
    "a reply that is echoed": lambda text: _discard(remove_echo(SAID[:300], text)),
    "what was said": lambda text: _discard(join_words(text, text)),
    "partial words": judge_partial_words,
    "a transcript": lambda text: _discard(extract_spoken_words(text[:MAX_CHARS])),
    "a backchannel": lambda text: _discard(is_backchannel(text)),
    "a hallucination": lambda text: _discard(is_hallucination(text)),
    "the end of an utterance": lambda text: _discard(choose_wait_ms(text, "medium", PauseLengths())),
    "words to the demo": lambda text: _discard(find_reply([text])),
    "key words": validate_keywords,
}


def _discard(_: object) -> None:
    return None
