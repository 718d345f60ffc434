"""Ask for the password again before keys are made, changed or deleted, without losing the form.

It works as allauth does for addresses, except that the form that waits in the session is encrypted, as it may contain a
provider's key. Users without a password, whom allauth asks for nothing, sign in again with a mailed code.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY, is_reauthentication_required
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import resolve, reverse
from django.utils.http import urlencode

from accounts.security import encryption

APP = "allauth.account"
MOST_KEPT = 20_000  # characters of a form: a service account's JSON has some 3,000
View = TypeVar("View", bound=Callable[..., HttpResponse])


def require_for_posts(view: View) -> View:
    """Let a POST to the view wait until the password was given again. Put this decorator below login_required."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and (answer := ask_for_password(request)):
            return answer
        return view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value]


def ask_for_password(request: HttpRequest) -> HttpResponse | None:
    """Keep the form, and return a redirect to the page that asks; None if the password was given a moment ago."""
    if request.user.is_authenticated and not request.user.has_usable_password():
        return _ask_for_code(request)
    if not is_reauthentication_required(request, app=APP):
        return None
    request.session.pop(STATE_SESSION_KEY, None)
    url = request.get_full_path()
    form = request.POST.copy()
    form.pop("csrfmiddlewaretoken", None)
    if request.method == "POST" and len(text := form.urlencode()) <= MOST_KEPT:
        state = {"url": url, "form": encryption.encrypt(text).decode()}
        request.session[STATE_SESSION_KEY] = {"state": state, "callback": "accounts.sign_in.reauthentication.resume"}
    return redirect(reverse("account_reauthenticate") + "?" + urlencode({"next": url}))


def _ask_for_code(request: HttpRequest) -> HttpResponse | None:
    """Sign the user out, and return a redirect to the page that mails a code; None if they signed in a moment ago."""
    records = get_authentication_records(request, request.user)
    is_recent = bool(records) and time.time() - records[-1]["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    if is_recent or not settings.EMAIL_HOST:
        return None
    url = request.get_full_path()
    logout(request)
    messages.info(request, "To change keys or email addresses, sign in again with a code we email you.")
    return redirect(reverse("account_request_login_code") + "?" + urlencode({"next": url}))


def resume(request: HttpRequest, state: dict[str, str]) -> HttpResponse:
    """Go on with the form as if it had just been sent. allauth calls this when the password was right."""
    url = state["url"]
    if get_next_redirect_url(request) != url:  # left over from another time
        return redirect(get_next_redirect_url(request) or "settings")
    try:
        form = encryption.decrypt(state["form"].encode())
    except encryption.DecryptionError:
        return redirect(url)
    request.POST = QueryDict(form)
    request.resolver_match = found = resolve(url.partition("?")[0])
    answer: HttpResponse = found.func(request, *found.args, **found.kwargs)
    return answer
