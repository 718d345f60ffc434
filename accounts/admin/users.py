"""The admin of users and groups."""

from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import connection_grants
from accounts.admin.base import RecordedAdmin
from accounts.admin.privileges import filter_touchable, is_superuser, may_touch
from accounts.deletion import count_related, delete_users
from accounts.models import User
from accounts.sign_in.adapter import AccountAdapter

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


class FreeAddress:
    """A form that refuses an address which somebody else has as a second one."""

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])  # type: ignore[attr-defined]
        if EmailAddress.objects.filter(email=email).exclude(user=self.instance.pk).exists():  # type: ignore[attr-defined]
            raise ValidationError("This email address is already in use.")
        return email


class ChangeForm(FreeAddress, UserChangeForm):  # type: ignore[misc]
    pass


class CreationForm(FreeAddress, UserCreationForm):  # type: ignore[misc]
    pass


@admin.register(User)
class UserAdmin(RecordedAdmin, DjangoUserAdmin[User]):
    form = ChangeForm
    add_form = CreationForm
    change_password_form = AdminPasswordChangeForm
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "is_active")}),
        ("Privileges", {"fields": PRIVILEGES}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    readonly_fields = ("date_joined", "last_login")
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "date_joined")
    search_fields = ("email", "name")
    ordering = ("email",)
    actions = ("deactivate", "reset_password")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Keep staff who may change users from making themselves more than staff."""
        fields = super().get_readonly_fields(request, obj)
        return fields if is_superuser(request) else (*fields, *PRIVILEGES)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return may_touch(request, obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            obj.vouch_for_email()
        if change:
            _hang_up([obj])

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        _hang_up([obj])
        delete_users(User.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = filter_touchable(request, queryset)
        _hang_up(users)
        delete_users(users)

    def get_deleted_objects(self, objs: Iterable[User], request: HttpRequest) -> tuple[Any, ...]:
        """Return numbers in place of Django's list of every row, which may have a million."""
        users = User.objects.filter(pk__in=[user.pk for user in objs])
        belongings = count_related(users)
        counts = {"users": len(users)} | {str(m._meta.verbose_name_plural): n for m, n in belongings.items()}
        lacking = {str(m._meta.verbose_name) for m in belongings if not self._may_delete(request, m)}
        if not all(self.has_delete_permission(request, user) for user in users):
            lacking.add("user")
        return [str(user) for user in users], counts, lacking, []

    def _may_delete(self, request: HttpRequest, model: type[Model]) -> bool:
        """Return whether the objects may be deleted with the user, as Django decides it.

        Only a model with an admin of its own needs a permission of its own.
        """
        registered = self.admin_site.is_registered(model)
        return not registered or self.admin_site.get_model_admin(model).has_delete_permission(request)

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = [user for user in filter_touchable(request, queryset) if user != request.user]
        User.objects.filter(pk__in=[user.pk for user in users]).update(is_active=False)
        _hang_up(users)
        self.record_action(request, users, "deactivate", "Deactivated.")
        self.message_user(
            request, f"Deactivated: {len(users)}. They are signed out, and their keys no longer work.", messages.SUCCESS
        )

    @admin.action(description="Send a link to choose a new password", permissions=["change"])
    def reset_password(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        adapter, users = AccountAdapter(request), list(filter_touchable(request, queryset).filter(is_active=True))
        self.record_action(request, users, "reset_password", "Was sent a link to choose a new password.")
        for user in users:
            url = adapter.build_password_reset_url(user)
            if settings.EMAIL_HOST:
                adapter.send_password_reset_mail(user, user.email, {"user": user, "password_reset_url": url})
                self.message_user(request, f"A link was emailed to {user.email}.", messages.SUCCESS)
            else:
                self.message_user(request, f"This site sends no email. Pass this link on to {user.email}: {url}")


admin.site.unregister(Group)
# allauth's: an address added to a superuser gets the mail with the link to a new password. Addresses are changed at the
# user, or by their owners.
admin.site.unregister(EmailAddress)


@admin.register(Group)
class GroupAdmin(RecordedAdmin, DjangoGroupAdmin):
    """The admin of groups, for superusers only.

    Whoever may change a group they are in may give themselves every permission.
    """

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)


def _hang_up(users: Iterable[User]) -> None:
    connection_grants.announce([user.pk for user in users])
