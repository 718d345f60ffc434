"""What upstream sends beside the protocol."""

import pytest

from conversations.realtime.relay.upstream_validation import MalformedEventError, check_event


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.done"},
        {"type": "response.created", "response": {"status": "in_progress"}},
        {
            "type": "conversation.item.added",
            "event_id": "e",
            "item": {"type": "message", "role": "user", "content": []},
        },
        {"type": "input_audio_buffer.speech_started", "event_id": "e", "item_id": "i", "audio_start_ms": "soon"},
    ],
)
def test_what_is_no_event_of_the_protocol(event: dict[str, object]) -> None:
    with pytest.raises(MalformedEventError):
        check_event(event)


def test_kinds_that_nobody_knows_are_passed_over() -> None:
    assert check_event({"type": "something.new"}) is None
    assert check_event({}) is None
