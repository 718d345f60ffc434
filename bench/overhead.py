"""What of a turn was the server's own: its time between what the providers gave it and its next step."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.sites import Upstream
from bench.turns import Turn
from bench.upstream import answer

Seen = Mapping[str, Any]  # as tests.upstream.behaviour.Seen


@dataclass(frozen=True, slots=True)
class Share:
    """The server's own share of one turn's latency.

    `hit` says whether the reply was begun ahead of the endpoint. `held_sec` counts from when endpoint and first speech
    were both there.
    """

    overhead_sec: float
    hit: bool
    after_endpoint_sec: float
    held_sec: float


class Providers:
    """The requests of a run to the emulated providers, by caller."""

    def __init__(self, upstream: Upstream) -> None:
        self._seen: dict[str, dict[str, list[Seen]]] = {}
        for endpoint in ("transcriptions", "chat", "speech"):
            by_caller: dict[str, list[Seen]] = defaultdict(list)
            for seen in upstream.list_requests(endpoint):
                by_caller[seen["key"].removeprefix("sk-")].append(seen)
            self._seen[endpoint] = by_caller

    def list_requests_of(self, caller: str, endpoint: str) -> Sequence[Seen]:
        return self._seen[endpoint].get(caller, [])

    def compute_share(self, turn: Turn) -> Share | None:
        """Return the server's share of a turn's latency.

        Return None if the turn has no answer, or the server does not say when it decided that the speech was over.
        """
        answered_at, endpoint_at = turn.answered_at, turn.endpoint_at
        chats = [
            seen for seen in self.list_requests_of(turn.caller, "chat") if _has_begun(seen, turn.begins_at, answered_at)
        ]
        if answered_at is None or endpoint_at is None or not chats:
            return None
        chat = chats[-1]
        asked = [
            seen for seen in self.list_requests_of(turn.caller, "speech") if seen["received_at"] >= chat["received_at"]
        ]
        if not asked:
            return None
        speech = asked[0] if (asked[0]["first_piece_at"] or answered_at) < answered_at else None
        words_at = _find_words_at(chat, asked[0]["asked"]["input"] if speech else _find_cached_opener(chat, asked[0]))
        ready_at = speech["first_piece_at"] if speech else words_at
        hops = [answered_at - max(endpoint_at, ready_at)]
        if ready_at > endpoint_at:
            hops += [max(0.0, speech["received_at"] - words_at)] if speech else []
            hops += self._measure_hops_to_chat(turn, endpoint_at, chat["received_at"])
        return Share(sum(hops), chat["received_at"] < endpoint_at, answered_at - endpoint_at, hops[0])

    def _measure_hops_to_chat(self, turn: Turn, endpoint_at: float, chat_at: float) -> list[float]:
        heard = [
            seen
            for seen in self.list_requests_of(turn.caller, "transcriptions")
            if seen["received_at"] > turn.begins_at and (seen["ended_at"] or chat_at) < chat_at
        ]
        if not heard:
            return []  # streamed: its last words are no request of their own
        last = heard[-1]
        if last["received_at"] > endpoint_at:
            return [last["received_at"] - endpoint_at, chat_at - last["ended_at"]]
        # Either it was the words that were waited for, or the endpoint.
        return [chat_at - (max(endpoint_at, last["ended_at"]) if chat_at > endpoint_at else last["ended_at"])]


def _has_begun(seen: Seen, after: float, before: float | None) -> bool:
    return before is not None and seen["received_at"] > after and (seen["first_piece_at"] or before) < before


def _find_cached_opener(chat: Seen, speech: Seen) -> str:
    """Return the opener that came from a cache: what the reply says before the first clause that was asked for."""
    reply = answer(chat["asked"]["messages"], chat["key"])
    return reply[: max(0, reply.find(speech["asked"]["input"]))]


def _find_words_at(chat: Seen, clause: str) -> float:
    """Return when the model had given the clause and the word after it, without which its end cannot be known."""
    times: Sequence[float] = chat["piece_times"]
    return times[min(len(clause.split()), len(times) - 1)]
