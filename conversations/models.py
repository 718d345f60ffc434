"""What is stored: assistants, conversations, their items in order, and their sound."""

from functools import partial

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator

from accounts.models import Patience
from conversations import keywords
from conversations.querysets import AssistantQuerySet, ConversationQuerySet, ItemQuerySet
from conversations.realtime.protocol.ids import make_id
from conversations.tool_models import McpServer as McpServer

FIRST_WORDS_LENGTH = 80


def clip_storage() -> Storage:
    try:
        return storages["clips"]
    except (ImproperlyConfigured, TypeError) as error:  # TypeError: it knows no such option
        raise ImproperlyConfigured(f"CLIPS_STORAGE, CLIPS_STORAGE_OPTIONS: {error}") from None


class Assistant(models.Model):
    """A saved persona. A blank engine or model means the site's choice (see `engine_choice`)."""

    class Provider(models.TextChoices):
        OPENAI = "openai", "OpenAI or compatible"
        OPENAI_REALTIME = "openai-realtime", "OpenAI Realtime, reading aloud"
        GOOGLE = "google", "Google Cloud"
        DEMO = "demo", "Demo"

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="assistants",
        help_text="Empty: offered to everybody.",
    )
    is_default = models.BooleanField(default=False)
    instructions = models.TextField()
    language = models.CharField(max_length=10, blank=True, help_text="Such as en or de-AT. Empty: as spoken.")
    patience = models.CharField(
        max_length=10,
        choices=Patience,
        blank=True,
        help_text="How long it waits in pauses before it answers; a user’s own setting goes first. Empty: balanced.",
    )
    speculation = models.BooleanField(
        "thinks ahead",
        default=True,
        help_text="Begins to answer in short pauses, before it is sure that one has finished: faster, and costs more "
        "tokens.",
    )
    keywords = models.TextField(
        blank=True,
        validators=[keywords.validate],
        help_text=f"Names and terms that are often said, separated by commas or lines; at most {keywords.MOST} of "
        f"{keywords.MOST_CHARS} characters each.",
    )
    tools = ArrayField(
        models.CharField(max_length=64), default=list, blank=True, help_text="Of the site, which it may call."
    )
    mcp_servers = models.ManyToManyField(
        McpServer,
        blank=True,
        related_name="assistants",
        verbose_name="MCP servers",
        help_text="Whose tools it may call.",
    )
    stt_engine = models.CharField("speech to text", max_length=20, choices=Provider, blank=True)
    stt_model = models.CharField("its model", max_length=100, blank=True)
    llm_engine = models.CharField("language model", max_length=20, choices=Provider, blank=True)
    llm_model = models.CharField("its model", max_length=100, blank=True)
    tts_engine = models.CharField("text to speech", max_length=20, choices=Provider, blank=True)
    tts_model = models.CharField("its model", max_length=100, blank=True)
    tts_voice = models.CharField(
        "voice", max_length=100, blank=True, help_text="The engine’s name for it. Empty: the site’s."
    )
    s2s_engine = models.CharField(
        "speech to speech",
        max_length=20,
        choices=[(Provider.OPENAI.value, "OpenAI Realtime")],
        blank=True,
        help_text="One model that hears and speaks, in place of the other three. Empty: those three.",
    )
    s2s_model = models.CharField("its model", max_length=100, blank=True)
    speed = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0.25), MaxValueValidator(2.0)],
        help_text="1 is the voice’s own; from 0.25 to 2.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AssistantQuerySet.as_manager()

    class Meta:
        ordering = ["-is_default", "name"]
        constraints = [
            models.UniqueConstraint("is_default", condition=models.Q(is_default=True), name="one_default_assistant")
        ]

    def __str__(self) -> str:
        return self.name


