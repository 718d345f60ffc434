"""The forms of the settings pages, and of signing up by invitation."""

from typing import Any

from allauth.account.forms import SignupForm
from allauth.core import context
from django import forms
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from accounts import time_zones
from accounts.models import APIKey, Patience, ProviderKey, Scope, User, all_scopes
from accounts.outbound import base_urls
from accounts.provider_keys import keyring, secret_formats
from accounts.provider_keys.credentials import OPENAI_URL
from accounts.security import client_addresses, throttles
from accounts.sign_in import invitations
from accounts.sign_in.email_forms import AddressInput

MAX_API_KEYS = 50


class InvitedSignupForm(SignupForm):  # type: ignore[misc]
    """The sign-up form.

    It holds a guest to the invited address, and reveals as little as possible about who has an account.

    Where the site sends mail it reveals nothing: the answer is the same and takes as long, and the owner of a known
    address gets a mail. Without mail a new address is signed in at once, so the form has to say that an address is
    taken; there only a few may be tried.
    """

    email = AddressInput()

    def clean_email(self) -> str:
        address = client_addresses.group_address(client_addresses.read_request_address(context.request))
        if throttles.is_spent(throttles.TAKEN, address):
            raise forms.ValidationError("Too many sign-up attempts from here. Try again in an hour.")
        try:
            email = str(super().clean_email())
        except forms.ValidationError:
            throttles.hit(throttles.TAKEN, address)
            raise
        invitation = invitations.find_held(context.request)
        if invitation and invitation.email != email:
            raise forms.ValidationError(f"Your invitation is for {invitation.email}.")
        return email

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])  # what takes long when an account is made
        return super().try_save(request)


class PreferencesForm(forms.ModelForm[User]):
    patience = forms.ChoiceField(
        label="How long the assistant waits for you",
        required=False,
        widget=forms.RadioSelect,
        choices=[
            ("", "Default: each assistant has a patience of its own."),
            (Patience.QUICK, "Quick: answers as soon as a sentence sounds finished."),
            (Patience.BALANCED, "Balanced: gives you a moment to continue."),
            (Patience.PATIENT, "Patient: waits through long pauses, so you can think aloud."),
        ],
    )

    time_zone = forms.ChoiceField(
        label="Time zone",
        required=False,
        choices=lambda: [
            ("", "Same as this device"),
            *((name, name.replace("_", " ")) for name in time_zones.list_offered()),
        ],
        help_text="The assistant uses it to tell you the time.",
    )

    class Meta:
        model = User
        fields = ["patience", "time_zone"]


class ScopesField(forms.MultipleChoiceField):
    """A field for what a key may do: everything, unless the user unticks something."""

    def __init__(self, **kwargs: Any) -> None:
        defaults = {"label": "This key can", "initial": all_scopes, "widget": forms.CheckboxSelectMultiple}
        super().__init__(choices=Scope, **{**defaults, **kwargs})


class APIKeyForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        help_text="What will use it, such as “kitchen radio”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = ScopesField(error_messages={"required": "Choose at least one, or the key cannot do anything."})

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        if APIKey.objects.filter(user=self.user, revoked_at=None).count() >= MAX_API_KEYS:
            raise forms.ValidationError(
                f"You already have {MAX_API_KEYS} keys, which is the limit. Revoke one that you no longer use first."
            )
        return self.cleaned_data


class SecretTextarea(forms.Textarea):
    """A text area for a secret: if the form is shown again because of an error, it comes back empty."""

    def format_value(self, value: Any) -> str:
        return ""


class ProviderKeyForm(forms.Form):
    """A form for a provider's key. `save` tries the key out, which may take seconds, and may still refuse it."""

    provider: str
    secret: forms.CharField

    def save(self, user: User) -> ProviderKey | None:
        """Save the key and return it with its verdict, or return None: then the form carries the error."""
        data = self.cleaned_data
        try:
            return keyring.save(user, self.provider, data["secret"], data.get("base_url", ""))
        except secret_formats.SecretError as error:
            self.add_error("secret", str(error))
        except base_urls.BaseURLError as error:
            self.add_error("base_url", str(error))
        return None


class OpenAIKeyForm(ProviderKeyForm):
    provider = ProviderKey.Provider.OPENAI
    secret = forms.CharField(
        label="Key",
        required=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    base_url = forms.CharField(
        label="Base URL (optional)",
        required=False,
        max_length=300,
        help_text="Only for another server that is compatible with OpenAI.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        default = keyring.get_default_base_url(self.provider) or OPENAI_URL
        self.fields["base_url"].widget.attrs["placeholder"] = default

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "secret" in data and "base_url" in data and not (data["secret"] or data["base_url"]):
            self.add_error(
                "secret", "Paste a key. Only a compatible server with a base URL of its own can do without one."
            )
        return data


class GoogleKeyForm(ProviderKeyForm):
    provider = ProviderKey.Provider.GOOGLE
    secret = forms.CharField(
        label="API key or service account",
        max_length=secret_formats.MAX_LENGTH,
        help_text="An API key, or the whole JSON file of a service account with access to Cloud Text-to-Speech.",
        widget=SecretTextarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )


FORMS: dict[str, type[ProviderKeyForm]] = {form.provider: form for form in (OpenAIKeyForm, GoogleKeyForm)}
