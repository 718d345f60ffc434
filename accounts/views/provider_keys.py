"""The page of a user's own provider keys: save one and verify it, verify it again, delete it. None is ever shown."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import FORMS, ProviderKeyForm
from accounts.keys import mail_notices
from accounts.models import ProviderKey, User
from accounts.provider_keys import keyring
from accounts.sign_in import reauthentication
from accounts.signed_in_request import SignedInRequest


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """One provider, as the settings show it."""

    provider: str
    label: str
    key: ProviderKey | None  # the user's own
    site_has_one: bool
    form: ProviderKeyForm


def build_provider_cards(user: User, bound: ProviderKeyForm | None = None) -> list[ProviderCard]:
    """Return a card for every provider.

    `bound` is the form that was just submitted, if any; it takes its provider's place.
    """
    own = {key.provider: key for key in ProviderKey.objects.filter(user=user)}
    return [
        ProviderCard(
            provider=provider.value,
            label=str(provider.label),
            key=own.get(provider),
            site_has_one=keyring.get_site_credential(provider) is not None,
            form=bound if bound and bound.provider == provider else _build_empty_form(provider, own.get(provider)),
        )
        for provider in ProviderKey.Provider
    ]


@require_safe
@login_required
def list_provider_keys(request: SignedInRequest) -> HttpResponse:
    """Show the provider keys."""
    return _render_page(request)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@sensitive_post_parameters()
@reauthentication.require_for_posts
def save_provider_key(request: SignedInRequest, provider: str) -> HttpResponse:
    """Save a key and verify it."""
    if provider not in FORMS:
        raise Http404
    if request.method != "POST":  # the way back from the question for the password, where the form was not kept
        return redirect("provider_keys")
    form = FORMS[provider](request.POST, prefix=provider)
    key = form.save(request.user) if form.is_valid() else None
    if key is None:
        return _render_page(request, form)
    mail_notices.notify_provider_key_saved(request, key)
    _show_verdict(request, key, "Saved.")
    return redirect("provider_keys")


@require_POST
@login_required
def test_provider_key(request: SignedInRequest, provider: str) -> HttpResponse:
    """Try a saved key again."""
    key = get_object_or_404(ProviderKey, user=request.user, provider=provider)
    keyring.retest(key)
    _show_verdict(request, key, "Tested again.")
    return redirect("provider_keys")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication.require_for_posts
def delete_provider_key(request: SignedInRequest, provider: str) -> HttpResponse:
    """Ask whether to delete a key; a POST deletes it."""
    key = get_object_or_404(ProviderKey, user=request.user, provider=provider)
    if request.method != "POST":
        return render(request, "accounts/provider_key_delete.html", {"key": key})
    keyring.delete(key.user, provider)
    mail_notices.notify_provider_key_deleted(request, key.user, provider)
    messages.success(request, f"Your {key.get_provider_display()} key has been deleted.")
    return redirect("provider_keys")


def _render_page(request: SignedInRequest, bound: ProviderKeyForm | None = None) -> HttpResponse:
    context = {"cards": build_provider_cards(request.user, bound)}
    return render(request, "accounts/provider_keys.html", context)


def _build_empty_form(provider: str, key: ProviderKey | None) -> ProviderKeyForm:
    return FORMS[provider](prefix=provider, initial={"base_url": key.base_url if key else ""})


def _show_verdict(request: SignedInRequest, key: ProviderKey, what: str) -> None:
    level = messages.SUCCESS if key.works else messages.ERROR
    messages.add_message(request, level, f"{what} {key.verdict}")
