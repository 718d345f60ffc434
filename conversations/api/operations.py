"""The HTTP API as one table: `urls` serves it and `documents/openapi` describes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from accounts.models import Scope
from conversations.api import assistants, audio, client_secrets, conversations
from conversations.api.shapes import inputs, outputs
from conversations.api.turns import create

OGG = ("audio/ogg",)
FORM = "multipart/form-data"  # with the part `file`
SOUND = ("audio/wav", "audio/flac", "audio/mpeg", "audio/ogg", "audio/webm", "audio/mp4", FORM)
READ, WRITE = Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE
CONVERSATION = "/v1/conversations/{conversation_id}"
ITEM = f"{CONVERSATION}/items/{{item_id}}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address.

    `scope` is what the key must have; with None any key will do. `body` and `answer` are a shape, or the media types
    of bytes. `failures` are the statuses that it may answer with beside those of every operation of its kind.
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
    Operation(
        "GET", "/v1/models", assistants.list_assistants, "The assistants you can talk to", None, outputs.ModelList
    ),
    Operation("GET", "/v1/models/{model}", assistants.retrieve_assistant, "One assistant", None, outputs.Model),
    Operation(
        "POST",
        "/v1/realtime/client_secrets",
        client_secrets.create_client_secret,
        "A short-lived key for the socket, to give to a browser",
        Scope.REALTIME,
        outputs.ClientSecret,
        body=inputs.NewClientSecret,
    ),
    Operation(
        "POST",
        "/v1/realtime/sessions",
        client_secrets.create_beta_session,
        "The same in the beta dialect",
        Scope.REALTIME,
        outputs.BetaSession,
        body=inputs.NewBetaSession,
    ),
    Operation(
        "GET",
        "/v1/conversations",
        conversations.list_conversations,
        "Your conversations",
        READ,
        outputs.ConversationPage,
        query=inputs.ListQuery,
    ),
    Operation(
        "POST",
        "/v1/conversations",
        conversations.create_conversation,
        "Create a conversation, to continue over the socket or turn by turn",
        WRITE,
        outputs.Conversation,
        body=inputs.NewConversation,
    ),
    Operation("GET", CONVERSATION, conversations.retrieve_conversation, "One conversation", READ, outputs.Conversation),
    Operation(
        "POST",
        CONVERSATION,
        conversations.update_conversation,
        "Change its metadata",
        WRITE,
        outputs.Conversation,
        body=inputs.ConversationUpdate,
    ),
    Operation(
        "DELETE",
        CONVERSATION,
        conversations.delete_conversation,
        "Delete it with its items and sound",
        WRITE,
        outputs.DeletedConversation,
    ),
    Operation(
        "GET",
        f"{CONVERSATION}/audio",
        audio.retrieve_conversation_audio,
        "All of its sound in order: the user on the left, the assistant on the right",
        READ,
        OGG,
    ),
    Operation(
        "GET",
        f"{CONVERSATION}/items",
        conversations.list_items,
        "What was said and done in it",
        READ,
        outputs.ItemPage,
        query=inputs.ListQuery,
    ),
    Operation(
        "POST",
        f"{CONVERSATION}/items",
        conversations.create_items,
        "Add items at the end",
        WRITE,
        outputs.ItemPage,
        body=inputs.NewItems,
    ),
    Operation("GET", ITEM, conversations.retrieve_item, "One item", READ, outputs.AnItem),
    Operation("DELETE", ITEM, conversations.delete_item, "Delete it with its sound", WRITE, outputs.Conversation),
    Operation("GET", f"{ITEM}/audio", audio.retrieve_item_audio, "Its sound, whole or a range of its bytes", READ, OGG),
    Operation(
        "POST",
        "/v1/voice/turns",
        create.create_turn,
        "Say something, and hear the reply: as sound, or as the events of the socket",
        Scope.REALTIME,
        tuple(create.CONTENT_TYPES),
        query=inputs.TurnQuery,
        body=SOUND,
        failures=(406, 415, 500, 502, 503, 504),
    ),
]
