"""The objects of the HTTP API: the official Conversations API's, with keys of our own beside theirs.

Official clients ignore keys that they do not know; tests hold what we answer to the SDK's own types. Where it differs
from the official API: a spoken utterance is an `input_text` with its words, since the official messages hold no
`input_audio`; its sound is told of in `audio`, and fetched from an address of its own.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, RootModel, StringConstraints, Tag

MAX_ITEMS = 20  # of one request, as officially
MAX_PARTS = 100
MAX_TEXT_CHARS = 100_000  # of an item, as over the socket

Shown = TypeVar("Shown")
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]  # of a query, which nothing has cleaned of NULs
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
CallId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]],
    Field(max_length=16),
]
ItemStatus = Literal["in_progress", "completed", "incomplete"]


# Asked for.


class ListQuery(BaseModel):
    after: Word | None = Field(None, description="The last id of the page before.")
    limit: int = Field(20, ge=1, le=100)
    order: Literal["asc", "desc"] = Field("desc", description="desc: the newest first.")


class TurnQuery(BaseModel):
    conversation: Word | None = Field(None, description="The one to go on with; absent: a new one.")
    assistant: Word | None = Field(None, description="Who is to answer; it must be one of yours.")
    model: Word | None = Field(None, description="The same, where one of yours has that name; else the site's own.")
    time_zone: Word | None = Field(None, description="Where you are, such as Europe/Vienna.")


class TextPart(BaseModel):
    type: Literal["input_text", "output_text", "text"]
    text: Text


class NewMessage(BaseModel):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Text | Annotated[list[TextPart], Field(min_length=1, max_length=MAX_PARTS)]


class NewFunctionCall(BaseModel):
    type: Literal["function_call"]
    call_id: CallId
    name: Name
    arguments: Text


class NewFunctionCallOutput(BaseModel):
    type: Literal["function_call_output"]
    call_id: CallId
    output: Text | Annotated[list[TextPart], Field(min_length=1, max_length=MAX_PARTS)]


def _type_of(item: Any) -> Any:
    return item.get("type", "message") if isinstance(item, dict) else getattr(item, "type", None)


NewItem = Annotated[
    Annotated[NewMessage, Tag("message")]
    | Annotated[NewFunctionCall, Tag("function_call")]
    | Annotated[NewFunctionCallOutput, Tag("function_call_output")],
    Discriminator(
        _type_of,
        custom_error_type="item_type",
        custom_error_message="an item is a message, a function_call or a function_call_output",
    ),
]


class NewItems(BaseModel):
    items: list[NewItem] = Field(min_length=1, max_length=MAX_ITEMS)


class NewConversation(BaseModel):
    items: Annotated[list[NewItem], Field(max_length=MAX_ITEMS)] | None = None
    metadata: Metadata | None = None


class ConversationUpdate(BaseModel):
    metadata: Metadata | None = Field(description="Replaces what was there; null clears it.")


def _whole(number: Any) -> Any:
    """JSON knows one kind of number: 60.0 is as whole as 60."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class ExpiresAfter(BaseModel):
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200), BeforeValidator(_whole)] = 600


class SecretOptions(BaseModel):
    expires_after: ExpiresAfter | None = None


class NewClientSecret(SecretOptions):
    session: dict[str, Any] | None = Field(
        None, description="What its sessions begin with, in the shape of `session.update`."
    )


class NewBetaSession(BaseModel):
    """A session in the flat shape of the beta dialect, beside these."""

    model_config = ConfigDict(extra="allow")

    model: str | None = None
    client_secret: SecretOptions | None = None


# Answered.


class Model(BaseModel):
    id: str = Field(description="What `?model=` takes.")
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["site", "user"]
    name: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


class Conversation(BaseModel):
    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    metadata: dict[str, str]
    title: str
    model: str | None = Field(None, description="The assistant that speaks in it; absent until one does.")
    item_count: int
    updated_at: int


class ClientSecret(BaseModel):
    value: str
    expires_at: int
    session: dict[str, Any] = Field(description="The session that one with the secret will have.")


class BetaSecret(BaseModel):
    value: str
    expires_at: int


class BetaSession(BaseModel):
    """A session in the flat shape of the beta dialect, beside these."""

    model_config = ConfigDict(extra="allow")

    id: str
    client_secret: BetaSecret


class DeletedConversation(BaseModel):
    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True


class InputText(BaseModel):
    type: Literal["input_text"] = "input_text"
    text: str


class OutputText(BaseModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[Any] = Field(max_length=0)


class ItemAudio(BaseModel):
    duration_ms: int
    heard_ms: int | None = Field(None, description="How much of it was played; absent: all of it.")


class Item(BaseModel):
    id: str
    status: ItemStatus
    created_at: int


class Message(Item):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system"]
    content: list[InputText | OutputText] = Field(description="Of a reply that was cut: what was heard of it.")
    audio: ItemAudio | None = Field(None, description="Of a spoken message that has sound.")
    generated_text: str | None = Field(None, description="Of a reply that was cut: all of it.")


class FunctionCall(Item):
    type: Literal["function_call"] = "function_call"
    call_id: str
    name: str
    arguments: str


class FunctionCallOutput(Item):
    type: Literal["function_call_output"] = "function_call_output"
    call_id: str
    output: str


class ToolError(BaseModel):
    type: Literal["mcp_tool_execution_error"] = "mcp_tool_execution_error"
    content: str


class McpCall(Item):
    type: Literal["mcp_call"] = "mcp_call"
    server_label: str
    name: str
    arguments: str
    output: str | None = None
    error: ToolError | None = None


AnyItem = Annotated[Message | FunctionCall | FunctionCallOutput | McpCall, Discriminator("type")]


class AnItem(RootModel[AnyItem]):
    pass


class Page(BaseModel, Generic[Shown]):
    object: Literal["list"] = "list"
    data: list[Shown]
    first_id: str = Field(description="Empty where the page is.")
    last_id: str = Field(description="What `after` takes for the next page.")
    has_more: bool


class ItemPage(Page[AnyItem]):
    pass


class ConversationPage(Page[Conversation]):
    pass


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class Error(BaseModel):
    error: ErrorDetail
