import socket
from typing import Any

import numpy as np
import pytest

from conversations.engines.local.voices import hibari as hibari_voice
from conversations.engines.local.voices.hibari import HibariVoice, list_ids, read_english


def test_it_works() -> None:
    voice = HibariVoice()
    normal, fast = (np.concatenate(list(voice.synthesise("Good morning, how are you?", speed, lambda: None)))
                    for speed in (1.0, 1.5))  # fmt: skip
    assert 1.0 < len(normal) / voice.sample_rate < 3.0
    assert 0.55 < len(fast) / len(normal) < 0.85
    assert 0.1 < np.abs(normal).max() <= 1.5
    assert list(voice.synthesise("", 1.0, lambda: None)) == []


def test_american_and_british_phonemes() -> None:
    assert read_english("I can't park the car.") == "ˌI kˈænt pˈɑɹk ðə kˈɑɹ."
    assert read_english("I can't park the car.", is_british=True) == "ˌI kˈɑːnt pˈɑːk ðə kˈɑː."
    assert len(list_ids("kˈɑɹ.")) == 5


@pytest.mark.parametrize(
    "text",
    [
        "1" * 40,
        "１" * 40,
        "①" * 40,
        "٣" * 40,
        "[car](/bad/)",
        "[" * 300,
        "a-" * 20,
        "²" * 40,
        "\0\ud800\U0010ffff",
        "²" * 50,
        "$" * 300,
    ],
)
def test_no_text_is_too_strange(text: str) -> None:
    assert "bad" not in read_english(text)


def test_the_package_asks_nothing_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would fetch other voices by itself."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it looked for the network")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    hibari_voice.load_phonemiser.cache_clear()
    assert list(HibariVoice().synthesise("Xyzzyqua.", 1.0, lambda: None))
