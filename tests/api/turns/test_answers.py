"""Which kind of answer a client gets that says what it accepts."""

import pytest

from conversations.api.turns.answers import choose_media_type


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "audio/ogg"),
        ("*/*", "audio/ogg"),
        ("audio/*", "audio/ogg"),
        ("audio/ogg; codecs=opus", "audio/ogg"),
        ("audio/mpeg", "audio/mpeg"),
        ("AUDIO/MPEG", "audio/mpeg"),
        ("audio/mp3, */*;q=0.1", "audio/mpeg"),
        ("audio/x-wav", "audio/wav"),
        ("audio/pcm;rate=24000", "audio/pcm"),
        ("text/event-stream", "text/event-stream"),
        ("text/*", "text/event-stream"),
        ("audio/ogg;q=0.2, audio/wav;q=0.9, text/event-stream;q=0.3", "audio/wav"),
        ("audio/ogg;q=0, audio/*;q=0.5", "audio/mpeg"),
        ("audio/wav;q=0, audio/ogg;q=0, audio/mpeg;q=0, audio/*", "audio/pcm"),
        ("text/html, audio/webm, audio/mpeg;q=0.1", "audio/mpeg"),
        ("audio/ogg;q=loud", "audio/ogg"),
    ],
)
def test_it_works(accept: str, kind: str) -> None:
    assert choose_media_type(accept) == kind


@pytest.mark.parametrize("accept", ["text/html", "audio/webm", "audio/ogg;q=0", "video/*", "*/*;q=0", "nonsense", ",;"])
def test_nothing_of_what_is_served(accept: str) -> None:
    assert choose_media_type(accept) is None
