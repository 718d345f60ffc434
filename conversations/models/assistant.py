"""Assistants: saved personas."""

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import Patience
from conversations import keywords
from conversations.models.mcp_server import McpServer


class AssistantQuerySet(QuerySet["Assistant"]):
    def offered_to(self, user_id: int) -> Self:
        """Return the assistants of the site, and the user's own."""
        return self.filter(Q(owner=None) | Q(owner=user_id))


class Assistant(models.Model):
    """A saved persona. A blank engine or model means the site's choice (see `engine_selection`)."""

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
