"""The only door from async code to the database.

Each call runs in a pool of threads of its own, so that the sessions of one process do not queue behind one
another (`thread_sensitive` would put them all on one thread), and gives its connection back at the end.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from accounts import api_keys
from accounts.models import APIKey, User
from conversations import keywords, opus
from conversations.engine_choice import EngineSet, choose
from conversations.models import Assistant, AudioClip, Conversation, Item
from conversations.realtime import items as live
from conversations.realtime.audio import samples_of
from conversations.realtime.ids import make_id

Params = ParamSpec("Params")
Result = TypeVar("Result")
_threads = ThreadPoolExecutor(settings.REALTIME["DB_THREADS"], thread_name_prefix="store")
CONTEXT_ITEMS = 200  # of a continued conversation that the model sees
TITLE_CHARS = 80


def in_thread(call: Callable[Params, Result]) -> Callable[Params, Awaitable[Result]]:
    @wraps(call)
    def with_connection(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            return call(*args, **kwargs)
        finally:
            connection.close()

    return sync_to_async(with_connection, thread_sensitive=False, executor=_threads)


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
def open_conversation(caller: Caller, conversation_id: str, assistant: str, model: str) -> Opened:
    """Continues `conversation_id`, or begins one. `model` picks an assistant only where its slug matches.

    Raises NotFoundError.
    """
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


@in_thread
def save_item(conversation_pk: int, item: live.Item, after: str | None, pcm: bytes) -> None:
    """Inserts or updates one item, with its sound if there is any. Durable when it returns.

    Raises NotFoundError when the conversation was deleted meanwhile.
    """
    ogg = opus.encode(pcm) if pcm else b""
    with transaction.atomic():
        # The row lock orders two sessions on one conversation: a page that reconnects before its old socket is missed.
        conversation = _locked(conversation_pk)
        row = Item.objects.filter(conversation=conversation, public_id=item.id).first()
        is_new = row is None
        if row is None:
            row = Item(conversation=conversation, public_id=item.id, position=_position(conversation, after))
        had_error = bool(row.error_code)
        _fill(row, item)
        row.save()
        if ogg:
            _save_clip(conversation, row, item, ogg)
        if is_new or (item.error_code and not had_error) or not conversation.title:
            _count(conversation, item, is_new=is_new, is_error=bool(item.error_code) and not had_error)


def _locked(conversation_pk: int) -> Conversation:
    conversation = Conversation.objects.select_for_update().filter(pk=conversation_pk).first()
    if conversation is None:
        raise NotFoundError("The conversation was deleted.")
    return conversation


def _position(conversation: Conversation, after: str | None) -> int:
    if after is None:
        last = conversation.items.aggregate(last=Max("position"))["last"]
        return 0 if last is None else last + 1
    anchor = conversation.items.filter(public_id=after).first()
    position = anchor.position + 1 if anchor else 0
    conversation.items.filter(position__gte=position).update(position=F("position") + 1)
    return position


def _fill(row: Item, item: live.Item) -> None:
    row.type, row.role, row.status = item.type, item.role, item.status
    row.is_audio, row.audio_ms = item.is_audio, item.audio_ms
    row.text, row.heard_text, row.heard_ms = item.text, item.heard_text, item.heard_ms
    row.response_id, row.call, row.waterfall = item.response_id, item.call, item.waterfall
    row.stt, row.llm, row.tts = (item.engines.get(kind, "") for kind in ("stt", "llm", "tts"))
    used = item.usage
    row.stt_seconds, row.tts_characters = used.stt_seconds, used.tts_characters
    row.input_tokens, row.output_tokens = used.input_tokens, used.output_tokens
    row.cached_input_tokens, row.discarded_input_tokens = used.cached_tokens, used.discarded_input_tokens
    row.discarded_output_tokens = used.discarded_output_tokens
    row.discarded_tts_characters = used.discarded_tts_characters
    row.error_code, row.error_message = item.error_code, item.error_message


def _save_clip(conversation: Conversation, row: Item, item: live.Item, ogg: bytes) -> None:
    clip = AudioClip(item=row, duration_ms=item.audio_ms, size_bytes=len(ogg))
    clip.file.save(f"{conversation.public_id}/{make_id('clip')}.ogg", ContentFile(ogg), save=False)
    clip.save()


def _count(conversation: Conversation, item: live.Item, *, is_new: bool, is_error: bool) -> None:
    if not conversation.title and item.role == Item.Role.USER:
        conversation.title = item.text[:TITLE_CHARS]
    conversation.item_count += is_new
    conversation.error_count += is_error
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=["title", "item_count", "error_count", "updated_at"])


@in_thread
def remove_item(conversation_pk: int, item_id: str) -> None:
    """Deletes an item and its sound."""
    with transaction.atomic():
        conversation = _locked(conversation_pk)
        row = Item.objects.filter(conversation=conversation, public_id=item_id).first()
        if row is None:
            return
        clip = AudioClip.objects.filter(item=row).first()
        row.delete()
        conversation.item_count -= 1
        conversation.save(update_fields=["item_count"])
        if clip:
            transaction.on_commit(lambda: clip.file.storage.delete(clip.file.name or ""))


@in_thread
def end_conversation(conversation_pk: int) -> None:
    """The session is over; a conversation in which nothing happened leaves no trace."""
    Conversation.objects.filter(pk=conversation_pk).update(status=Conversation.Status.ENDED)
    _close_unfinished(conversation_pk)
    Conversation.objects.filter(pk=conversation_pk, item_count=0, items=None).delete()
