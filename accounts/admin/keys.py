"""The admin of API keys and provider keys."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Field, ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import connection_grants
from accounts.admin.base import RecordedAdmin
from accounts.admin.privileges import OwnedAdminMixin, filter_touchable
from accounts.forms import ScopesField
from accounts.keys import api_keys, mail_notices
from accounts.models import APIKey, ProviderKey, User
from accounts.provider_keys import keyring
from accounts.sign_in import reauthentication


@admin.register(APIKey)
class APIKeyAdmin(OwnedAdminMixin, RecordedAdmin):
    list_display = ("name", "prefix", "user", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__email")
    autocomplete_fields = ("user",)
    readonly_fields = ("prefix", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: APIKey | None = None) -> Any:
        return ("user", "name", "scopes", *self.readonly_fields) if obj else ("user", "name", "scopes")

    def get_readonly_fields(self, request: HttpRequest, obj: APIKey | None = None) -> Any:
        return ("user", "scopes", *self.readonly_fields) if obj else self.readonly_fields

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "scopes":  # Django's own field for an array is one line of text
            return ScopesField(widget=UnfoldAdminCheckboxSelectMultipleWidget)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """Offer staff and superusers as owners of a key to superusers alone: whoever makes a key can act with it."""
        kwargs["queryset"] = filter_touchable(request, User.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the password again first: whoever makes a key can act as its user for long."""
        response: HttpResponse = reauthentication.ask_for_password(request) or super().add_view(
            request, form_url, extra_context
        )
        return response

    def save_model(self, request: HttpRequest, obj: APIKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            obj.token = api_keys.issue(obj)
            transaction.on_commit(
                lambda: mail_notices.notify_api_key_created(request, obj)
            )  # the mail server takes its time

    def response_add(self, request: HttpRequest, obj: APIKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key in this answer, and in no other: a message would pass it through a cookie."""
        context = {**self.admin_site.each_context(request), "title": "Your new API key", "key": obj}
        response = TemplateResponse(request, "accounts/admin_api_key_created.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def delete_model(self, request: HttpRequest, obj: APIKey) -> None:
        self.delete_queryset(request, APIKey.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        keys = self.filter_touchable(request, queryset)
        gone = list(keys.select_related("user"))
        connection_grants.announce({key.user_id for key in gone})
        super().delete_queryset(request, keys)
        transaction.on_commit(lambda: _notify_revoked(request, gone))

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        keys = list(self.filter_touchable(request, queryset).filter(revoked_at=None))
        for key in keys:
            api_keys.revoke(key)
            mail_notices.notify_api_key_revoked(request, key)
        self.record_action(request, keys, "revoke", "Revoked.")
        self.message_user(request, f"Revoked: {len(keys)}. Programs that used them are disconnected.", messages.SUCCESS)


@admin.register(ProviderKey)
class ProviderKeyAdmin(OwnedAdminMixin, RecordedAdmin):
    """The admin of provider keys: whose they are, and whether they work.

    Only their owners save them, and staff do not even see the hint.
    """

    list_display = ("user", "provider", "base_url", "works", "verdict", "tested_at")
    list_filter = ("provider", "works", "tested_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "base_url")
    fields = readonly_fields = ("user", "provider", "base_url", "works", "verdict", "tested_at", "updated_at")
    actions = ("try_again",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ProviderKey | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: ProviderKey) -> None:
        self.delete_queryset(request, ProviderKey.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProviderKey]) -> None:
        keys = list(self.filter_touchable(request, queryset).select_related("user"))
        for key in keys:
            keyring.delete(key.user, key.provider)
        transaction.on_commit(lambda: _notify_deleted(request, keys))

    @admin.action(description="Test again", permissions=["view"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[ProviderKey]) -> None:
        keys = list(self.filter_touchable(request, queryset).select_related("user"))
        self.record_action(request, keys, "try_again", "Tested again.")
        for key in keys:
            keyring.retest(key)
            level = messages.SUCCESS if key.works else messages.ERROR
            self.message_user(request, f"{key.user.email}: {key.verdict}", level)


# The mail server takes its time, so these wait for the transaction's end.


def _notify_revoked(request: HttpRequest, keys: list[APIKey]) -> None:
    for key in keys:
        if key.revoked_at is None:
            mail_notices.notify_api_key_revoked(request, key)


def _notify_deleted(request: HttpRequest, keys: list[ProviderKey]) -> None:
    for key in keys:
        mail_notices.notify_provider_key_deleted(request, key.user, key.provider)
