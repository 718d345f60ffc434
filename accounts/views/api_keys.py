"""The pages of a user's API keys: list them, make one, revoke one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.forms import APIKeyForm
from accounts.keys import api_keys, mail_notices
from accounts.models import APIKey
from accounts.sign_in import reauthentication
from accounts.signed_in_request import SignedInRequest


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@reauthentication.require_for_posts
def list_api_keys(request: SignedInRequest) -> HttpResponse:
    """Show the API keys. A POST makes one, and only its answer ever shows the key, so it does not redirect."""
    form = APIKeyForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        key, token = api_keys.create(request.user, form.cleaned_data["name"], form.cleaned_data["scopes"])
        mail_notices.notify_api_key_created(request, key)
        return render(request, "accounts/api_key_created.html", {"key": key, "token": token})
    keys = list(APIKey.objects.filter(user=request.user))
    context = {
        "form": form,
        "live": [key for key in keys if key.revoked_at is None],
        "revoked": [key for key in keys if key.revoked_at],
    }
    return render(request, "accounts/api_keys.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def revoke_api_key(request: SignedInRequest, pk: int) -> HttpResponse:
    """Revoke a key, without asking for the password: revoking only takes rights away, and may be urgent."""
    key = get_object_or_404(APIKey, pk=pk, user=request.user, revoked_at=None)
    if request.method != "POST":
        return render(request, "accounts/api_key_revoke.html", {"key": key})
    api_keys.revoke(key)
    mail_notices.notify_api_key_revoked(request, key)
    messages.success(request, f"“{key.name}” has been revoked. Everything that was connected with it is disconnected.")
    return redirect("api_keys")
