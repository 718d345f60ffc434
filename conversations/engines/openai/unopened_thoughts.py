"""Remember servers whose models begin in a thought that has no opening tag, only a closing one.

The chat template of DeepSeek-R1, QwQ and others ends with the opening tag, and a server without a parser for it (vLLM,
llama.cpp) streams what follows. Once this was seen, replies of that server and model are held back until the closing
tag.
"""

from collections import OrderedDict

MAX_KNOWN = 256
MOST_WITHOUT = 3  # replies in a row without such a thought: the server must have been configured differently since

_known: OrderedDict[tuple[str, str], int] = OrderedDict()


def has_unopened_thoughts(base_url: str, model: str) -> bool:
    """Return whether replies of this server and model are known to begin in a thought without an opening tag."""
    return (base_url, model) in _known


def record_reply(base_url: str, model: str, *, closes_alone: bool) -> None:
    """Remember how a reply began: call it at the reply's end, or at a closing tag without an opening one."""
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
    """Forget all servers; for tests."""
    _known.clear()
