"""Fillers: what the assistant says so that the user does not wait in silence for long."""

from collections.abc import Sequence

from conversations.realtime import commands
from conversations.realtime.agent_turn.filler_phrases import choose_filler
from conversations.realtime.agent_turn.response import Phase, Response
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.response_options import build_default_options
from conversations.realtime.user_turn.utterance import PendingTranscript


class Fillers:
    """Say a filler when a deadline tells that the user has heard nothing for long. A response has at most one."""

    def __init__(self, state: CascadeState, agent_turn: AgentTurn) -> None:
        self.state = state
        self.agent_turn = agent_turn

    def bridge_silence(self, awaited: Sequence[PendingTranscript]) -> None:
        """Bridge a long silence after the endpoint; the engines go on beside it.

        `awaited` are the utterances that are to be answered once they are transcribed; if no response is running, one
        is begun for them early, so that the filler belongs to it.
        """
        agent_turn = self.agent_turn
        if (
            agent_turn.is_held_back
            or self.state.is_user_speaking
            or agent_turn.playback_queue.sounding_ended is not None
        ):
            return
        response = agent_turn.response or self._begin_early(awaited)
        if response is None or response.has_filled or response.has_sounded or not response.options.is_audio:
            return
        response.has_filled = True
        words = self._choose_words()
        response.item.usage.tts_characters += len(words)
        self.state.do(commands.SpeakFiller(response.id, words, response.options.voice, response.options.speed))

    def _begin_early(self, awaited: Sequence[PendingTranscript]) -> Response | None:
        """Begin the response to utterances that are being transcribed, and return it; None if there are none."""
        if not awaited:
            return None
        self.agent_turn.asked_at = min(one.committed_at for one in awaited)
        self.agent_turn.begin(build_default_options(self.state))
        response = self.agent_turn.response
        if response is not None:
            response.is_early = True
        return response

    def fill_tool_wait(self) -> None:
        """Say a filler while a tool takes long, unless something is being said."""
        response = self.agent_turn.response
        if response is None or response.has_filled or response.phase is not Phase.CALLING or response.is_owed:
            return
        response.has_filled = response.is_new_round = True
        self.agent_turn.builder.say_sentence(response, self._choose_words())

    def _choose_words(self) -> str:
        return choose_filler(self.state.config.input.language)
