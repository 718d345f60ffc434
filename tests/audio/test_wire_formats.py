"""Sound in telephony's formats: what goes in comes out, as long as it was, and at once."""

import asyncio
import base64
import json
from typing import Any

import av
import numpy as np
import pytest

from conversations.audio.g711 import A_LAW, FACTOR, MU_LAW, Decoder, Encoder, Law
from conversations.audio.wire_formats import InputAudio, OutputAudio, decode_item_audio, get_bytes_per_ms
from conversations.pcm import BYTES_PER_MS
from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.client_events import AudioAppend, ClientEvent, ItemCreation, parse_event
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_config import AudioInput, AudioOutput, SessionConfig

PCM, PCMU, PCMA = "audio/pcm", "audio/pcmu", "audio/pcma"
both_laws = pytest.mark.parametrize(("law", "codec"), [(MU_LAW, "pcm_mulaw"), (A_LAW, "pcm_alaw")])


def make_tone(hz: float, ms: int = 1000, rate: int = 24_000) -> bytes:
    time_sec = np.arange(ms * rate // 1000) / rate
    return np.asarray(np.sin(2 * np.pi * hz * time_sec) * 9_000).astype(np.int16).tobytes()


def read_samples(pcm: bytes) -> Any:
    return np.frombuffer(pcm, np.int16).astype(float)


def measure_signal_to_noise_db(sound: bytes, original: bytes) -> float:
    inner = slice(500, -500)  # a tone that starts and ends at once has every pitch there
    wanted, error = read_samples(original)[inner], (read_samples(sound) - read_samples(original))[inner]
    return float(10 * np.log10((wanted**2).mean() / (error**2).mean()))


def encode(law: Law, pcm: bytes, step: int = 40 * BYTES_PER_MS) -> bytes:
    encoder = Encoder(law)
    return b"".join(encoder.encode(pcm[start : start + step]) for start in range(0, len(pcm), step)) + encoder.flush()


def decode(law: Law, data: bytes, step: int = 160) -> bytes:
    decoder = Decoder(law)
    return b"".join(decoder.decode(data[start : start + step]) for start in range(0, len(data), step)) + decoder.flush()


@both_laws
@pytest.mark.parametrize("hz", [100, 440, 1000, 3000])
def test_what_went_in_comes_out(law: Law, codec: str, hz: float) -> None:
    sound = make_tone(hz)
    data = encode(law, sound)
    assert (len(data), len(decode(law, data))) == (8_000, len(sound))
    assert measure_signal_to_noise_db(decode(law, data), sound) > 35  # G.711 itself has about 38


@both_laws
def test_the_codes_are_those_of_the_standard(law: Law, codec: str) -> None:
    """As FFmpeg has them."""
    reader: Any = av.CodecContext.create(codec, "r")
    reader.sample_rate, reader.layout = 8_000, "mono"
    levels = reader.decode(av.Packet(bytes(range(256))))[0].to_ndarray().ravel()
    assert (levels == law.levels).all()
    assert (levels[law.codes[levels.view(np.uint16)]] == levels).all()


@both_laws
def test_silence(law: Law, codec: str) -> None:
    assert set(encode(law, bytes(4800))) == {0xFF if codec == "pcm_mulaw" else 0xD5}
    assert np.abs(read_samples(decode(law, encode(law, bytes(4800))))).max() <= 16  # the A-law has no zero


@both_laws
@pytest.mark.parametrize("hz", [4700, 6000, 9000])
def test_what_8_khz_cannot_hold_is_left_out(law: Law, codec: str, hz: float) -> None:
    heard = law.levels[np.frombuffer(encode(law, make_tone(hz)), np.uint8)].astype(float)
    assert heard[50:-50].std() < 9_000 / 300  # 50 dB less; else it would sound at another pitch


@both_laws
@pytest.mark.parametrize("step", [1, 7, 160, 8000])
def test_it_comes_out_alike_however_it_comes_in(law: Law, codec: str, step: int) -> None:
    data = encode(law, make_tone(440, 200))
    assert decode(law, data, step) == decode(law, data, len(data))
    assert encode(law, make_tone(440, 200), 2 * step) == data


@both_laws
def test_a_sound_is_kept_back_for_2_ms_only(law: Law, codec: str) -> None:
    assert len(Encoder(law).encode(make_tone(440, 40))) == 8 * 38
    assert len(Decoder(law).decode(bytes(8 * 20))) == 18 * BYTES_PER_MS


@both_laws
@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_the_length_of_little(law: Law, codec: str, count: int) -> None:
    assert len(encode(law, bytes(2 * count))) == -(-count // FACTOR)
    assert len(decode(law, bytes(count))) == 2 * FACTOR * count


# In a session: what the client sends.


def read(audio: InputAudio, kind: str, *events: ClientEvent) -> bytes:
    read = [one for event in events for one in audio.read(event, kind)]
    return b"".join(one.pcm for one in read if isinstance(one, AudioAppend))


def test_pcm_is_passed_on_as_it_is() -> None:
    append = AudioAppend(b"odd", "mine")
    assert InputAudio().read(append, PCM) == [append]


def test_a_commit_takes_the_last_of_it() -> None:
    audio, data = InputAudio(), encode(MU_LAW, make_tone(440))
    commit = parse_event('{"type": "input_audio_buffer.commit"}')
    assert len(read(audio, PCMU, AudioAppend(data), commit)) == 1000 * BYTES_PER_MS
    assert len(read(audio, PCMU, AudioAppend(data), commit)) == 1000 * BYTES_PER_MS
    assert audio.read(commit, PCMU)[-1] is commit


def test_a_clear_drops_it() -> None:
    audio = InputAudio()
    read(audio, PCMU, AudioAppend(encode(MU_LAW, make_tone(440))), parse_event('{"type": "input_audio_buffer.clear"}'))
    heard = read(audio, PCMU, AudioAppend(encode(MU_LAW, bytes(4800))))
    assert np.abs(read_samples(heard)).max() <= 16  # the A-law has no zero


def test_formats_may_change_on_the_way() -> None:
    audio, sound = InputAudio(), make_tone(440)
    heard = read(audio, PCMU, AudioAppend(encode(MU_LAW, sound)))
    heard += read(audio, PCMA, AudioAppend(encode(A_LAW, sound)))
    heard += read(audio, PCM, AudioAppend(sound))
    assert len(heard) == 3 * len(sound)
    assert heard[2 * len(sound) :] == sound
    for start in range(2):
        assert measure_signal_to_noise_db(heard[start * len(sound) :][: len(sound)], sound) > 35


def test_time_is_counted_in_the_formats_own_bytes() -> None:
    assert (get_bytes_per_ms(PCM), get_bytes_per_ms(PCMU), get_bytes_per_ms(PCMA)) == (48, 8, 8)


def make_item(**part: Any) -> ItemCreation:
    content = [{"type": "input_audio", **part}]
    shown = {"type": "message", "role": "user", "content": content}
    event = parse_event(json.dumps({"type": "conversation.item.create", "item": shown}))
    assert isinstance(event, ItemCreation)
    return event


def make_session_config(kind: str) -> SessionConfig:
    heard = AudioInput(AudioFormat(kind))
    return SessionConfig("sess_1", "assistant", expires_at=0, output=AudioOutput("kore"), input=heard)


def test_an_item_is_in_the_sessions_format() -> None:
    event = make_item(audio=base64.b64encode(encode(A_LAW, make_tone(440))).decode())
    event, seconds = decode_item_audio(event, make_session_config(PCMA))
    assert 1 <= seconds < 1.01
    (part,) = event.item.content
    assert measure_signal_to_noise_db(part.audio or b"", make_tone(440)) > 35


def test_an_item_that_is_no_base64_is_refused_before_it_is_converted() -> None:
    with pytest.raises(ProtocolError) as refused:
        make_item(audio="%%%")
    assert refused.value.param == "item.content.audio"


def test_an_item_that_is_too_long() -> None:
    event = make_item(audio=base64.b64encode(bytes(8 * 301_000)).decode())
    with pytest.raises(ProtocolError, match="limited to 300 seconds") as refused:
        decode_item_audio(event, make_session_config(PCMU))
    assert refused.value.param == "item.content.audio"


# What the client is sent.


def make_response_events(response_id: str, kind: str, pcm: bytes) -> list[dict[str, Any]]:
    of = {"event_id": "event_1", "response_id": response_id, "item_id": f"item_{response_id}"}
    step = 40 * BYTES_PER_MS
    pieces = [base64.b64encode(pcm[start : start + step]).decode() for start in range(0, len(pcm), step)]
    shown = {"id": response_id, "audio": {"output": {"format": {"type": kind}}}}
    return [
        {"type": "response.created", "response": shown},
        *({"type": "response.output_audio.delta", **of, "delta": piece} for piece in pieces),
        {"type": "response.output_audio.done", **of},
        {"type": "response.done", "response": shown},
    ]


def join_sound(events: list[dict[str, Any]], response_id: str) -> bytes:
    deltas = [event["delta"] for event in events if event.get("response_id") == response_id and "delta" in event]
    return b"".join(map(base64.b64decode, deltas))


def test_two_responses_beside_one_another_each_in_its_format() -> None:
    audio, sound = OutputAudio(), make_tone(440)
    pairs = zip(make_response_events("a", PCMU, sound), make_response_events("b", PCM, sound), strict=True)
    told = [one for pair in pairs for event in pair for one in audio.encode_event(event)]
    assert len(join_sound(told, "a")) == 8_000
    assert measure_signal_to_noise_db(decode(MU_LAW, join_sound(told, "a")), sound) > 35
    assert join_sound(told, "b") == sound
    kinds = [event["type"] for event in told if event.get("response_id") == "a"]
    assert kinds[-2:] == ["response.output_audio.delta", "response.output_audio.done"]
    again = [one for event in make_response_events("a", PCM, sound) for one in audio.encode_event(event)]
    assert join_sound(again, "a") == sound  # nothing is left of what ended


def test_pcm_goes_out_as_it_is() -> None:
    audio = OutputAudio()
    for event in make_response_events("a", PCM, make_tone(440, 40)):
        (told,) = audio.encode_event(event)
        assert told is event


def test_a_delta_too_short_to_say_anything_waits() -> None:
    audio = OutputAudio()
    created, delta, done, _ = make_response_events("a", PCMU, make_tone(440, 1))
    assert audio.encode_event(created) == [created]
    assert audio.encode_event(delta) == []
    last, ended = audio.encode_event(done)
    assert (len(base64.b64decode(last["delta"])), ended) == (8, done)
    assert last["event_id"] != done["event_id"]


async def test_reading_an_item_may_go_on_in_a_thread() -> None:
    event = make_item(audio=base64.b64encode(bytes(8 * 299_000)).decode())
    _, seconds = await asyncio.to_thread(decode_item_audio, event, make_session_config(PCMU))
    assert seconds >= 299
