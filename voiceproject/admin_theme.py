"""The admin's name, colours and sidebar, as Unfold's setting. None of it comes from the environment."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _require_permission(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _build_entry(title: str, icon: str, app: str, model: str) -> dict[str, Any]:
    link = reverse_lazy(f"admin:{app}_{model}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": _require_permission(f"{app}.view_{model}")}


UNFOLD = {
    "SITE_TITLE": "Voiceproject admin",
    "SITE_HEADER": "Voiceproject",
    "SITE_SUBHEADER": "Administration",
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("icons/voiceproject.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("icons/voiceproject.svg")},
    ],
    "STYLES": [lambda request: static("css/admin.css")],
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "conversations.admin.deletion_progress.add_to_dashboard",
    # The site's indigo, from faint to deep.
    "COLORS": {
        "primary": {
            "50": "#f4f3fd",
            "100": "#ebeafa",
            "200": "#d8d6f6",
            "300": "#bab7f0",
            "400": "#8f8be6",
            "500": "#6562d9",
            "600": "#4a47c9",
            "700": "#3a37ae",
            "800": "#31308c",
            "900": "#2b2a70",
            "950": "#1a1945",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "title": "Review",
                "items": [_build_entry("Conversations", "forum", "conversations", "conversation")],
            },
            {
                "title": "Setup",
                "items": [
                    _build_entry("Assistants", "record_voice_over", "conversations", "assistant"),
                    _build_entry("MCP servers", "hub", "conversations", "mcpserver"),
                    {"title": "This site’s models", "icon": "memory", "link": reverse_lazy("site_models")},
                ],
            },
            {
                "title": "People",
                "separator": True,
                "items": [
                    _build_entry("Users", "person", "accounts", "user"),
                    {
                        **_build_entry("Groups", "group", "auth", "group"),
                        "permission": lambda request: request.user.is_superuser,
                    },
                    _build_entry("Invitations", "mail", "accounts", "invitation"),
                    _build_entry("API keys", "key", "accounts", "apikey"),
                    _build_entry("Provider keys", "vpn_key", "accounts", "providerkey"),
                ],
            },
        ],
    },
}
