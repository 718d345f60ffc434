"""What a session reads from the database and writes to it: its conversation, its settings, its items, their audio."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts import time_zones
from accounts.models import User
from conversations import keywords
from conversations.models import Assistant, AudioClip, Conversation, Item
from conversations.realtime.protocol import items as live
from conversations.realtime.protocol.ids import make_id
from conversations.realtime.protocol.session_config import SessionConfig, build_config
from conversations.storage import changes, leases, mcp_servers, saving
from conversations.storage.callers import Caller
from conversations.storage.clips import clip_files
from conversations.storage.database_threads import in_thread
from conversations.storage.engine_selection import EngineSet, choose_engines
from conversations.storage.item_rows import to_live_item
from conversations.storage.mcp_servers import ServerSpec

UTC = ZoneInfo("UTC")
CONTEXT_ITEMS = 200  # the last items of a continued conversation, which the model sees


@dataclass(frozen=True, slots=True)
class OpenedConversation:
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


@in_thread
def open_conversation(
    caller: Caller, conversation_id: str, assistant: str, model: str, time_zone: str = "", *,
    is_stored: bool = True, holder: str = "",
) -> OpenedConversation:  # fmt: skip
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
    return OpenedConversation(
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


def find_default_config(caller: Caller, model: str) -> tuple[SessionConfig, set[str]]:
    """Return the configuration that a caller's sessions begin with, without an end, and the labels of MCP servers.

    It is for sync code. Raise NotFoundError.
    """
    user = User.objects.get(pk=caller.user_id)
    chosen = _find_assistant(user, "", model)
    engines = choose_engines(user, chosen)
    config = build_config(
        session_id=make_id("sess"),
        model=model or chosen.slug,
        instructions=chosen.instructions,
        voice=(engines.s2s or engines.tts).voice,
        stt_model=engines.stt.model,
        language=chosen.language,
        speed=chosen.speed,
        expires_at=0,
    )
    servers = () if engines.s2s else mcp_servers.list_usable(chosen)  # speech to speech has none
    return config, {server.label for server in servers}


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
    return [to_live_item(row) for row in reversed(with_words.order_by("-position")[:CONTEXT_ITEMS])]


async def write(conversation_pk: int | None, made: Sequence[changes.Change], holder: str = "") -> None:
    """Apply changes as `saving.apply_changes` does; do nothing for None, the pk of a conversation that is not stored.

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


_apply, _prepare, _commit = in_thread(saving.apply_changes), in_thread(saving.prepare), in_thread(saving.commit)
_check_uploads = in_thread(saving.check_uploads)


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
