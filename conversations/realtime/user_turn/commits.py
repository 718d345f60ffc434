"""Turn an utterance that has ended into an item of the conversation."""

from conversations.pcm import count_samples
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.user_turn.transcription import Transcription
from conversations.realtime.user_turn.utterance import Utterance

# An utterance with fewer windows of speech counts as silence and is not transcribed.
MIN_SPEECH_WINDOWS = 2


class UtteranceCommits:
    """Commit utterances: store the item, announce it to the client, and have it transcribed."""

    def __init__(self, state: CascadeState, transcription: Transcription) -> None:
        self.state = state
        self.transcription = transcription

    def commit(self, utterance: Utterance, pcm: bytes, *, respond: bool) -> None:
        """Commit the utterance with its audio `pcm`. `respond` says whether the assistant answers it."""
        item = LiveItem(
            utterance.item_id, role="user", is_audio=True, is_transcribed=False, audio_samples=count_samples(pcm)
        )
        item.usage = utterance.usage
        self.state.log.insert(item)
        has_speech = utterance.speech_windows >= MIN_SPEECH_WINDOWS
        is_known = utterance.words is not None or not has_speech
        self.transcription.await_item(item, pcm, utterance, respond=respond, is_known=is_known)
        self.state.save(item, pcm=pcm)
        before = self.state.log.get_previous_id(item)
        self.state.send("input_audio_buffer.committed", item_id=item.id, previous_item_id=before)
        self.state.announce(item)
        if is_known:
            self.transcription.settle_item(item.id, utterance.words or "", utterance.usage.stt_seconds)
