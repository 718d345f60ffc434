"""Whom and what this task works for: the ids that each line of the log names beside its message. Never any content."""

from contextvars import Context, ContextVar

_conversation: ContextVar[str] = ContextVar("log_conversation", default="")
_user: ContextVar[str] = ContextVar("log_user", default="")
_turn: ContextVar[str] = ContextVar("log_turn", default="")
_worker = ""
VARIABLES = {"conversation": _conversation, "turn": _turn, "user": _user}


def begin_session(conversation_id: str, user_id: int) -> None:
    """Name this conversation and this user in the lines of this task, and of all that it starts from now on."""
    _conversation.set(conversation_id)
    _user.set(str(user_id))


def enter_turn(context: Context, turn_id: str) -> Context:
    """Return a context like this one for a task of a turn. The id is of its response, or of the item that is heard."""
    entered = context.copy()
    entered.run(_turn.set, turn_id)
    return entered


def name_worker(number: str) -> None:
    """Name this process in all of its lines from now on, where several serve the site."""
    global _worker  # one for each process
    _worker = number


def get_turn() -> str:
    """Return the id of the turn that this task works for, or ""."""
    return _turn.get()


def collect_ids() -> dict[str, str]:
    """Return the ids that are known, by their names."""
    ids = {name: found for name, variable in VARIABLES.items() if (found := variable.get())}
    return {"worker": _worker, **ids} if _worker else ids
