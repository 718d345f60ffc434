"""Captions: the words of an utterance that a client is sent as they become known."""

from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.user_turn.utterance import Utterance

EVENT = "conversation.item.input_audio_transcription"


class Captions:
    """Send what is known of an utterance's words, unless the client has switched transcription off."""

    def __init__(self, state: CascadeState) -> None:
        self.state = state

    @property
    def are_off(self) -> bool:
        """Return whether the client wants no words of what the user says."""
        return self.state.config.input.transcription is None

    def send_partial(self, utterance: Utterance) -> None:
        """Send the words of an utterance that is being transcribed, to a client that has asked for captions."""
        if self.state.has_extension("captions"):
            self.send(utterance)

    def send(self, utterance: Utterance) -> None:
        """Send what has been added since the last caption.

        A word that has changed meanwhile is correct in `completed`.
        """
        if self.are_off or not utterance.partial.startswith(utterance.caption):
            return
        delta = utterance.partial[len(utterance.caption) :]
        utterance.caption = utterance.partial
        if delta:
            self.state.send(f"{EVENT}.delta", item_id=utterance.item_id, content_index=0, delta=delta)

    def complete(self, item_id: str, utterance: Utterance | None, text: str, stt_seconds: float) -> None:
        """Send the final words, first what they add to the captions where they continue them."""
        if self.are_off:
            return
        if utterance is not None and utterance.partial and text.startswith(utterance.partial):
            utterance.partial = text
            self.send(utterance)
        usage = {"type": "duration", "seconds": stt_seconds}
        self.state.send(f"{EVENT}.completed", item_id=item_id, content_index=0, transcript=text, usage=usage)

    def fail(self, item_id: str, failure: Failure, *, can_retry: bool) -> None:
        """Send why there will be no words, and to a client that can ask again, whether it may."""
        offer = {"can_retry": True} if can_retry and self.state.has_extension("retry") else {}
        self.state.send(f"{EVENT}.failed", item_id=item_id, content_index=0, error=failure.to_wire(), **offer)
