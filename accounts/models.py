"""People and their credentials. This app knows nothing of conversations."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.sign_in.email_addresses import AddressField, canonicalise


class Patience(models.TextChoices):
    """How long the user may pause before the assistant answers."""

    QUICK = "quick"
    BALANCED = "balanced"
    PATIENT = "patient"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=canonicalise(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        user.vouch_for_email()
        return user


class User(AbstractBaseUser, PermissionsMixin):
    email = AddressField("email address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    patience = models.CharField(
        max_length=10,
        choices=Patience,
        blank=True,
        help_text="Overrides the assistant’s patience. Leave empty to keep the assistant’s.",
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="For example Europe/Vienna. Leave empty to use the device’s, or UTC if it names none.",
    )
    local_model = models.CharField(
        max_length=200,
        blank=True,
        help_text="The language model of the site’s machine that answers. Leave empty for the one used last.",
    )
    is_staff = models.BooleanField("staff", default=False, help_text="Can use the admin.")
    is_active = models.BooleanField("active", default=True, help_text="Turn this off instead of deleting the user.")
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return str(self.email)

    def vouch_for_email(self) -> None:
        """Mark the address as verified, on the word of an admin or of whoever runs commands on the server."""
        EmailAddress.objects.filter(user=self).exclude(email=self.email).update(primary=False)
        verified = {"verified": True, "primary": True}
        EmailAddress.objects.update_or_create(user=self, email=self.email, defaults=verified)


class Scope(models.TextChoices):
    """What an API key lets a program do."""

    REALTIME = "realtime", "Hold conversations, live or turn by turn"
    CONVERSATIONS_READ = "conversations.read", "Read conversations and listen to them"
    CONVERSATIONS_WRITE = "conversations.write", "Create, change and delete conversations"


def all_scopes() -> list[str]:
    """Return every scope: the default of a new key."""
    return list(Scope.values)


class APIKey(models.Model):
    """An API key that this site issued. Only its SHA-256 is stored; the key itself is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, help_text="The first characters of the key, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope), default=all_scopes)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Marks of the addresses that used it last, so that a new one is told in the security log; see api_keys.
    seen_addresses = ArrayField(models.CharField(max_length=16), default=list, editable=False)
    token: str  # the key itself, on the one object that was just issued in the admin; never stored

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class ClientSecret(models.Model):
    """A short-lived stand-in for an API key, made for a browser. Only its SHA-256 is stored."""

    key = models.ForeignKey(APIKey, on_delete=models.CASCADE, related_name="client_secrets")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    session = models.JSONField(default=dict, help_text="The settings its sessions start with, in the protocol’s shape.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"of {self.key}, until {self.expires_at:%Y-%m-%d %H:%M}"


class ProviderKey(models.Model):
    """A user's own credential for a provider. It is encrypted with FIELD_ENCRYPTION_KEY and never shown again."""

    class Provider(models.TextChoices):
        OPENAI = "openai", "OpenAI or compatible"
        GOOGLE = "google", "Google Cloud"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="provider_keys")
    provider = models.CharField(max_length=20, choices=Provider)
    secret_encrypted = models.BinaryField(editable=False)
    hint = models.CharField(
        max_length=16, blank=True, help_text="The last characters of the secret, to recognise it by."
    )
    # Not a URLField: that refuses the one-word host names of container networks.
    base_url = models.CharField("base URL", max_length=300, blank=True)
    verdict = models.CharField(
        "test result", max_length=300, blank=True, help_text="What the provider answered to the last test."
    )
    works = models.BooleanField(default=False)
    tested_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "provider"], name="one_key_per_provider")]

    def __str__(self) -> str:
        return self.get_provider_display()


class Invitation(models.Model):
    """Permission for one e-mail address to sign up where sign-up is by invitation. Its link is signed, not stored."""

    email = AddressField("email address", unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="invitations_sent")
    created_at = models.DateTimeField(auto_now_add=True)
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.email)
