"""The events that are sent of a response, in the order of the Realtime protocol.

A response has one message, however many tools it calls: the message opens with the first words and closes with the
response. Every event of a response is sent from here, so that its texts agree and each `created` gets one `done`.
"""

import base64
from typing import Any

from conversations.pcm import BYTES_PER_MS, count_samples, samples_to_ms
from conversations.realtime.agent_turn.response import Response
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import LiveItem, Usage

FRAME_BYTES = 200 * BYTES_PER_MS  # the most audio in one event


def send_created(response: Response) -> None:
    """Send `response.created`."""
    response.send("response.created", response=_to_wire(response))


def open_message(response: Response, previous_item_id: str | None) -> None:
    """Send the opening events of the message."""
    add_output(response, response.item, previous_item_id)
    _send_part_event(response, "response.content_part.added", part=_build_part(response, ""))


def add_output(response: Response, item: LiveItem, previous_item_id: str | None) -> None:
    """Announce the message or a call as the response's next output."""
    shown = item.to_wire()
    if item is response.item:
        shown["content"] = []
    response.outputs.append(item)
    place = len(response.outputs) - 1
    response.send("response.output_item.added", response_id=response.id, output_index=place, item=shown)
    if not response.is_out_of_band:
        response.send("conversation.item.added", item=shown, previous_item_id=previous_item_id)


def close_output(response: Response, item: LiveItem, previous_item_id: str | None) -> None:
    """Send the closing events of an output, whose status must be set before."""
    shown, place = item.to_wire(as_sent=True), response.outputs.index(item)
    if not response.is_out_of_band:
        response.send("conversation.item.done", item=shown, previous_item_id=previous_item_id)
    response.send("response.output_item.done", response_id=response.id, output_index=place, item=shown)


def send_output_event(response: Response, item: LiveItem, kind: str, **fields: Any) -> None:
    """Send an event that names one of the outputs."""
    response.send(kind, response_id=response.id, item_id=item.id, output_index=response.outputs.index(item), **fields)


def send_text(response: Response, text: str) -> None:
    """Send text of the message: as captions of the speech, or as the text itself."""
    response.item.sent_text = (response.item.sent_text or "") + text
    name = "output_audio_transcript" if response.options.is_audio else "output_text"
    _send_part_event(response, f"response.{name}.delta", delta=text)


def send_audio(response: Response, index: int, pcm: bytes) -> None:
    """Send speech of the clause `index`, its words before its first sound, so that captions keep step."""
    reach_clause(response, index)
    response.item.audio_samples += count_samples(pcm)
    place = index + response.filled
    text, _ = response.item.clauses[place]
    response.item.clauses[place] = (text, response.item.audio_ms - response.clause_began_ms)
    _send_part_event(response, "response.output_audio.delta", delta=base64.b64encode(pcm).decode())


def reach_clause(response: Response, index: int) -> None:
    """Send the words of the clause `index`, unless they were sent."""
    if response.reached == index:
        response.item.clauses.append((response.script.clauses[index], 0))
        response.clause_began_ms = response.item.audio_ms
        send_text(response, response.script.clauses[index])


def send_filler(response: Response, pcm: bytes, at: float) -> None:
    """Send the sound of a filler, which has no words of the response.

    Clients show an item when its first text arrives, so an empty text goes first.
    """
    _send_part_event(response, "response.output_audio_transcript.delta", delta="")
    response.playback.schedule(at, response.item.audio_ms)
    response.filled += 1
    response.item.audio_samples += count_samples(pcm)
    response.item.clauses.append(("", samples_to_ms(count_samples(pcm))))
    for start in range(0, len(pcm), FRAME_BYTES):
        frame = pcm[start : start + FRAME_BYTES]
        _send_part_event(response, "response.output_audio.delta", delta=base64.b64encode(frame).decode())


def close_message(response: Response, previous_item_id: str | None) -> None:
    """Send the closing events of the message, whose status must be set before."""
    text = response.item.sent_text or ""
    if response.options.is_audio:
        _send_part_event(response, "response.output_audio.done")
        _send_part_event(response, "response.output_audio_transcript.done", transcript=text)
    else:
        _send_part_event(response, "response.output_text.done", text=text)
    _send_part_event(response, "response.content_part.done", part=_build_part(response, text))
    close_output(response, response.item, previous_item_id)


def send_done(response: Response) -> None:
    """Send `response.done`."""
    response.send("response.done", response=_to_wire(response))


def _to_wire(response: Response) -> dict[str, Any]:
    """Return the response as the protocol's `response.created` and `response.done` have it."""
    is_done = response.status != "in_progress"
    output = {"format": response.options.format.to_wire(), "voice": response.options.voice}
    return {
        "id": response.id,
        "object": "realtime.response",
        "status": response.status,
        "status_details": _build_status_details(response),
        "output": [item.to_wire(as_sent=True) for item in response.outputs] if is_done else [],
        "conversation_id": response.conversation_id,
        "output_modalities": ["audio"] if response.options.is_audio else ["text"],
        "max_output_tokens": response.options.max_tokens or "inf",
        "audio": {"output": output},
        "usage": _build_usage(response.item.usage) if is_done else None,
        **({} if response.options.metadata is None else {"metadata": response.options.metadata}),
        **({"timing": dict(response.item.waterfall)} if is_done and response.shows_timing else {}),
    }


def _build_status_details(response: Response) -> dict[str, Any] | None:
    if isinstance(response.reason, Failure):
        return {"type": "failed", "error": response.reason.to_wire()}
    return {"type": response.status, "reason": response.reason} if response.reason else None


def _build_usage(used: Usage) -> dict[str, Any]:
    """Return the tokens of a response as `response.usage` has them."""
    return {
        "total_tokens": used.input_tokens + used.output_tokens,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "input_token_details": {
            "text_tokens": used.input_tokens,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": used.cached_tokens,
        },
        "output_token_details": {"text_tokens": used.output_tokens, "audio_tokens": 0},
    }


def _send_part_event(response: Response, name: str, **fields: Any) -> None:
    send_output_event(response, response.item, name, content_index=0, **fields)


def _build_part(response: Response, text: str) -> dict[str, str]:
    # Part events say "audio" where the item's content says "output_audio"; clients rely on this.
    return {"type": "audio", "transcript": text} if response.options.is_audio else {"type": "text", "text": text}
