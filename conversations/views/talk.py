"""The page to talk on, and what a signed-out visitor sees in its place."""

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from conversations.engines.voices import list_realtime_voices, list_voices
from conversations.models import Assistant, Conversation
from conversations.realtime.user_turn.backchannel import COMMANDS, NODS
from conversations.storage.engine_selection import EngineSet, choose_engines_of_each


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return talk(request)
    return render(request, "conversations/landing.html", {"sign_up_open": settings.SIGN_UP == "open"})


@require_safe
@never_cache  # a page from the browser's cache would offer assistants and voices of another day
@login_required
def talk(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    continued = _continued(user, request.GET.get("conversation", ""))
    offered = list(Assistant.objects.offered_to(user.pk))
    chosen = _chosen(offered, request.GET.get("assistant", ""), continued)
    engines = choose_engines_of_each(user, offered)
    context = {
        "conversation": continued,
        "assistants": offered,
        "chosen": chosen,
        "data": {
            "assistants": [_described(user, *pair) for pair in zip(offered, engines, strict=True)],
            "chosen": chosen.slug if chosen else "",
            "conversation": continued.public_id if continued else None,
            "nods": sorted(NODS),
            "commands": sorted(COMMANDS),
        },
    }
    return render(request, "conversations/talk.html", context)


def _continued(user: User, public_id: str) -> Conversation | None:
    """Only the owner speaks in a conversation; staff who may read it do not."""
    if not public_id:
        return None
    if "\0" in public_id:  # Postgres refuses it even in a question
        raise Http404
    return get_object_or_404(Conversation.objects.select_related("assistant"), public_id=public_id, user=user)


def _chosen(offered: list[Assistant], slug: str, continued: Conversation | None) -> Assistant | None:
    """The one asked for, else the conversation's own, else the site's default."""
    own = continued.assistant_id if continued else None
    wanted = [assistant for assistant in offered if assistant.slug == slug]
    wanted += [assistant for assistant in offered if assistant.pk == own]
    return next(iter(wanted + offered), None)


def _described(user: User, assistant: Assistant, engines: EngineSet) -> dict[str, object]:
    """What the scripts need to know.

    {slug, name, description, language, speed, voices: [[id, label], …], voice, patience, demos, missing, isOneEngine}.

    `patience` is what holds for this user: patient, balanced, quick, or "" where nobody chose. `demos`: of stt, llm and
    tts, what the demo serves; `missing`: what of that is not installed here. `isOneEngine`: it hears and speaks by
    itself, so nothing else can do half of it.
    """
    speaker = engines.s2s or engines.tts
    return {
        "slug": assistant.slug,
        "name": assistant.name,
        "description": assistant.description,
        "language": assistant.language,
        "speed": assistant.speed,
        "voices": list_realtime_voices(speaker) if engines.s2s else list_voices(speaker),
        "voice": speaker.voice,
        "patience": user.patience or assistant.patience,
        "demos": engines.demo_kinds,
        "missing": engines.missing_kinds,
        "isOneEngine": engines.s2s is not None,
    }
