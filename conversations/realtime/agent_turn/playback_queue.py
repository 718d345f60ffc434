"""What the client is playing: the responses that have ended and still sound, and the one that is running."""

from math import inf

from conversations.realtime import commands
from conversations.realtime.agent_turn.response import Response
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.items import LiveItem

MOST_KEPT = 8


class PlaybackQueue:
    """The responses that a client may be playing, one after the other in the order they were sent.

    `last`, `ends_at` and the cuts are of the ended ones; the running response is the last in the row.
    """

    def __init__(self, state: CascadeState) -> None:
        self.state = state
        self.running: Response | None = None  # the response of the conversation that has not ended
        self._ended: list[Response] = []

    @property
    def last(self) -> Response | None:
        """Return the response that ended last, or None."""
        return self._ended[-1] if self._ended else None

    @property
    def sounding(self) -> Response | None:
        """Return the response that a client in real time is playing or about to play, or None."""
        return self.sounding_ended or self.running

    @property
    def sounding_ended(self) -> Response | None:
        """Return the ended response that a client in real time is playing now, or None."""
        return next((one for one in self._ended if self._is_sounding(one)), None)

    @property
    def ends_at(self) -> float:
        """Return when everything will have been played, in seconds of the session's clock; 0.0 if nothing plays."""
        sounding = filter(self._is_sounding, self._ended)
        return max((one.playback.compute_end_at(one.item.audio_ms) for one in sounding), default=0.0)

    def _is_sounding(self, one: Response) -> bool:
        is_uncut = one.is_open and one.item.heard_ms is None
        return is_uncut and one.playback.is_sounding(self.state.now, one.item.audio_ms)

    def add(self, response: Response) -> None:
        """Add a response that has ended, and forget the earlier ones that are no longer playing."""
        sounding = [one for one in self._ended if self._is_sounding(one)]
        self._ended = [*sounding[1 - MOST_KEPT :], response]

    def find(self, response_id: str) -> Response | None:
        """Return the response with this id, or None if it is no longer known."""
        known = [self.running, *self._ended]
        return next((one for one in known if one is not None and one.id == response_id), None)

    def collect_recent_text(self) -> str:
        """Return the clauses that were played in the last seconds: what a microphone may pick up as an echo."""
        playing = [self.sounding_ended, self.running]
        return "".join(one.collect_recent_text(self.state.now) for one in playing if one is not None)

    def estimate_left_ms(self) -> float:
        """Return about how many ms playback will still take; infinity if the model still writes."""
        sounding = self.sounding
        is_last = sounding is not None and self.running in (None, sounding)
        return sounding.estimate_left_ms(self.state.now) if sounding is not None and is_last else inf

    def forget(self, item: LiveItem) -> None:
        """Forget the response of this item: the client deleted it, so it must not be stored again."""
        self._ended = [one for one in self._ended if item not in one.outputs]

    def mark_earlier_played(self, response: Response) -> None:
        """Count the responses before this one as played, since the client has begun to play this one."""
        place = self._ended.index(response) if response in self._ended else len(self._ended)
        for one in self._ended[:place]:
            one.playback.report(one.item.audio_ms, self.state.now)

    def pause(self) -> None:
        """Stop playback, and keep the engines from running further ahead."""
        held = self._find_held_ids()
        for one in filter(self._is_sounding, self._ended):
            one.playback.pause(self.state.now)
        if self.running is not None:
            self.running.playback.pause(self.state.now)
        for response_id in held:
            self.state.do(commands.HoldSpeech(response_id))

    def resume(self) -> None:
        """Let playback go on from where it stopped."""
        held = self._find_held_ids()
        for one in self._ended:
            one.resume(self.state.now)
        if self.running is not None:
            self.running.resume(self.state.now)
        for response_id in held:
            self.state.do(commands.ReleaseSpeech(response_id))

    def _find_held_ids(self) -> list[str]:
        """Return the ids of the response that sounds and of the running one, each once."""
        return list({one.id: one for one in (self.sounding, self.running) if one is not None})

    def cut_paused(self) -> None:
        """Cut the paused responses where they stand: another response has begun, so they are not resumed."""
        for one in self._ended:
            if one.playback.paused_at is not None and one.item.heard_ms is None:
                self.cut_response(one)

    def cut(self) -> None:
        """Cut each ended response to what was played by now."""
        for one in self._ended:
            if one.is_open and one.item.heard_ms is None and one.estimate_played_ms(self.state.now) < one.item.audio_ms:
                self.cut_response(one)

    def cut_response(self, response: Response) -> None:
        """Cut a response to what was played by now. A `conversation.item.truncate` of the client corrects it."""
        response.item.truncate(response.estimate_played_ms(self.state.now))
        self.state.save(response.item, in_background=True)
