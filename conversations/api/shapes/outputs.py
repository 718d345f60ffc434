"""The shapes of what the HTTP API answers: the official Conversations API's, with keys of our own beside theirs.

Official clients ignore keys that they do not know, and tests check our answers against the SDK's own types. One thing
differs from the official API: a spoken utterance is an `input_text` with its words, since official messages have no
`input_audio`. Its key `audio` tells how long it is, and the sound has an address of its own.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel

Shown = TypeVar("Shown")
ItemStatus = Literal["in_progress", "completed", "incomplete"]


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
    model: str | None = Field(None, description="The assistant that speaks in it. Absent until one does.")
    item_count: int
    updated_at: int
    status: Literal["live", "ended", "broke_off"] = Field(
        description="live while somebody is talking in it; broke_off if the server stopped in the middle of it."
    )


class ClientSecret(BaseModel):
    value: str
    expires_at: int
    session: dict[str, Any] = Field(description="The session that a client with this secret gets.")


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
    heard_ms: int | None = Field(None, description="How much of it was played. Absent if all of it was.")


class Item(BaseModel):
    id: str
    status: ItemStatus
    created_at: int


class Message(Item):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system"]
    content: list[InputText | OutputText] = Field(description="If the reply was interrupted, only what the user heard.")
    audio: ItemAudio | None = Field(None, description="Present if the message was spoken and its sound is stored.")
    generated_text: str | None = Field(None, description="If the reply was interrupted, all that was generated.")


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
    first_id: str = Field(description="Empty if the page is.")
    last_id: str = Field(description="Pass it as `after` to get the next page.")
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
