"""An assistant's fallbacks in the admin: rows with an order, below the assistant's own engines."""

from collections import Counter
from typing import Any, cast

from django import forms
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet

from conversations.engines.choices import MOST_FALLBACKS, list_providers
from conversations.engines.engine_kinds import EngineKind
from conversations.models import Assistant, EngineFallback
from conversations.storage.engine_specs import has_site_credential


class FallbackForm(forms.ModelForm[EngineFallback]):
    """One row. An order that is left empty is the last."""

    class Meta:
        model = EngineFallback
        fields = ["kind", "provider", "model", "voice", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "position" in self.fields:  # absent where it can only be read
            self.fields["position"].required = False
            if not self.instance.pk:
                self.initial["position"] = None

    def clean(self) -> dict[str, Any]:
        """Check that there is such an engine, and that only voices have a voice."""
        data = self.cleaned_data
        kind, provider = data.get("kind", ""), data.get("provider", "")
        if kind and provider and provider not in list_providers(cast(EngineKind, kind)):
            self.add_error("provider", _explain_missing_engine(kind, provider))
        if data.get("voice") and kind and kind != EngineFallback.Kind.TTS:
            self.add_error("voice", "Only text to speech has a voice. Leave it empty.")
        return data


class FallbackFormSet(PaginationInlineFormSet):
    """All rows of an assistant."""

    def clean(self) -> None:
        """Check the rows against each other, and put those without an order last."""
        super().clean()
        rows = [form for form in self.forms if form.is_valid() and _is_kept(self, form)]
        kinds = Counter(row.cleaned_data["kind"] for row in rows)
        for kind, count in kinds.items():
            if count > MOST_FALLBACKS:
                name = EngineFallback.Kind(kind).label
                raise forms.ValidationError(f"{name} has {count} fallbacks; the limit is {MOST_FALLBACKS}.")
        engines = Counter(tuple(row.cleaned_data[name] for name in FallbackForm.Meta.fields[:4]) for row in rows)
        for engine, count in engines.items():
            if count > 1:
                name = ":".join(part for part in engine[1:] if part)
                raise forms.ValidationError(f"{name} is in the list more than once. Delete all but one of these rows.")
        positions = [row.cleaned_data["position"] for row in rows]
        last = max((position for position in positions if position is not None), default=-1)
        for row, position in zip(rows, positions, strict=True):
            if position is None:
                last += 1
                row.instance.position = last


class FallbackInline(TabularInline):
    """The rows in the form of an assistant. Who may change the assistant may change them."""

    model = EngineFallback
    form = FallbackForm
    formset = FallbackFormSet
    extra = 0
    ordering_field = "position"
    verbose_name_plural = "Fallbacks: engines that answer, in this order, when one of the above fails"

    def has_view_permission(self, request: HttpRequest, obj: Assistant | None = None) -> bool:
        """Tell whether the rows may be seen."""
        return request.user.has_perm("conversations.view_assistant") or self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Assistant | None = None) -> bool:
        """Tell whether rows may be added: to an assistant that is new, or that may be changed."""
        return request.user.has_perm(f"conversations.{'change' if obj else 'add'}_assistant")

    def has_change_permission(self, request: HttpRequest, obj: Assistant | None = None) -> bool:
        """Tell whether rows may be changed."""
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Assistant | None = None) -> bool:
        """Tell whether rows may be deleted."""
        return self.has_add_permission(request, obj)


def list_without_credential(assistant: Assistant) -> list[str]:
    """Return the names of the providers among an assistant's fallbacks for which the site has no credential."""
    providers = dict.fromkeys(EngineFallback.objects.filter(assistant=assistant).values_list("provider", flat=True))
    return [Assistant.Provider(name).label for name in providers if not has_site_credential(name)]


def _is_kept(formset: FallbackFormSet, form: FallbackForm) -> bool:
    is_used = bool(form.instance.pk) or form.has_changed()
    return is_used and not formset._should_delete_form(form)


def _explain_missing_engine(kind: str, provider: str) -> str:
    """Return why there is no such engine, and which ones there are."""
    labels = dict(Assistant.Provider.choices)
    known = [str(labels[name]) for name in list_providers(cast(EngineKind, kind)) if name in labels]
    name = EngineFallback.Kind(kind).label.lower()
    return f"{labels[provider]} has no {name}. Choose {', '.join(known[:-1])} or {known[-1]}."
