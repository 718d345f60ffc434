"""The files that `ClipEncoder` makes of sound that came in pieces."""

import numpy as np
import pytest

from conversations.audio import opus
from conversations.audio.clip_encoder import ClipEncoder
from tests.support.factories import make_tone

FRAME_BYTES = 2 * 960


def split_frames(pcm: bytes) -> list[bytes]:
    return [pcm[start : start + FRAME_BYTES] for start in range(0, len(pcm), FRAME_BYTES)]


def decode_samples(ogg: bytes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.frombuffer(opus.decode(ogg), dtype="<i2").astype(float)


def assert_same_sound(ogg: bytes, pcm: bytes) -> None:
    heard, whole = decode_samples(ogg), decode_samples(opus.encode(pcm))
    assert len(heard) == len(whole)
    assert np.abs(heard - whole).max() < 200


def test_an_utterance() -> None:
    clips, pcm = ClipEncoder(), make_tone(2_000)
    for piece in split_frames(pcm):
        clips.add_user_audio("item_1", piece)
    make = clips.finish_user_clip("item_1", pcm)
    assert_same_sound(make(), pcm)
    assert make() == make()


@pytest.mark.parametrize("ms", [1_970, 1_500, 100])
def test_an_utterance_that_ended_before_the_last_that_came(ms: int) -> None:
    clips, pcm = ClipEncoder(), make_tone(2_000)
    for piece in split_frames(pcm):
        clips.add_user_audio("item_1", piece)
    assert_same_sound(clips.finish_user_clip("item_1", pcm[: ms * 48])(), pcm[: ms * 48])


def test_an_utterance_that_came_to_nothing_is_not_in_the_next() -> None:
    clips, pcm = ClipEncoder(), make_tone(1_000)
    clips.add_user_audio("item_1", make_tone(3_000))
    for piece in split_frames(pcm):
        clips.add_user_audio("item_2", piece)
    assert_same_sound(clips.finish_user_clip("item_2", pcm)(), pcm)


def test_a_clients_own_item_amid_an_utterance_leaves_it_whole() -> None:
    clips, pcm = ClipEncoder(), make_tone(1_200, 300) + make_tone(800, 700)
    frames = split_frames(pcm)
    for piece in frames[:30]:
        clips.add_user_audio("item_1", piece)
    assert_same_sound(clips.finish_user_clip("item_2", make_tone(500))(), make_tone(500))
    for piece in frames[30:]:
        clips.add_user_audio("item_1", piece)
    assert_same_sound(clips.finish_user_clip("item_1", pcm)(), pcm)


def test_a_clip_of_sound_that_was_not_added_before() -> None:
    pcm = make_tone(500)
    assert_same_sound(ClipEncoder().finish_user_clip("item_1", pcm)(), pcm)


def test_replies_keep_their_own_sound() -> None:
    clips, pcm = ClipEncoder(), make_tone(1_500)
    for piece in split_frames(pcm):
        clips.add_response_audio("resp_1", piece)
    clips.add_response_audio("resp_2", pcm[:4_800])
    one, other = clips.finish_response_clip("resp_1"), clips.finish_response_clip("resp_2")
    assert one
    assert_same_sound(one(), pcm)
    assert other
    assert_same_sound(other(), pcm[:4_800])
    assert clips.finish_response_clip("resp_1") is None
