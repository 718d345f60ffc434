"""The engines that answer in place of an assistant's own when one of those fails."""

from django.db import models

from conversations.models.assistant import Assistant


class EngineFallback(models.Model):
    """One entry of an assistant's ordered list of fallbacks for one kind of engine."""

    class Kind(models.TextChoices):
        STT = "stt", "Speech to text"
        LLM = "llm", "Language model"
        TTS = "tts", "Text to speech"

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="fallbacks")
    kind = models.CharField(max_length=3, choices=Kind)
    position = models.PositiveSmallIntegerField(
        "order", default=0, help_text="Those of a kind are tried from the lowest."
    )
    provider = models.CharField("engine", max_length=20, choices=Assistant.Provider)
    model = models.CharField(max_length=100, blank=True)
    voice = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = "fallback"
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        name = ":".join(part for part in (self.provider, self.model, self.voice) if part)
        return f"{self.get_kind_display()}: {name}"
