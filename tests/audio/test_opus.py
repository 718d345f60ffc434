import time

import av
import numpy as np
import pytest

from conversations.audio import opus
from tests.support.factories import make_tone

SAMPLES_20_MS = 480


def test_it_works() -> None:
    pcm = make_tone(1000)
    ogg = opus.encode(pcm)
    assert ogg.startswith(b"OggS")
    assert 2_000 < len(ogg) < 6_000
    assert opus.decode(ogg)[:100] != b"\0" * 100


@pytest.mark.parametrize("samples", [1, 100, 479, 480, 481, 24_000, 24_001, 99_999])
def test_the_length_is_kept(samples: int) -> None:
    pcm = (make_tone(5_000) * 1)[: samples * 2]
    assert abs(len(opus.decode(opus.encode(pcm))) // 2 - samples) <= SAMPLES_20_MS


def test_what_is_known_early_is_encoded_early() -> None:
    pcm, encoding = make_tone(2_000), opus.Encoding()
    encoding.put(pcm[:4_802])
    encoding.encode()
    encoding.put(pcm[4_802:50_000])
    encoding.put(pcm[50_000:60_000])  # and no thread has had the time
    ogg = encoding.finish(pcm[60_000:])
    assert encoding.finish(pcm[60_000:]) == ogg
    encoding.encode()  # by a thread that is late
    heard, whole = (np.frombuffer(opus.decode(made), dtype="<i2").astype(float) for made in (ogg, opus.encode(pcm)))
    assert len(heard) == len(whole)
    assert np.abs(heard - whole).max() < 200


def test_sound_stays_where_it_was() -> None:
    """A shift would put captions and truncation out of step."""
    silence = b"\0\0" * 12_000
    samples = np.abs(
        np.frombuffer(opus.decode(opus.encode(silence + make_tone(500) + silence)), dtype="<i2").astype(int)
    )
    loud = np.flatnonzero(samples > 2_000)
    assert abs(int(loud[0]) - 12_000) < SAMPLES_20_MS
    assert abs(int(loud[-1]) - 24_000) < SAMPLES_20_MS


def test_it_is_far_faster_than_speech() -> None:
    pcm = make_tone(10_000)
    started = time.process_time()
    opus.decode(opus.encode(pcm))
    assert time.process_time() - started < 2


@pytest.mark.parametrize("pcm", [b"", b"\0"])
def test_no_sound_is_refused(pcm: bytes) -> None:
    with pytest.raises(ValueError, match=r"no sound|buffer size"):
        opus.encode(pcm)


@pytest.mark.parametrize("ogg", [b"", b"not a sound", b"OggS" + b"\0" * 200])
def test_what_is_no_ogg_is_refused(ogg: bytes) -> None:
    with pytest.raises(av.error.FFmpegError):
        opus.decode(ogg)
