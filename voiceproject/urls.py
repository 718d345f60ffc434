"""Every address of the site; /healthz, /readyz and /metrics are in `health`, the WebSocket in `asgi`."""

from allauth.account import views as allauth_views
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path

from accounts.sign_in import reauthentication
from voiceproject.first_admin import SetUpView

# The admin is entered through the site's own sign-in page, which limits how fast passwords are tried.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler500 = "voiceproject.http.refusals.answer_server_error"
urlpatterns = [
    path("", include("conversations.urls")),
    path("v1/", include("conversations.api.urls")),
    path("", include("accounts.urls")),
    # Whoever has no password is not asked for anything there by allauth, and either is a way to one.
    path("accounts/password/set/", login_required(reauthentication.require_for_posts(allauth_views.password_set))),
    path("accounts/email/", login_required(reauthentication.require_for_posts(allauth_views.email))),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("set-up/<str:token>/", SetUpView.as_view(), name="set_up"),
]
