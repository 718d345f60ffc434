"""The HTTP API as one table: what `urls` serves and what `openapi` describes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from accounts.models import Scope
from conversations.api import asked_shapes, assistants, audio, client_secrets, conversations, shapes, turns

OGG = ("audio/ogg",)
FORM = "multipart/form-data"  # with the part `file`
SOUND = ("audio/wav", "audio/flac", "audio/mpeg", "audio/ogg", "audio/webm", "audio/mp4", FORM)
READ, WRITE = Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE
CONVERSATION = "/v1/conversations/{conversation_id}"
ITEM = f"{CONVERSATION}/items/{{item_id}}"


@dataclass(frozen=True, slots=True)
class Operation:
    """`scope` None: any key will do. `body` and `answer`: a shape, or the media types that bytes may have.

    `failures`: the statuses that it has beside those that go without saying.
    """

    method: str
    path: str
    view: Callable[..., Any]
    summary: str
    scope: Scope | None
    answer: type[BaseModel] | tuple[str, ...]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | tuple[str, ...] | None = None
    failures: tuple[int, ...] = ()


OPERATIONS = [
    Operation("GET", "/v1/models", assistants.listed, "The assistants that you may talk to", None, shapes.ModelList),
    Operation("GET", "/v1/models/{model}", assistants.retrieved, "One assistant", None, shapes.Model),
    Operation(
        "POST",
        "/v1/realtime/client_secrets",
        client_secrets.created,
        "A short-lived key for the socket, to be handed to a browser",
        Scope.REALTIME,
        shapes.ClientSecret,
        body=asked_shapes.NewClientSecret,
    ),
    Operation(
        "POST",
        "/v1/realtime/sessions",
        client_secrets.beta_created,
        "The same in the beta dialect",
        Scope.REALTIME,
        shapes.BetaSession,
        body=asked_shapes.NewBetaSession,
    ),
    Operation(
        "GET",
        "/v1/conversations",
        conversations.listed,
        "Your conversations",
        READ,
        shapes.ConversationPage,
        query=asked_shapes.ListQuery,
    ),
    Operation(
        "POST",
        "/v1/conversations",
        conversations.created,
        "Make a conversation, to be gone on with over the socket or turn by turn",
        WRITE,
        shapes.Conversation,
        body=asked_shapes.NewConversation,
    ),
    Operation("GET", CONVERSATION, conversations.retrieved, "One conversation", READ, shapes.Conversation),
    Operation(
        "POST",
        CONVERSATION,
        conversations.updated,
        "Change what you noted of it",
        WRITE,
        shapes.Conversation,
        body=asked_shapes.ConversationUpdate,
    ),
    Operation(
        "DELETE",
        CONVERSATION,
        conversations.deleted,
        "Delete it with its items and sound",
        WRITE,
        shapes.DeletedConversation,
    ),
    Operation(
        "GET",
        f"{CONVERSATION}/audio",
        audio.conversation_audio,
        "All of its sound in order: the user left, the assistant right",
        READ,
        OGG,
    ),
    Operation(
        "GET",
        f"{CONVERSATION}/items",
        conversations.items_listed,
        "What was said and done in it",
        READ,
        shapes.ItemPage,
        query=asked_shapes.ListQuery,
    ),
    Operation(
        "POST",
        f"{CONVERSATION}/items",
        conversations.items_created,
        "Add items behind the last",
        WRITE,
        shapes.ItemPage,
        body=asked_shapes.NewItems,
    ),
    Operation("GET", ITEM, conversations.item_retrieved, "One item", READ, shapes.AnItem),
    Operation("DELETE", ITEM, conversations.item_deleted, "Delete it with its sound", WRITE, shapes.Conversation),
    Operation("GET", f"{ITEM}/audio", audio.item_audio, "Its sound, whole or a range of its bytes", READ, OGG),
    Operation(
        "POST",
        "/v1/voice/turns",
        turns.create,
        "Say something, and hear the reply: as sound, or as the events of the socket",
        Scope.REALTIME,
        tuple(turns.CONTENT_TYPES),
        query=asked_shapes.TurnQuery,
        body=SOUND,
        failures=(406, 415, 500, 502, 503, 504),
    ),
]
