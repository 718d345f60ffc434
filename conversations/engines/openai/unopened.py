"""Servers whose models think from their first word on, and only close the thought.

The chat template of DeepSeek-R1, QwQ and others ends in the opening tag, and a server without a parser for it (vLLM,
llama.cpp) streams what follows. Once that was seen, replies of this server and model are held back until the closing
tag.
"""

from collections import OrderedDict

MAX_KNOWN = 256
MOST_WITHOUT = 3  # replies in a row without such a thought: the server was set up otherwise meanwhile

_known: OrderedDict[tuple[str, str], int] = OrderedDict()


def begins_in_thought(base_url: str, model: str) -> bool:
    return (base_url, model) in _known


def record_reply(base_url: str, model: str, *, closes_alone: bool) -> None:
    """Remember, of a reply that has come to its end, or to such a tag."""
    key = base_url, model
    if closes_alone:
        _known[key] = 0
        _known.move_to_end(key)
        if len(_known) > MAX_KNOWN:
            _known.popitem(last=False)
    elif key in _known:
        _known[key] += 1
        if _known[key] >= MOST_WITHOUT:
            del _known[key]


def forget_all() -> None:
    _known.clear()
