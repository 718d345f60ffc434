"""The only door from async code to the database.

Each call runs in a pool of threads of its own, so that the sessions of one process do not queue behind one
another (`thread_sensitive` would put them all on one thread), and returns its connection to the pool at the end.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, OperationalError, connection
from django.db.models import Q

from accounts import access, time_zones
from accounts.access import Grant
from accounts.keys import api_keys, client_secrets
from accounts.models import Scope, User
from conversations import keywords
from conversations.models import Assistant, AudioClip, Conversation, Item
from conversations.pcm import ms_to_samples
from conversations.realtime.protocol import items as live
from conversations.storage import changes, clip_files, leases, mcp_servers
from conversations.storage.engine_selection import EngineSet, choose_engines
from conversations.storage.mcp_servers import ServerSpec
from voiceproject import database
from voiceproject.database import outages

Params = ParamSpec("Params")
Result = TypeVar("Result")
_threads = ThreadPoolExecutor(settings.REALTIME["DB_THREADS"], thread_name_prefix="store")
UTC = ZoneInfo("UTC")
SECRETS_SCOPES = frozenset({Scope.REALTIME.value})
ANSWER_SEC = 8.0  # the longest answer of a database that works, however busy it is
CONTEXT_ITEMS = 200  # the last items of a continued conversation, which the model sees


def in_thread(
    call: Callable[Params, Result], threads: ThreadPoolExecutor = _threads
) -> Callable[Params, Awaitable[Result]]:
    """Return `call` for async code: it runs in one of `threads`, with a database connection for a session."""

    @wraps(call)
    def with_connection(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            with database.serve_session():
                return call(*args, **kwargs)
        except Error as error:
            outages.drop_connection(error)
            raise
        finally:
            connection.close()

    return sync_to_async(with_connection, thread_sensitive=False, executor=threads)


def in_request(call: Callable[Params, Result]) -> Callable[Params, Awaitable[Result]]:
    """Return `call` for async code that serves a request: it runs in the request's own thread, with its connection."""

    @wraps(call)
    def with_connection(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            return call(*args, **kwargs)
        finally:
            database.give_back()

    return sync_to_async(with_connection)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who connects.

    Without a `key_id` it is a page with a session cookie, which may do all that its user may. `session` are settings
    with which the sessions of a client secret begin, in the shape of `session.update`.
    """

    user_id: int
    key_id: int | None = None
    scopes: frozenset[str] = frozenset(Scope.values)
    session: dict[str, Any] = field(default_factory=dict, hash=False)
    secret_id: int | None = None
    session_key: str = ""
    session_hash: str = ""
    expires_at: float = math.inf  # of the client secret, in seconds since the epoch

    @property
    def grant(self) -> Grant:
        """What gives the caller access, to be checked again while its session lives."""
        return Grant(self.user_id, self.key_id, self.secret_id, self.session_key, self.session_hash)

    @property
    def lifetime_sec(self) -> float:
        """How long a session that begins now may last, in seconds."""
        return min(settings.REALTIME["MAX_SESSION_SEC"], max(0.0, self.expires_at - time.time()))


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation that is ready to go on, with all that its session needs."""

    pk: int | None  # None if nothing of it is stored
    public_id: str  # "" if nothing of it is stored
    caller: Caller
    assistant_slug: str
    instructions: str
    language: str
    speed: float
    patience: str  # the user's own, else the assistant's, else ""
    keywords: tuple[str, ...]
    preemptive_generation: bool
    engines: EngineSet
    items: list[live.LiveItem]
    holder: str = ""  # the id with which the session holds the conversation
    zone: ZoneInfo = UTC  # the user's own, else the client's
    tools: tuple[str, ...] = ()  # of the site, by name
    mcp_servers: tuple[ServerSpec, ...] = ()


class ConversationHeldError(Exception):
    """Another session holds the conversation."""

    def __init__(self, pk: int) -> None:
        super().__init__("Another session is talking in this conversation. Try again when it has ended.")
        self.pk = pk


class NotFoundError(Exception):
    """There is no such conversation or assistant, or not for this user; the message says which."""


def find_caller(token: str, address: str = "") -> Caller | None:
    """Return the owner of an API key that a client at `address` shows; None for a wrong key. For sync code."""
    key = api_keys.authenticate(token, address)
    return Caller(key.user_id, key.pk, frozenset(key.scopes)) if key else None


@in_thread
def authenticate(token: str, address: str = "") -> Caller | None:
    """Return the owner of an API key or client secret; None for a wrong one. A secret is good for sockets only."""
    if not client_secrets.is_client_secret(token):
        return find_caller(token, address)
    secret = client_secrets.authenticate(token, address)
    if secret is None:
        return None
    user_id, expires_at = secret.key.user_id, secret.expires_at.timestamp()
    return Caller(user_id, secret.key_id, SECRETS_SCOPES, secret.session, secret.pk, expires_at=expires_at)


@in_thread
def authenticate_cookie(cookie: str) -> Caller | None:
    """Return who is signed in with this session cookie; None if nobody is."""
    grant = access.find_cookie_grant(cookie)
    return Caller(grant.user_id, session_key=grant.session_key, session_hash=grant.session_hash) if grant else None


@in_thread
def open_conversation(
    caller: Caller, conversation_id: str, assistant: str, model: str, time_zone: str = "", *,
    is_stored: bool = True, holder: str = "",
) -> Opened:  # fmt: skip
    """Continue the conversation `conversation_id`, or begin one, and hold it for `holder`.

    `model` selects an assistant only if it is the slug of one. `time_zone` is the client's, for users who have set
    none. A new conversation that is not `is_stored` leaves nothing in the database. Raise NotFoundError,
    ConversationHeldError or time_zones.UnknownTimeZoneError.
    """
    zone = time_zones.find(time_zone) if time_zone else UTC
    user = User.objects.get(pk=caller.user_id)
    conversation: Conversation | None = None
    if conversation_id:
        conversation = Conversation.objects.filter(user=user, public_id=conversation_id).first()
        if conversation is None:
            raise NotFoundError(f"There is no conversation {conversation_id!r} of yours.")
    spoken_with = None if assistant or conversation is None else conversation.assistant
    chosen = spoken_with or _find_assistant(user, assistant, model)
    engines = choose_engines(user, chosen)
    if conversation is None:
        conversation = leases.begin_conversation(user, chosen, holder) if is_stored else None
    elif not leases.take(conversation.pk, holder, assistant=chosen):
        raise ConversationHeldError(conversation.pk)
    return Opened(
        pk=conversation.pk if conversation else None,
        public_id=conversation.public_id if conversation else "",
        caller=caller,
        assistant_slug=chosen.slug,
        instructions=chosen.instructions,
        language=chosen.language,
        speed=chosen.speed,
        patience=user.patience or chosen.patience,
        keywords=keywords.parse(chosen.keywords),
        preemptive_generation=chosen.preemptive_generation,
        engines=engines,
        items=_load_context(conversation) if conversation else [],
        holder=holder,
        zone=time_zones.find(user.time_zone) if user.time_zone else zone,
        tools=tuple(chosen.tools),
        mcp_servers=mcp_servers.list_usable(chosen),
    )


def find_session_defaults(caller: Caller, model: str) -> tuple[dict[str, Any], set[str]]:
    """Return the defaults of a caller's session settings, for `default_config`, and the labels of its MCP servers.

    It is for sync code. Raise NotFoundError.
    """
    user = User.objects.get(pk=caller.user_id)
    chosen = _find_assistant(user, "", model)
    engines = choose_engines(user, chosen)
    defaults = {
        "model": model or chosen.slug,
        "instructions": chosen.instructions,
        "voice": (engines.s2s or engines.tts).voice,
        "stt_model": engines.stt.model,
        "language": chosen.language,
        "speed": chosen.speed,
    }
    servers = () if engines.s2s else mcp_servers.list_usable(chosen)  # speech to speech has none
    return defaults, {server.label for server in servers}


def _find_assistant(user: User, slug: str, model: str = "") -> Assistant:
    offered = Assistant.objects.offered_to(user.pk)
    found = offered.filter(slug=slug or model).first()
    if found is None and slug:
        raise NotFoundError(f"There is no assistant {slug!r}.")
    found = found or offered.order_by("-is_default", "pk").first()
    if found is None:
        raise NotFoundError("This site has no assistant yet. An admin can add one.")
    return found


def _load_context(conversation: Conversation) -> list[live.LiveItem]:
    leases.close_unfinished([conversation.pk])
    with_words = conversation.items.exclude(Q(text="") | Q(heard_text=""), role=Item.Role.ASSISTANT)
    return [_to_live_item(row) for row in reversed(with_words.order_by("-position")[:CONTEXT_ITEMS])]


def _to_live_item(row: Item) -> live.LiveItem:
    return live.LiveItem(
        row.public_id,
        type=row.type,
        role=row.role,
        status="completed" if row.status == Item.Status.COMPLETED else "incomplete",
        is_audio=row.is_audio,
        text=row.text,
        heard_text=row.played_text if row.role == Item.Role.ASSISTANT else None,
        heard_ms=row.heard_ms,
        audio_samples=ms_to_samples(row.audio_ms),
        call=row.call,
        response_id=row.response_id,
        error_code=row.error_code,
    )


async def write(conversation_pk: int | None, made: Sequence[changes.Change], holder: str = "") -> None:
    """Apply changes as `changes.apply_changes` does; do nothing for None, the pk of a conversation that is not stored.

    Uploads to a storage outside the database, which may hang, take no thread of the store and lock nothing.
    """
    if conversation_pk is None:
        return
    if not clip_files.is_outside():
        await _apply(conversation_pk, made, holder)
        return
    prepared = await _prepare(conversation_pk, made)
    if hanging := await clip_files.upload_all([*prepared.uploads.values()]):
        await _check_uploads(hanging)
    await _commit(prepared, holder)


_apply, _prepare, _commit = in_thread(changes.apply_changes), in_thread(changes.prepare), in_thread(changes.commit)
_check_uploads = in_thread(changes.check_uploads)


async def answer_in_time(asked: Awaitable[Result], limit_sec: float = ANSWER_SEC) -> Result:
    """Return an answer of the store, or raise OperationalError if it takes longer than `get_limit_sec`."""
    try:
        async with asyncio.timeout(limit_sec):
            return await asked
    except TimeoutError:
        raise OperationalError(f"No answer within {limit_sec:.0f} s.") from None


@in_thread
def read_sound(conversation_pk: int | None, item_id: str) -> bytes | None:
    """Return the clip of an item as Ogg Opus; None if none is stored."""
    clip = AudioClip.objects.filter(item__conversation=conversation_pk, item__public_id=item_id).first()
    if clip is None:
        return None
    try:
        with clip.file.open() as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None
