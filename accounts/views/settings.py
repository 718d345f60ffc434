"""The overview of the settings, and the page that an invitation links to."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods

from accounts.forms import PreferencesForm
from accounts.models import APIKey
from accounts.sign_in import invitations
from accounts.sign_in.adapter import AccountAdapter
from accounts.signed_in_request import SignedInRequest
from accounts.views.provider_keys import build_provider_cards


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def show_overview(request: SignedInRequest) -> HttpResponse:
    """Show the settings. A POST saves the preferences."""
    form = PreferencesForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        request.user.save(update_fields=["patience", "time_zone"])
        messages.success(request, "Preferences saved. They apply from your next call.")
        return redirect("settings")
    api_keys = APIKey.objects.filter(user=request.user, revoked_at=None)
    context = {"api_key_count": api_keys.count(), "cards": build_provider_cards(request.user), "form": form}
    return render(request, "accounts/settings.html", context)


@require_GET
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Redirect to the sign-up. The address counts as verified, as the link came by mail or from the admin."""
    invitation = invitations.open_link(request, token)
    if invitation is None:
        messages.error(request, "This invitation has expired, was withdrawn or has been used. Ask for a new one.")
        return redirect("account_login")
    AccountAdapter(request).stash_verified_email(request, invitation.email)
    return redirect(reverse("account_signup") + "?" + urlencode({"email": invitation.email}))
