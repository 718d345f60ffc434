"""Whatever the two sides say, in whatever order: the relay neither raises nor says what the protocol does not know."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.realtime.relay_table import TYPED, RelayTable

NAMES = ("a", "b", "c")


def list_steps(table: RelayTable, chance: Random) -> list[object]:
    name, other = chance.choice(NAMES), chance.choice(NAMES)
    item_id = chance.choice((f"item_{name}", f"said_{name}", "item_typed", "nobody's"))
    ms = chance.randrange(200)
    place = {"item_id": item_id, "content_index": 0}
    place_of = {"response_id": f"resp_{name}", "item_id": f"item_{other}", "output_index": 0, "content_index": 0}
    shown = {"id": item_id, "type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
    words = "conversation.item.input_audio_transcription"
    error = {"type": "server_error", "message": "No.", "event_id": chance.choice((None, "event_9", "event_20"))}
    return [
        lambda: table.send("conversation.item.create", item={**TYPED, "id": item_id}),
        lambda: table.send("conversation.item.delete", item_id=item_id),
        lambda: table.send("conversation.item.retrieve", item_id=item_id),
        lambda: table.send("conversation.item.truncate", **place, audio_end_ms=ms),
        lambda: table.send("response.create"),
        lambda: table.send("response.create", response={"conversation": "none"}),
        lambda: table.send("response.cancel"),
        lambda: table.send("input_audio_buffer.commit"),
        lambda: table.send("input_audio_buffer.clear"),
        lambda: table.send("session.update", session={"audio": {"input": {"turn_detection": None}}}),
        lambda: table.send("session.update", session={"extensions": ["playback"]}),
        lambda: table.send("output_audio_buffer.started", response_id=f"resp_{name}", played_ms=ms),
        lambda: table.send_audio(ms // 10),
        lambda: table.agree(),
        lambda: table.lose(),
        lambda: table.connect(),
        lambda: table.pass_time(ms / 100),
        lambda: table.begin_response(name, "Some words.", ms // 10),
        lambda: table.begin_response(name, "Some words.", ms // 10, conversation_id=None),
        lambda: table.end_response(name, "Some words.", chance.choice(("completed", "cancelled", "failed"))),
        lambda: table.report("response.output_audio_transcript.delta", **place_of, delta="more"),
        lambda: table.report("response.output_audio.delta", **place_of, delta="AAAA"),
        lambda: table.report("conversation.item.added", item=shown, previous_item_id=other),
        lambda: table.report("conversation.item.done", item=shown, previous_item_id=None),
        lambda: table.report("conversation.item.deleted", item_id=item_id),
        lambda: table.report("conversation.item.truncated", **place, audio_end_ms=ms),
        lambda: table.report("input_audio_buffer.speech_started", audio_start_ms=ms, item_id=f"said_{name}"),
        lambda: table.report("input_audio_buffer.speech_stopped", audio_end_ms=ms, item_id=f"said_{name}"),
        lambda: table.report("input_audio_buffer.committed", item_id=f"said_{name}", previous_item_id=None),
        lambda: table.report("input_audio_buffer.cleared"),
        lambda: table.report(f"{words}.delta", **place, delta="x"),
        lambda: table.report(f"{words}.failed", **place, error={"message": "No."}),
        lambda: table.report_transcript(f"said_{name}", "Hello."),
        lambda: table.report("error", error=error),
    ]


@settings(max_examples=200, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_it_works(chance: Random) -> None:
    table = RelayTable(is_up=chance.random() < 0.8)
    for _ in range(60):
        chance.choice(list_steps(table, chance))()  # type: ignore[operator]
    table.assert_stored_before_told()
    table.leave(vanished=chance.random() < 0.5)
    created = [event["response"]["id"] for event in table.sent if event["type"] == "response.created"]
    ended = [event["response"]["id"] for event in table.sent if event["type"] == "response.done"]
    assert len(ended) <= len(created)
