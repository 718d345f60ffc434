"""Appends: read without a parser of JSON where they have the usual shape, with the same outcome as by the parser."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.client_events import AudioAppend, parse_event
from conversations.realtime.protocol.errors import ProtocolError

APPEND = "input_audio_buffer.append"
PCM = bytes(range(64))
AUDIO = base64.b64encode(PCM).decode()


def read(frame: str, dialect: BetaDialect | None = None) -> Any:
    try:
        return parse_event(frame, dialect.translate_client_event if dialect else None)
    except ProtocolError as error:
        return error.code, error.message, error.param, error.event_id


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
def test_it_works(separators: tuple[str, str]) -> None:
    event = {"type": APPEND, "audio": AUDIO}
    assert parse_event(json.dumps(event, separators=separators)) == AudioAppend(PCM)
    with_id = json.dumps({"event_id": "evt_1-a", **event}, separators=separators)
    assert parse_event(with_id) == AudioAppend(PCM, "evt_1-a")


pieces = st.sampled_from(
    ["{", "}", '"', '"}', ",", ", ", ":", ": ", " ", "\n", "\\", "\\u0041", "\\ud800", "null", "1e999", "é", "=", "A",
     '"event_id"', '"evt_1"', '"type"', f'"{APPEND}"', '"audio"', f'"{AUDIO}"', AUDIO, "AAA=", "A===", "_-_-",
     '{"type": "input_audio_buffer.append", "audio": "', '{"type":"input_audio_buffer.append","audio":"',
     '{"event_id":"evt_1","type":"input_audio_buffer.append","audio":"', '","event_id":"evt_2"}', '","audio":null}'],
)  # fmt: skip


@given(st.lists(pieces, max_size=8).map("".join))
@example(f'{{"type":"{APPEND}","audio":"}}')
@example(f'{{"type":"{APPEND}","audio":""}}')
@example(f'{{"event_id":"","type":"{APPEND}","audio":"{AUDIO}"}}')
@example(f'{{"type":"{APPEND}","audio":"{AUDIO}","audio":"AAAA"}}')
@example(f'{{"type":"{APPEND}","audio":"{AUDIO}\\""}}')
@example(f'{{"type":"{APPEND}","audio":"{AUDIO}"}} ')
@example(f'{{"type":"{APPEND}","audio":"{AUDIO[:-1]}"}}')
def test_the_outcome_is_that_of_the_parser(frame: str) -> None:
    """Behind a space, which changes nothing in JSON, every frame goes through the parser."""
    assert read(frame) == read(f" {frame}")
    assert read(frame, BetaDialect()) == read(f" {frame}", BetaDialect())


@given(st.binary(max_size=2_000), st.sampled_from([(", ", ": "), (",", ":")]))
def test_any_sound(pcm: bytes, separators: tuple[str, str]) -> None:
    frame = json.dumps({"type": APPEND, "audio": base64.b64encode(pcm).decode()}, separators=separators)
    assert read(frame) == read(f" {frame}") == AudioAppend(pcm)
