"""Notice that nobody has spoken for a long time since a response was played."""

from dataclasses import replace

from conversations.pcm import samples_to_ms
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.response_options import build_default_options
from conversations.realtime.user_turn.turn import UserTurn
from conversations.realtime.user_turn.utterance import Utterance

STILL_THERE = "The user has been silent for a while. In one short sentence, ask whether they are still there."


class IdleTimeout:
    """Have the assistant ask, once, whether somebody is there."""

    def __init__(self, state: CascadeState, user_turn: UserTurn, agent_turn: AgentTurn) -> None:
        self.state = state
        self.user_turn = user_turn
        self.agent_turn = agent_turn

    def end_idle_time(self) -> None:
        """Commit the silence as an item without words, and begin a response that asks for the user."""
        agent_turn, is_speaking = self.agent_turn, self.user_turn.utterance is not None
        if agent_turn.has_asked or is_speaking or self.state.pending or agent_turn.response is not None:
            return
        self._commit_silence()
        options = build_default_options(self.state)
        options = replace(options, instructions=f"{options.instructions}\n\n{STILL_THERE}".strip())
        agent_turn.begin(options)
        agent_turn.has_asked = True

    def _commit_silence(self) -> None:
        buffer = self.user_turn.buffer
        silence = Utterance(self.state.make_id("item"), buffer.start)
        span = {"audio_start_ms": samples_to_ms(silence.start), "audio_end_ms": samples_to_ms(buffer.received)}
        self.state.send("input_audio_buffer.timeout_triggered", item_id=silence.item_id, **span)
        self.user_turn.commits.commit(silence, buffer.take(), respond=False)
