"""The one-time link with which whoever can read the site's terminal makes its first admin.

Nothing is stored: the token is signed, expires, and is void once there is an admin.
"""

from allauth.account.models import EmailAddress
from django.contrib.auth import login
from django.contrib.auth.forms import BaseUserCreationForm
from django.core import signing
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import User
from accounts.security.security_log import Event, record

SALT = "voiceproject.first_admin"
MAX_AGE_SEC = 24 * 60 * 60
LOCK_ID = 0x5E79  # any number that no other advisory lock of this site uses


class FirstAdminForm(BaseUserCreationForm[User]):
    """The form for the first admin's address and password."""

    class Meta:
        model = User
        fields = ("email",)


def build_path_if_needed() -> str:
    """Return the path of the link with a new token, or "" if there is an admin already."""
    return "" if has_admin() else reverse("set_up", args=[signing.dumps("first admin", salt=SALT)])


def has_admin() -> bool:
    """Return whether the site has an active superuser."""
    return User.objects.filter(is_superuser=True, is_active=True).exists()


def is_valid(token: str) -> bool:
    """Return whether the token may still make an admin."""
    try:
        signing.loads(token, salt=SALT, max_age=MAX_AGE_SEC)
    except signing.BadSignature:
        return False
    return not has_admin()


@method_decorator([never_cache, sensitive_post_parameters("password1", "password2")], name="dispatch")
class SetUpView(View):
    """The page behind the link."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return _render_page(request, FirstAdminForm()) if is_valid(token) else _render_gone(request)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        with transaction.atomic():
            _take_turns()
            if not is_valid(token):
                return _render_gone(request)
            form = FirstAdminForm(request.POST)
            if not form.is_valid():
                return _render_page(request, form)
            user = _create(form)
        login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return redirect("home")


def _take_turns() -> None:
    """Let the second of two people with the same link wait, and then find the first one's account."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_ID])


def _create(form: FirstAdminForm) -> User:
    form.instance.is_staff = form.instance.is_superuser = True
    user: User = form.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    record(Event.FIRST_ADMIN_MADE, user=user.pk)
    return user


def _render_page(request: HttpRequest, form: FirstAdminForm) -> HttpResponse:
    return render(request, "voiceproject/set_up.html", {"form": form})


def _render_gone(request: HttpRequest) -> HttpResponse:
    return render(request, "voiceproject/set_up.html", {"has_admin": has_admin()}, status=410)
