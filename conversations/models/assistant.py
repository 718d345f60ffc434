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
        OPENAI_REALTIME = "openai-realtime", "OpenAI Realtime (reads aloud)"
        GOOGLE = "google", "Google Cloud"
        LOCAL = "local", "This machine"
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
        help_text="Leave empty to offer it to everyone.",
    )
    is_default = models.BooleanField(default=False)
    instructions = models.TextField()
    language = models.CharField(
        max_length=10,
        blank=True,
        help_text="For example en or de-AT. Leave empty to follow the language that is spoken.",
    )
    patience = models.CharField(
        max_length=10,
        choices=Patience,
        blank=True,
        help_text="How long it waits in a pause before it answers. A user’s own setting overrides it. Empty: balanced.",
    )
    preemptive_generation = models.BooleanField(
        "thinks ahead",
        default=True,
        help_text="Starts answering in short pauses, before it is sure that the user has finished. Faster, but uses "
        "more tokens.",
    )
    keywords = models.TextField(
        blank=True,
        validators=[keywords.validate],
        help_text=f"Names and terms that come up often, separated by commas or new lines: up to {keywords.MOST}, each "
        f"of up to {keywords.MOST_CHARS} characters.",
    )
    tools = ArrayField(
        models.CharField(max_length=64), default=list, blank=True, help_text="Tools of this site that it may use."
    )
    mcp_servers = models.ManyToManyField(
        McpServer,
        blank=True,
        related_name="assistants",
        verbose_name="MCP servers",
        help_text="Servers whose tools it may use.",
    )
    stt_engine = models.CharField("speech to text", max_length=20, choices=Provider, blank=True)
    stt_model = models.CharField("speech to text model", max_length=100, blank=True)
    llm_engine = models.CharField("language model", max_length=20, choices=Provider, blank=True)
    llm_model = models.CharField("language model name", max_length=100, blank=True)
    tts_engine = models.CharField("text to speech", max_length=20, choices=Provider, blank=True)
    tts_model = models.CharField("text to speech model", max_length=100, blank=True)
    tts_voice = models.CharField(
        "voice", max_length=100, blank=True, help_text="Its name at the engine. Leave empty for the site’s choice."
    )
    s2s_engine = models.CharField(
        "speech to speech",
        max_length=20,
        choices=[(Provider.OPENAI.value, "OpenAI Realtime")],
        blank=True,
        help_text="One model that listens and speaks, in place of the three engines above. Leave empty to use those.",
    )
    s2s_model = models.CharField("speech to speech model", max_length=100, blank=True)
    speed = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0.25), MaxValueValidator(2.0)],
        help_text="From 0.25 to 2. 1 is the voice’s normal speed.",
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
