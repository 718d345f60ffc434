"""The shapes of what the HTTP API takes: queries and bodies."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag

MAX_ITEMS = 20  # of one request, as officially
MAX_PARTS = 100
MAX_TEXT_CHARS = 100_000  # of an item, as over the socket


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]  # of a query, which nothing has cleaned of NULs
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
CallId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]],
    Field(max_length=16),
]


class ListQuery(BaseModel):
    after: Word | None = Field(None, description="The last id of the previous page.")
    limit: int = Field(20, ge=1, le=100)
    order: Literal["asc", "desc"] = Field("desc", description="desc puts the newest first.")


class TurnQuery(BaseModel):
    conversation: Word | None = Field(None, description="The conversation to continue. Without it, a new one begins.")
    assistant: Word | None = Field(None, description="The assistant that answers. It must be one of yours.")
    model: Word | None = Field(
        None, description="The same, but any other name stands for the site's default assistant."
    )
    time_zone: Word | None = Field(None, description="Your time zone, such as Europe/Vienna.")


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


def _find_type(item: Any) -> Any:
    """Return the type of an item; without one it is a message."""
    return item.get("type", "message") if isinstance(item, dict) else getattr(item, "type", None)


NewItem = Annotated[
    Annotated[NewMessage, Tag("message")]
    | Annotated[NewFunctionCall, Tag("function_call")]
    | Annotated[NewFunctionCallOutput, Tag("function_call_output")],
    Discriminator(
        _find_type,
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
    metadata: Metadata | None = Field(description="Replaces the metadata as a whole. null clears it.")


def _accept_whole_float(number: Any) -> Any:
    """Return 60 for 60.0, since JSON knows only one kind of number."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class ExpiresAfter(BaseModel):
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200), BeforeValidator(_accept_whole_float)] = 600


class SecretOptions(BaseModel):
    expires_after: ExpiresAfter | None = None


class NewClientSecret(SecretOptions):
    session: dict[str, Any] | None = Field(
        None, description="The settings its sessions start with, in the shape of `session.update`."
    )


class NewBetaSession(BaseModel):
    """A session in the flat shape of the beta dialect, beside these."""

    model_config = ConfigDict(extra="allow")

    model: str | None = None
    client_secret: SecretOptions | None = None
