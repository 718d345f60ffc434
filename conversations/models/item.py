"""The entries of a conversation."""

from typing import Self

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import QuerySet

from conversations.models.conversation import Conversation


class ItemQuerySet(QuerySet["Item"]):
    def as_dialogue(self) -> Self:
        """Return the items in order, each with its clip's row, but without audio."""
        return self.defer("search_words").select_related("clip").order_by("position")


class Item(models.Model):
    """One entry of a conversation, in the protocol's words."""

    class Type(models.TextChoices):
        MESSAGE = "message"
        FUNCTION_CALL = "function_call"
        FUNCTION_CALL_OUTPUT = "function_call_output"
        MCP_CALL = "mcp_call", "Tool call"

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"
        SYSTEM = "system"

    class Status(models.TextChoices):
        IN_PROGRESS = "in_progress"
        COMPLETED = "completed"
        INCOMPLETE = "incomplete"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="items")
    public_id = models.CharField(max_length=40, help_text="Its id in the protocol, unique within the conversation.")
    position = models.PositiveIntegerField(help_text="Its place in the conversation, starting at 0.")
    type = models.CharField(max_length=24, choices=Type, default=Type.MESSAGE)
    role = models.CharField(max_length=10, choices=Role, blank=True)
    status = models.CharField(max_length=12, choices=Status)
    is_audio = models.BooleanField(default=False, help_text="Whether it was spoken, not typed.")
    text = models.TextField(blank=True, help_text="What the user said, or everything the assistant generated.")
    heard_text = models.TextField(null=True, blank=True, help_text="The part that was played. Null means all of it.")
    audio_ms = models.PositiveIntegerField(default=0, help_text="Length of all its audio, in milliseconds.")
    heard_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="How much was played, in milliseconds. Null means all of it."
    )
    response_id = models.CharField(max_length=40, blank=True)
    call = models.JSONField(
        default=dict,
        blank=True,
        help_text="Of a function or tool call: call_id, name, arguments, output, error, and who runs it.",
    )
    stt = models.CharField(max_length=150, blank=True, help_text="provider:model")
    llm = models.CharField(max_length=150, blank=True, help_text="provider:model")
    tts = models.CharField(max_length=150, blank=True, help_text="provider:model:voice")
    waterfall = models.JSONField(
        default=dict, blank=True, help_text="When each step came, in milliseconds after the endpoint."
    )
    stt_seconds = models.FloatField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    cached_input_tokens = models.PositiveIntegerField(default=0, help_text="Included in the input tokens.")
    output_tokens = models.PositiveIntegerField(default=0)
    input_audio_tokens = models.PositiveIntegerField(default=0, help_text="Included in the input tokens.")
    output_audio_tokens = models.PositiveIntegerField(default=0, help_text="Included in the output tokens.")
    tts_characters = models.PositiveIntegerField(default=0)
    # Of an utterance: estimates for replies that were begun before its endpoint was confirmed, and discarded.
    discarded_input_tokens = models.PositiveIntegerField(default=0)
    discarded_output_tokens = models.PositiveIntegerField(default=0)
    discarded_tts_characters = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # For searches. A trigger of the database keeps it (migration 0012), so that no way of writing can forget it.
    search_words = SearchVectorField(null=True, editable=False)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "public_id"], name="item_id_once"),
            models.UniqueConstraint(
                fields=["conversation", "position"],
                name="item_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]
        indexes = [GinIndex(fields=["search_words"], name="item_words")]

    def __str__(self) -> str:
        return f"{self.role or self.type}: {self.text[:60]}"

    @property
    def played_text(self) -> str:
        """The words that were played to the user, or typed or spoken by them."""
        return self.text if self.heard_text is None else self.heard_text

    @property
    def unheard_text(self) -> str:
        """Return what was generated and not played: the rest of the text, or all of it if the words differ."""
        return self.text.removeprefix(self.played_text).strip() if self.was_cut else ""

    @property
    def was_cut(self) -> bool:
        """Return whether the user heard only a part of the text."""
        return self.heard_text is not None and self.heard_text != self.text
