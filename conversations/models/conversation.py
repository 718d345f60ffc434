"""Conversations, and who may read them."""

from functools import partial
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator

from accounts.models import User
from conversations.models.assistant import Assistant
from conversations.realtime.protocol.ids import make_id

FIRST_WORDS_LENGTH = 80


def may_review(user: User | AnonymousUser) -> bool:
    """Return whether this user is staff and may read everybody's conversations."""
    return user.is_staff and user.has_perm("conversations.view_conversation")


class ConversationQuerySet(QuerySet["Conversation"]):
    def readable_by(self, user: User | AnonymousUser) -> Self:
        """Return the conversations that this user may read: the own ones, or all for staff who review."""
        return self.owned() if may_review(user) else self.filter(user=user.pk)

    def owned(self) -> Self:
        """Return the conversations that are not being deleted."""
        return self.filter(user__isnull=False)


class Conversation(models.Model):
    """The stored talk of one user with an assistant."""

    class Status(models.TextChoices):
        LIVE = "live"
        ENDED = "ended"
        BROKE_OFF = "broke_off", "Broke off"  # its process was killed, or could not reach the database any more

    public_id = models.CharField(max_length=40, unique=True, default=partial(make_id, "conv"), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="conversations",
        help_text="Empty while the conversation is being deleted.",
    )
    assistant = models.ForeignKey(Assistant, on_delete=models.SET_NULL, null=True, related_name="conversations")
    title = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="Notes that programs keep about it.",
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.ENDED)
    # Only storage/leases.py writes these.
    holder = models.CharField(max_length=40, blank=True, db_default="", default="", editable=False)
    claimed_by = models.CharField(max_length=40, blank=True, db_default="", default="", editable=False)
    held_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Empty when no session holds it."
    )
    goes_if_empty = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="A session created it; it is deleted if nothing is said in it.",
    )
    item_count = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now_add=True, help_text="When the last item was added.")

    # Shown in lists; `history.summaries.add_summaries` fills them in.
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
        """Return the title, or else the first words if `summaries` has filled them in, or else the date."""
        first_words = Truncator(self.first_words).chars(FIRST_WORDS_LENGTH)
        return self.title or first_words or f"Conversation of {self.created_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("conversation", args=[self.public_id])

    @property
    def is_live(self) -> bool:
        """Return whether a session holds it now. The status alone is stale if the session's process was killed."""
        return self.status == self.Status.LIVE and self.held_until is not None and self.held_until > timezone.now()

    @property
    def present_status(self) -> Status:
        """Return the status as it is now: the stored one follows within a minute after a process was killed."""
        stored = self.Status(self.status)
        return self.Status.BROKE_OFF if stored is self.Status.LIVE and not self.is_live else stored

    @property
    def has_broken_off(self) -> bool:
        """Return whether the last session ended without a word, since the server stopped or lost its database."""
        return self.present_status is self.Status.BROKE_OFF
