"""What of a turn was the server's own: its time between what the providers gave it and its next step."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.sites import Upstream
from bench.turns import Turn

Seen = Mapping[str, Any]  # as tests.upstream.behaviour.Seen
WITHIN_SEC = 0.001


@dataclass(frozen=True, slots=True)
class Share:
    """`hit`: the reply was begun ahead of the endpoint. `wait_sec`: from the later of endpoint and speech to the caller."""

    overhead_sec: float
    hit: bool
    first_audio_sec: float  # after the endpoint


class Providers:
    """The requests of a run, by caller."""

    def __init__(self, upstream: Upstream) -> None:
        self._seen: dict[str, dict[str, list[Seen]]] = {}
        for endpoint in ("transcriptions", "chat", "speech"):
            by_caller: dict[str, list[Seen]] = defaultdict(list)
            for seen in upstream.requests(endpoint):
                by_caller[seen["key"].removeprefix("sk-")].append(seen)
            self._seen[endpoint] = by_caller

    def of(self, caller: str, endpoint: str) -> Sequence[Seen]:
        return self._seen[endpoint].get(caller, [])

    def share(self, turn: Turn) -> Share | None:
        """None where the turn has no answer, or its way through the providers is not clear."""
        answered_at, endpoint_at = turn.answered_at, turn.endpoint_at
        chats = [seen for seen in self.of(turn.caller, "chat") if _began(seen, turn.begins_at, answered_at)]
        if answered_at is None or not chats:
            return None
        chat = chats[-1]
        speech = _first(self.of(turn.caller, "speech"), chat["received_at"], answered_at)
        return Share(
            overhead_sec=self._overhead(turn, answered_at, chat, speech),
            hit=endpoint_at is not None and chat["received_at"] < endpoint_at,
            first_audio_sec=answered_at - (endpoint_at or turn.ends_at),
        )

    def _overhead(self, turn: Turn, answered_at: float, chat: Seen, speech: Seen | None) -> float:
        """Hop by hop along the chain; only the last one, where all was ready before the endpoint."""
        endpoint_at = turn.endpoint_at or turn.ends_at
        words_at = _words_at(chat, speech["asked"]["input"] if speech else "")
        ready_at = speech["first_piece_at"] if speech else words_at
        if ready_at < endpoint_at:
            return answered_at - endpoint_at
        hops = [answered_at - ready_at]
        if speech:
            hops.append(max(0.0, speech["received_at"] - words_at))
        hops += self._hops_to_chat(turn, chat)
        return sum(hops)

    def _hops_to_chat(self, turn: Turn, chat: Seen) -> list[float]:
        heard = [
            seen
            for seen in self.of(turn.caller, "transcriptions")
            if seen["received_at"] > turn.begins_at and (seen["ended_at"] or chat["received_at"]) <= chat["received_at"]
        ]
        if not heard:
            return []  # streamed: its last words are no request of their own
        last = heard[-1]
        hops = [chat["received_at"] - last["ended_at"]]
        if turn.endpoint_at and chat["received_at"] > turn.endpoint_at > last["ended_at"]:
            return [chat["received_at"] - turn.endpoint_at]  # it was the endpoint that was waited for
        if turn.endpoint_at and last["received_at"] > turn.endpoint_at:
            hops.append(last["received_at"] - turn.endpoint_at)
        return hops


def _began(seen: Seen, after: float, before: float | None) -> bool:
    return before is not None and seen["received_at"] > after and (seen["first_piece_at"] or before) < before


def _first(speeches: Iterable[Seen], after: float, before: float) -> Seen | None:
    """The speech that the caller heard first; None if it came from a cache."""
    found = next((seen for seen in speeches if seen["received_at"] >= after), None)
    return found if found and (found["first_piece_at"] or before) < before else None


def _words_at(chat: Seen, clause: str) -> float:
    """When the model had given the clause, and the word after it, without which its end cannot be known."""
    times: Sequence[float] = chat["piece_times"]
    return times[min(len(clause.split()), len(times) - 1)]
