"""Responses that have ended, and that a client may still be playing: one behind the other, as they were sent."""

from conversations.realtime.agent_turn.response import Response, played_out_at
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.state import Core

MOST_KEPT = 8


class Playback:
    def __init__(self, core: Core) -> None:
        self.core = core
        self._ended: list[Response] = []

    @property
    def last(self) -> Response | None:
        """The latest that ended."""
        return self._ended[-1] if self._ended else None

    @property
    def sounding(self) -> Response | None:
        """The one that a client in real time is playing now."""
        return next((one for one in self._ended if self._is_sounding(one)), None)

    @property
    def until(self) -> float:
        """When all of them will have been played."""
        return max((played_out_at(one, 0.0) for one in self._ended if self._is_sounding(one)), default=0.0)

    def _is_sounding(self, one: Response) -> bool:
        is_left = one.is_open and one.item.heard_ms is None
        return is_left and (one.paused_at is not None or self.core.now < played_out_at(one, 0.0))

    def add(self, response: Response) -> None:
        """It has ended; of those before it only what still sounds is of interest."""
        sounding = [one for one in self._ended if self._is_sounding(one)]
        self._ended = [*sounding[1 - MOST_KEPT :], response]

    def find(self, response_id: str) -> Response | None:
        return next((one for one in self._ended if one.id == response_id), None)

    def forget(self, item: LiveItem) -> None:
        self._ended = [one for one in self._ended if item not in one.outputs]

    def began_after(self, response: Response) -> None:
        """The client has begun to play it, so it has played those before it."""
        place = self._ended.index(response) if response in self._ended else len(self._ended)
        for one in self._ended[:place]:
            one.audio_started_at = self.core.now - one.item.audio_ms / 1000

    def pause(self) -> None:
        for one in filter(self._is_sounding, self._ended):
            one.pause(self.core.now)

    def resume(self) -> None:
        for one in self._ended:
            one.resume(self.core.now)

    def cut_paused(self) -> None:
        """They do not go on: their client was told of another response."""
        for one in self._ended:
            if one.paused_at is not None and one.item.heard_ms is None:
                self._cut(one)

    def cut(self) -> None:
        """Keeps as heard what was played; the client's own truncate corrects it."""
        for one in self._ended:
            if one.is_open and one.item.heard_ms is None and one.played_ms(self.core.now) < one.item.audio_ms:
                self._cut(one)

    def _cut(self, one: Response) -> None:
        one.item.cut(one.played_ms(self.core.now))
        self.core.save(one.item, in_background=True)
