"""The page to talk on, and what a signed-out visitor sees in its place."""

from typing import cast

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from conversations.engines.base import Connectable
from conversations.engines.registry import make_stt, make_tts
from conversations.engines.voices import list_realtime_voices, list_voices
from conversations.models import Assistant, Conversation
from conversations.realtime.user_turn.backchannel import BACKCHANNELS, COMMANDS
from conversations.storage.engine_selection import EngineSet, choose_engines_of_each
from conversations.views.local_model_state import describe_assistant_engines, describe_choices


@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    """Show the talk page to who is signed in, and the landing page to everybody else."""
    if request.user.is_authenticated:
        return show_talk(request)
    return render(request, "conversations/landing.html", {"sign_up_open": settings.SIGN_UP == "open"})


@require_safe
@never_cache  # a page from the browser's cache would offer assistants and voices of another day
@login_required
def show_talk(request: HttpRequest) -> HttpResponse:
    """Show the page to talk on, with the conversation and the assistant that the address names."""
    user = cast(User, request.user)
    continued = _find_continued(user, request.GET.get("conversation", ""))
    offered = list(Assistant.objects.offered_to(user.pk))
    chosen = _choose(offered, request.GET.get("assistant", ""), continued)
    engines = choose_engines_of_each(user, offered)
    if chosen:
        _load_speech(engines[offered.index(chosen)])
    context = {
        "conversation": continued,
        "assistants": offered,
        "chosen": chosen,
        "data": {
            "assistants": [_describe(user, *pair) for pair in zip(offered, engines, strict=True)],
            "chosen": chosen.slug if chosen else "",
            "conversation": continued.public_id if continued else None,
            "localModel": describe_choices(user, offered, engines),
            "backchannels": sorted(BACKCHANNELS),
            "commands": sorted(COMMANDS),
        },
    }
    return render(request, "conversations/talk.html", context)


def _load_speech(engines: EngineSet) -> None:
    """Have this machine load what it will hear and speak with, so that the first words do not wait for it."""
    here = [make(spec) for make, spec in ((make_stt, engines.stt), (make_tts, engines.tts)) if spec.provider == "local"]
    for engine in here:
        if isinstance(engine, Connectable):
            async_to_sync(engine.connect)()


def _find_continued(user: User, public_id: str) -> Conversation | None:
    """Return the conversation to go on with, None if none was named, or raise Http404.

    Only the owner speaks in a conversation; staff who may read it do not.
    """
    if not public_id:
        return None
    if "\0" in public_id:  # Postgres refuses it even in a question
        raise Http404
    return get_object_or_404(Conversation.objects.select_related("assistant"), public_id=public_id, user=user)


def _choose(offered: list[Assistant], slug: str, continued: Conversation | None) -> Assistant | None:
    """Return the assistant that was asked for, else the conversation's own, else the site's default."""
    own = continued.assistant_id if continued else None
    wanted = [assistant for assistant in offered if assistant.slug == slug]
    wanted += [assistant for assistant in offered if assistant.pk == own]
    return next(iter(wanted + offered), None)


def _describe(user: User, assistant: Assistant, engines: EngineSet) -> dict[str, object]:
    """Return what the scripts need to know of an assistant.

    {slug, name, description, language, speed, voices: [[id, label], …], voice, samples, patience, demos, missing,
    foreign, engines, usesLocalModel, wantsLocalModel, isOneEngine}.

    `samples` is where the voices can be heard, with VOICE in place of the id; "" where they cannot.
    `patience` is what holds for this user: patient, balanced, quick, or "" where nobody chose. `demos` lists which of
    stt, llm and tts the demo serves, `missing` what of that nothing serves here, and `foreign` what of that is for want
    of the assistant's language. `engines` names them for people. `wantsLocalModel` is true where the demo answers only
    until there is a language model on this machine. `isOneEngine` is true where one engine hears and speaks by itself,
    so that nothing else can do half of it.
    """
    speaker = engines.s2s or engines.tts
    return {
        "slug": assistant.slug,
        "name": assistant.name,
        "description": assistant.description,
        "language": assistant.language,
        "speed": assistant.speed,
        "voices": list_realtime_voices(speaker) if engines.s2s else list_voices(speaker, assistant.language),
        "voice": speaker.voice,
        "samples": reverse("voice_sample", args=[assistant.slug, "VOICE"]) if speaker.provider == "local" else "",
        "patience": user.patience or assistant.patience,
        **describe_assistant_engines(assistant, engines),
        "isOneEngine": engines.s2s is not None,
    }
