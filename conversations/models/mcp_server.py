"""Remote servers of tools."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

LABEL_RULE = "Start with a letter, then use letters, digits, _ and -."


def validate_label(label: str) -> None:
    """Raise ValidationError for the label that stands for the site's own tools."""
    if label == "site":
        raise ValidationError("“site” is reserved for the tools of this site. Choose another label.")


class McpServer(models.Model):
    """A remote server of tools (Model Context Protocol) that assistants may use."""

    label = models.CharField(
        max_length=32,
        unique=True,
        validators=[RegexValidator(r"^[A-Za-z][A-Za-z0-9_-]*$", LABEL_RULE), validate_label],
        help_text=f"Its name in conversations. {LABEL_RULE}",
    )
    url = models.CharField(
        "URL", max_length=500, help_text="Its Streamable HTTP address, such as https://example.com/mcp."
    )
    authorization_encrypted = models.BinaryField(default=b"", editable=False)
    allowed_tools = ArrayField(
        models.CharField(max_length=128),
        default=list,
        blank=True,
        help_text="Separated by commas. Leave empty to allow all of them.",
    )
    timeout_sec = models.FloatField(
        "time limit",
        default=20.0,
        validators=[MinValueValidator(1), MaxValueValidator(300)],
        help_text="In seconds, for connecting and for each call.",
    )
    is_enabled = models.BooleanField("enabled", default=True)
    verdict = models.CharField(
        "test result", max_length=500, blank=True, help_text="What it answered to the last test."
    )
    works = models.BooleanField(default=False)
    tested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "MCP server"
        ordering = ["label"]

    def __str__(self) -> str:
        return self.label
