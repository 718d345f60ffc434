"""The only door from async code to the database.

Each call runs in a pool of threads of its own, so that the sessions of one process do not queue behind one
another (`thread_sensitive` would put them all on one thread), and gives its connection back at the end.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.db.models import Q

from accounts import api_keys, time_zones
from accounts.models import APIKey, User
from conversations import changes, keywords
from conversations.engine_choice import EngineSet, choose
from conversations.models import Assistant, Conversation, Item
from conversations.realtime import items as live
from conversations.realtime.audio import samples_of

Params = ParamSpec("Params")
Result = TypeVar("Result")
_threads = ThreadPoolExecutor(settings.REALTIME["DB_THREADS"], thread_name_prefix="store")
UTC = ZoneInfo("UTC")
CONTEXT_ITEMS = 200  # of a continued conversation that the model sees


def in_thread(
    call: Callable[Params, Result], threads: ThreadPoolExecutor = _threads
) -> Callable[Params, Awaitable[Result]]:
    @wraps(call)
    def with_connection(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            return call(*args, **kwargs)
        finally:
            connection.close()

    return sync_to_async(with_connection, thread_sensitive=False, executor=threads)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end of the socket. `key_id` None: a page, by its session cookie."""

    user_id: int
    key_id: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation, ready to go on."""

    pk: int
    public_id: str
    caller: Caller
    assistant_slug: str
    instructions: str
    language: str
    speed: float
    patience: str  # the user's own, else the assistant's, else ""
    keywords: tuple[str, ...]
    speculation: bool
    engines: EngineSet
    items: list[live.Item]
    zone: ZoneInfo = UTC  # the user's own, else the client's
    tools: tuple[str, ...] = ()  # of the site, by name


class NotFoundError(Exception):
    """No such conversation or assistant, or not this user's; the message says which."""


@in_thread
def authenticate(token: str) -> Caller | None:
    key = api_keys.authenticate(token)
    return Caller(key.user_id, key.pk) if key else None


@in_thread
def is_allowed(caller: Caller) -> bool:
    """Whether the caller may still be here: not deactivated, its key not revoked."""
    if caller.key_id is not None:
        return APIKey.objects.filter(pk=caller.key_id, revoked_at=None, user__is_active=True).exists()
    return User.objects.filter(pk=caller.user_id, is_active=True).exists()


@in_thread
def open_conversation(caller: Caller, conversation_id: str, assistant: str, model: str, time_zone: str = "") -> Opened:
    """Continues `conversation_id`, or begins one. `model` picks an assistant only where its slug matches.

    `time_zone` is the client's, for a user without one. Raises NotFoundError, time_zones.UnknownTimeZoneError.
    """
    zone = time_zones.find(time_zone) if time_zone else UTC
    user = User.objects.get(pk=caller.user_id)
    if conversation_id:
        conversation = Conversation.objects.filter(user=user, public_id=conversation_id).first()
        if conversation is None:
            raise NotFoundError(f"There is no conversation {conversation_id!r} of yours.")
        chosen = _assistant(user, assistant) if assistant else conversation.assistant or _assistant(user, "")
        Conversation.objects.filter(pk=conversation.pk).update(status=Conversation.Status.LIVE, assistant=chosen)
    else:
        chosen = _assistant(user, assistant, model)
        conversation = Conversation.objects.create(user=user, assistant=chosen)
    return Opened(
        pk=conversation.pk,
        public_id=conversation.public_id,
        caller=caller,
        assistant_slug=chosen.slug,
        instructions=chosen.instructions,
        language=chosen.language,
        speed=chosen.speed,
        patience=user.patience or chosen.patience,
        keywords=keywords.parse(chosen.keywords),
        speculation=chosen.speculation,
        engines=choose(user, chosen),
        items=_context(conversation),
        zone=time_zones.find(user.time_zone) if user.time_zone else zone,
        tools=tuple(chosen.tools),
    )


def _assistant(user: User, slug: str, model: str = "") -> Assistant:
    offered = Assistant.objects.filter(Q(owner=None) | Q(owner=user))
    found = offered.filter(slug=slug or model).first()
    if found is None and slug:
        raise NotFoundError(f"There is no assistant {slug!r}.")
    found = found or offered.order_by("-is_default", "pk").first()
    if found is None:
        raise NotFoundError("This site has no assistant yet. An admin can add one.")
    return found


def _context(conversation: Conversation) -> list[live.Item]:
    _close_unfinished(conversation.pk)
    with_words = conversation.items.exclude(role=Item.Role.ASSISTANT, text="")
    return [_live(row) for row in reversed(with_words.order_by("-position")[:CONTEXT_ITEMS])]


def _close_unfinished(conversation_pk: int) -> None:
    """A reply that a crash or a stop of the server cut off will not be finished any more."""
    unfinished = Item.objects.filter(conversation=conversation_pk, status=Item.Status.IN_PROGRESS)
    unfinished.update(status=Item.Status.INCOMPLETE)


def _live(row: Item) -> live.Item:
    return live.Item(
        row.public_id,
        type=row.type,
        role=row.role,
        status="completed" if row.status == Item.Status.COMPLETED else "incomplete",
        is_audio=row.is_audio,
        text=row.text,
        heard_text=row.heard_text,
        heard_ms=row.heard_ms,
        audio_samples=samples_of(row.audio_ms),
        call=row.call,
        response_id=row.response_id,
    )


write = in_thread(changes.apply)


@in_thread
def end_conversation(conversation_pk: int) -> None:
    """The session is over; a conversation in which nothing happened leaves no trace."""
    Conversation.objects.filter(pk=conversation_pk).update(status=Conversation.Status.ENDED)
    _close_unfinished(conversation_pk)
    Conversation.objects.filter(pk=conversation_pk, item_count=0, items=None).delete()
