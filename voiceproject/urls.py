"""Every address of the site; /healthz and /readyz are in `health`, the WebSocket in `asgi`."""

from contextlib import suppress

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
]
for urls in ("accounts.urls", "conversations.urls"):
    with suppress(ImportError):
        urlpatterns.append(path("", include(urls)))
