"""The admin of invitations."""

import logging
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.admin.base import RecordedAdmin
from accounts.models import Invitation, User
from accounts.sign_in import invitations

logger = logging.getLogger(__name__)


class InvitationForm(ModelForm[Invitation]):
    class Meta:
        model = Invitation
        fields = ("email",)

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if User.objects.filter(email=email).exists():
            raise ValidationError("There is already an account with this email address.")
        return email


@admin.register(Invitation)
class InvitationAdmin(RecordedAdmin):
    form = InvitationForm
    list_display = ("email", "invited_by", "created_at", "accepted_at")
    list_filter = (("accepted_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("invited_by",)
    search_fields = ("email", "invited_by__email")
    readonly_fields = ("invited_by", "created_at", "accepted_at")
    actions = ("send",)

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        return ("email", *self.readonly_fields) if obj else ("email",)

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return False  # withdrawn by deleting it

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        obj.invited_by = request.user if isinstance(request.user, User) else None
        super().save_model(request, obj, form, change)
        self._deliver(request, obj)

    @admin.action(description="Send again", permissions=["add"])
    def send(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        open_ones = list(queryset.filter(accepted_at=None))
        self.record_action(request, open_ones, "send", "Sent again.")
        for invitation in open_ones:
            self._deliver(request, invitation)

    def _deliver(self, request: HttpRequest, invitation: Invitation) -> None:
        site_url = request.build_absolute_uri("/").rstrip("/")
        if not settings.EMAIL_HOST:
            link = invitations.make_link(invitation, site_url)
            self.message_user(request, f"This site sends no email. Pass this link on to {invitation.email}: {link}")
            return
        try:
            invitations.send(invitation, site_url)
        except OSError:
            logger.exception("The mail server did not take an invitation")
            text = f"The invitation to {invitation.email} could not be emailed. Send it again later."
            self.message_user(request, text, messages.ERROR)
        else:
            self.message_user(request, f"The invitation was emailed to {invitation.email}.", messages.SUCCESS)