class Conversation(models.Model):
    class Status(models.TextChoices):
        LIVE = "live"
        ENDED = "ended"

    public_id = models.CharField(max_length=40, unique=True, default=partial(make_id, "conv"), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="conversations",
        help_text="Empty: it is being deleted, and nobody is shown it (see `deletion`).",
    )
    assistant = models.ForeignKey(Assistant, on_delete=models.SET_NULL, null=True, related_name="conversations")
    title = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="What programs noted of it.",
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.ENDED)
    # See leases.py, which alone writes these.
    holder = models.CharField(max_length=40, blank=True, db_default="", default="", editable=False)
    claimed_by = models.CharField(max_length=40, blank=True, db_default="", default="", editable=False)
    held_until = models.DateTimeField(null=True, blank=True, editable=False, help_text="Empty: no session holds it.")
    goes_if_empty = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="A session began it: where nothing is said, nothing remains.",
    )
    item_count = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now_add=True, help_text="When the last item came.")

    # What lists show; `summaries.add` fills them in.
    first_words = ""
    audio_ms = 0

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]
        indexes = [
            models.Index(fields=["user", "-updated_at"]),
            models.Index(fields=["-updated_at"]),
            models.Index(fields=["held_until"], condition=models.Q(status="live"), name="conversation_live"),
        ]

    def __str__(self) -> str:
        """The title; else the first words, where `summaries` brought them; else the date."""
        first_words = Truncator(self.first_words).chars(FIRST_WORDS_LENGTH)
        return self.title or first_words or f"Conversation of {self.created_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("conversation", args=[self.public_id])

    @property
    def is_live(self) -> bool:
        """Whether a session holds it: one whose process was killed does no more, whatever the status still says."""
        return self.status == self.Status.LIVE and self.held_until is not None and self.held_until > timezone.now()


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
    public_id = models.CharField(max_length=40, help_text="The protocol's item id; unique within the conversation.")
    position = models.PositiveIntegerField(help_text="Order within the conversation, from 0.")
    type = models.CharField(max_length=24, choices=Type, default=Type.MESSAGE)
    role = models.CharField(max_length=10, choices=Role, blank=True)
    status = models.CharField(max_length=12, choices=Status)
    is_audio = models.BooleanField(default=False, help_text="Spoken, not typed.")
    text = models.TextField(blank=True, help_text="The user's words, or all that the assistant generated.")
    heard_text = models.TextField(null=True, blank=True, help_text="What of it was played. Null: all of it.")
    audio_ms = models.PositiveIntegerField(default=0, help_text="Length of all audio generated or spoken.")
    heard_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Null: all of it.")
    response_id = models.CharField(max_length=40, blank=True)
    call = models.JSONField(
        default=dict,
        blank=True,
        help_text="call_id, name, arguments, output, error of a function or tool; who runs it.",
    )
    stt = models.CharField(max_length=150, blank=True, help_text="provider:model")
    llm = models.CharField(max_length=150, blank=True, help_text="provider:model")
    tts = models.CharField(max_length=150, blank=True, help_text="provider:model:voice")
    waterfall = models.JSONField(default=dict, blank=True, help_text="Milliseconds since the endpoint, by step.")
    stt_seconds = models.FloatField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    cached_input_tokens = models.PositiveIntegerField(default=0, help_text="Of the input tokens.")
    output_tokens = models.PositiveIntegerField(default=0)
    input_audio_tokens = models.PositiveIntegerField(default=0, help_text="Of the input tokens.")
    output_audio_tokens = models.PositiveIntegerField(default=0, help_text="Of the output tokens.")
    tts_characters = models.PositiveIntegerField(default=0)
    # Of an utterance: estimates of what replies to it took that were begun ahead of its endpoint and not used.
    discarded_input_tokens = models.PositiveIntegerField(default=0)
    discarded_output_tokens = models.PositiveIntegerField(default=0)
    discarded_tts_characters = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # What a search finds: a trigger of the database keeps it (migration 0012), so that no way of writing forgets it.
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
        return self.text if self.heard_text is None else self.heard_text

    @property
    def unheard_text(self) -> str:
        """What was generated and not played: the rest of the text, or all of it where the two differ in their words."""
        return self.text.removeprefix(self.played_text).strip() if self.was_cut else ""

    @property
    def was_cut(self) -> bool:
        return self.heard_text is not None and self.heard_text != self.text


class AudioClip(models.Model):
    """The sound of one item, Ogg Opus. Its bytes live in the `clips` storage, never in this row."""

    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="clip")
    file = models.FileField(storage=clip_storage, max_length=200)
    duration_ms = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.duration_ms / 1000:.1f} s"


class ClipData(models.Model):
    """The bytes behind `clip_storage.PostgresStorage`, the default `clips` storage."""

    name = models.CharField(max_length=200, unique=True)
    data = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class LooseFile(models.Model):
    """A file of a clip storage outside the database that no clip has: reserved for an upload, or to be deleted.

    See `clip_files`.
    """

    name = models.CharField(max_length=200, unique=True)
    is_reserved = models.BooleanField(help_text="An upload may be under way, whose clip takes the file over.")
    due_at = models.DateTimeField(db_index=True, help_text="When it is deleted.")
    tries = models.PositiveIntegerField(default=0, help_text="To delete it.")

    def __str__(self) -> str:
        return self.name
