"""Every address of the site; /healthz, /readyz and /metrics are in `health`, the WebSocket in `asgi`."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from voiceproject.set_up import SetUpView

# The admin is entered through the site's own sign-in page, which limits how fast passwords are tried.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler500 = "voiceproject.refusals.server_error"
urlpatterns = [
    path("", include("conversations.urls")),
    path("v1/", include("conversations.api.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("set-up/<str:token>/", SetUpView.as_view(), name="set_up"),
]
