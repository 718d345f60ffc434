"""Remote MCP servers in the admin: they are verified when they are saved, and never show their authorisation again."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from accounts.admin.base import RecordedAdmin
from accounts.security import encryption
from conversations.models import McpServer
from conversations.tools.mcp_verification import verify_server

SAVED = "saved_mcp_server"  # of a request


@dataclass
class Saved:
    """A server that was saved and is yet to be verified, and the messages that are shown after that."""

    server: McpServer
    messages: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)


class McpServerForm(forms.ModelForm[McpServer]):
    """The form of a server. Its authorisation goes in, and never comes out."""

    authorization = forms.CharField(
        label="Authorisation",
        required=False,
        max_length=4000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="The whole value of its Authorization header, such as “Bearer …”. Empty keeps the saved one.",
    )
    forget_authorization = forms.BooleanField(
        label="Forget the saved value", required=False, widget=UnfoldBooleanSwitchWidget
    )

    class Meta:
        model = McpServer
        fields = ["label", "url", "allowed_tools", "timeout_sec", "is_enabled"]

    def clean_url(self) -> str:
        """Return the address, or raise ValidationError if no MCP server can have it."""
        url = str(self.cleaned_data["url"])
        try:
            parts = urlsplit(url)
            is_fine = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.fragment)
            _ = parts.port
        except ValueError:
            is_fine = False
        if not is_fine:
            raise forms.ValidationError("Enter an address such as https://example.com/mcp, without a user name or #.")
        return url

    def clean_authorization(self) -> str:
        """Return the header's value, or raise ValidationError if no header can have it."""
        value = str(self.cleaned_data["authorization"])
        if not (value.isascii() and (value.isprintable())):
            raise forms.ValidationError("Enter one line of plain letters, digits and punctuation.")
        return value

    def clean(self) -> dict[str, Any]:
        """Check that a saved authorisation goes to no other host than the one it was entered for.

        It is never shown, but could be read by having it sent to a host of one's own.
        """
        data = self.cleaned_data
        is_kept = self.instance.authorization_encrypted and not data["forget_authorization"]
        if (
            is_kept
            and not data.get("authorization")
            and _find_host(data.get("url", "")) != _find_host(self.initial["url"])
        ):
            self.add_error(
                "authorization", "It was saved for another host. Enter it again, or choose “Forget the saved value”."
            )
        return data

    def save(self, commit: bool = True) -> McpServer:
        """Save the server, with its authorisation encrypted."""
        if self.cleaned_data["authorization"]:
            self.instance.authorization_encrypted = encryption.encrypt(self.cleaned_data["authorization"])
        elif self.cleaned_data["forget_authorization"]:
            self.instance.authorization_encrypted = b""
        return super().save(commit)


def _find_host(url: str) -> tuple[str, str]:
    """Return scheme, host and port of an address, or ("", "") for one that was refused."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


@admin.register(McpServer)
class McpServerAdmin(RecordedAdmin):
    """The list and the form of MCP servers."""

    form = McpServerForm
    list_display = ["label", "url", "enabled", "state", "verdict", "tested_at"]
    list_filter = ["is_enabled", "works"]
    search_fields = ["label", "url"]
    readonly_fields = ["has_authorization", "verdict", "tested_at"]
    actions = ["try_again"]
    fieldsets = [
        ("Server", {"fields": [("label", "is_enabled"), "url"]}),
        ("Authorisation", {"fields": ["has_authorization", "authorization", "forget_authorization"]}),
        ("Tools", {"fields": ["allowed_tools", "timeout_sec"]}),
        ("Last test", {"fields": ["verdict", "tested_at"]}),
    ]

    def save_model(self, request: HttpRequest, obj: McpServer, form: McpServerForm, change: bool) -> None:
        """Save the server, and keep in mind that it is to be verified."""
        super().save_model(request, obj, form, change)
        setattr(request, SAVED, Saved(obj))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save the server, then verify it.

        That comes behind the transaction, which would keep a connection and a row while the server answers.
        """
        response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        if saved := request.__dict__.pop(SAVED, None):
            self._verify(request, saved.server)
            for told, options in saved.messages:
                super().message_user(request, *told, **options)
        return response

    def message_user(self, request: HttpRequest, *told: Any, **options: Any) -> None:
        """Show a message; one that a server is saved waits until it is verified, since the verdict comes first."""
        if saved := getattr(request, SAVED, None):
            saved.messages.append((told, options))
        else:
            super().message_user(request, *told, **options)

    @admin.action(description="Test again", permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[McpServer]) -> None:
        """Verify each of the chosen servers."""
        servers = list(queryset)
        self.record_action(request, servers, "try_again", "Tested again.")
        for server in servers:
            self._verify(request, server)

    def _verify(self, request: HttpRequest, server: McpServer) -> None:
        """Verify a server, and show the verdict."""
        verify_server(server)
        self.message_user(request, server.verdict, messages.SUCCESS if server.works else messages.ERROR)

    @display(description="Saved", boolean=True)
    def has_authorization(self, obj: McpServer) -> bool:
        """Tell whether an authorisation is saved."""
        return bool(obj.authorization_encrypted)

    @display(description="Enabled", boolean=True, ordering="is_enabled")
    def enabled(self, obj: McpServer) -> bool:
        """Tell whether assistants may use the server."""
        return obj.is_enabled

    @display(description="State", label={"Works": "success", "Fails": "danger"})
    def state(self, obj: McpServer) -> str | None:
        """Return whether the server worked when it was last tried, as a label, or None if it never was."""
        return ("Works" if obj.works else "Fails") if obj.tested_at else None
