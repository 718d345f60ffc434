"""Assistants in the admin, with a form in the order in which one thinks of them."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.admin.base import RecordedAdmin
from conversations.admin.engine_fallbacks import FallbackInline, list_without_credential
from conversations.engines.choices import list_providers
from conversations.engines.engine_kinds import EngineKind
from conversations.models import Assistant
from conversations.tools.registry import SITE_TOOLS

KINDS: tuple[EngineKind, ...] = ("stt", "llm", "tts")
ENGINE_DEFAULT = "The site’s choice"


class AssistantForm(forms.ModelForm[Assistant]):
    """The form of an assistant, with a switch for the default and a list of tools."""

    # Not the model's field: choosing a new default takes the place of the old one, in `save_model`.
    default = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Answers when none was chosen. Only one assistant is the default: choose another to change it.",
    )

    tools = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        choices=[(name, f"{name}: {tool.tool.description}") for name, tool in SITE_TOOLS.items()],
        help_text="Tools of this site that it may use during a call.",
    )

    class Meta:
        model = Assistant
        exclude = ["is_default"]  # noqa: DJ006
        widgets: ClassVar = {
            "instructions": UnfoldAdminTextareaWidget(attrs={"rows": 18}),
            "keywords": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
            "mcp_servers": UnfoldAdminCheckboxSelectMultipleWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "default" in self.fields:
            self.fields["default"].initial = self.fields["default"].disabled = self.instance.is_default
        for kind in KINDS:
            self._offer_what_runs(kind)

    def _offer_what_runs(self, kind: EngineKind) -> None:
        """Offer only the providers that have an engine of this kind."""
        field = self.fields.get(f"{kind}_engine")
        if isinstance(field, forms.ChoiceField):  # absent from a form that can only be read
            runs = [provider for provider in Assistant.Provider if provider.value in list_providers(kind)]
            field.choices = [("", ENGINE_DEFAULT), *((provider.value, provider.label) for provider in runs)]


@admin.register(Assistant)
class AssistantAdmin(RecordedAdmin):
    """The list and the form of assistants."""

    form = AssistantForm
    inlines: ClassVar = [FallbackInline]
    list_display = ["name_and_description", "engines", "language", "owner", "default"]
    list_select_related = ["owner"]
    list_filter = ["is_default", "language"]
    search_fields = ["name", "slug", "description"]
    autocomplete_fields = ["owner"]
    prepopulated_fields = {"slug": ["name"]}
    warn_unsaved_form = True
    fieldsets = [
        ("Persona", {"fields": [("name", "slug"), "description", "instructions", ("owner", "default")]}),
        ("Voice", {"fields": [("language", "speed"), "tts_voice"]}),
        ("Turns", {"fields": [("patience", "preemptive_generation"), "keywords"]}),
        ("Tools", {"fields": ["tools", "mcp_servers"]}),
        (
            "Engines",
            {
                "description": "Leave a model empty for the site’s choice. Speech to speech does not use the "
                "site’s tools; while it keeps failing, new calls use the other three if one of them is named here.",
                "fields": [
                    ("stt_engine", "stt_model"),
                    ("llm_engine", "llm_model"),
                    ("tts_engine", "tts_model"),
                    ("s2s_engine", "s2s_model"),
                ],
            },
        ),
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Assistant | None = None) -> bool:
        """Tell whether the assistant may be deleted; the default may not until another takes its place."""
        return super().has_delete_permission(request, obj) and not (obj and obj.is_default)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Assistant, form: AssistantForm, change: bool) -> None:
        """Save the assistant; a new default takes the place of the old one."""
        obj.is_default = form.cleaned_data["default"]
        if obj.is_default:
            Assistant.objects.filter(is_default=True).exclude(pk=obj.pk).update(is_default=False)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: AssistantForm, formsets: Any, change: bool) -> None:
        """Save the fallbacks too, and say of those without a credential of this site that they may be skipped."""
        super().save_related(request, form, formsets, change)
        for name in list_without_credential(form.instance):
            self.message_user(
                request,
                f"{name} has no credential on this site. As a fallback it serves only users with a key of their own.",
                messages.WARNING,
            )

    @display(header=True, description="Assistant", ordering="name")
    def name_and_description(self, obj: Assistant) -> tuple[str, str]:
        """Return the name, and the description below it."""
        return obj.name, obj.description

    @display(description="Engines")
    def engines(self, obj: Assistant) -> str:
        """Return the engines that the assistant chose, or that it leaves the choice to the site."""
        if obj.s2s_engine:
            return obj.get_s2s_engine_display()
        chosen = (obj.get_stt_engine_display(), obj.get_llm_engine_display(), obj.get_tts_engine_display())
        return " · ".join(name or ENGINE_DEFAULT for name in chosen) if any(chosen) else ENGINE_DEFAULT

    @display(description="Default", label={"Default": "success"})
    def default(self, obj: Assistant) -> str | None:
        """Return the label of the default assistant."""
        return "Default" if obj.is_default else None
