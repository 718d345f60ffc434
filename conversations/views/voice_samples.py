"""A few words in a voice of this machine, to be heard in the voice picker.

A sample is synthesised once and then comes from the cache. There are as many as the site has voices, so this cannot be
made to fill the cache or to keep the voices from those who talk.
"""

import logging
from dataclasses import replace
from hashlib import sha256
from typing import cast

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.models import User
from conversations.audio import opus
from conversations.engines.base import EngineSpec
from conversations.engines.errors import EngineError
from conversations.engines.registry import make_tts
from conversations.engines.voices import list_voices
from conversations.models import Assistant
from conversations.storage.database_threads import in_request
from conversations.storage.engine_selection import choose_engines

log = logging.getLogger(__name__)
SENTENCES = {
    "en": "Hello! This is how I sound. Shall we talk?",
    "es": "¡Hola! Así es como sueno. ¿Hablamos?",
    "de": "Hallo! So klinge ich. Wollen wir reden?",
    "fr": "Bonjour ! Voici ma voix. On parle ?",
    "it": "Ciao! Ecco la mia voce. Parliamo?",
}
KEPT_SEC = 7 * 86_400
BROWSER_KEEPS_SEC = 3_600


@require_safe
@login_required
async def show_sample(request: HttpRequest, slug: str, voice: str) -> HttpResponse:
    """Answer with the sample as Ogg Opus. Raise Http404 for what is no voice of this machine."""
    user = cast(User, await request.auser())
    spec, language = await in_request(_find_spec)(user, slug, voice)
    key = f"voice-sample:{sha256(f'{spec.model}:{spec.voice}:{language}'.encode()).hexdigest()[:32]}"
    sample = await cache.aget(key)
    if sample is None:
        try:
            sample = await _synthesise(spec, language)
        except EngineError as error:
            log.info("a sample of %s could not be spoken: %s", spec.get_label(), error)
            return HttpResponse(error.message, status=503, content_type="text/plain; charset=utf-8")
        await cache.aset(key, sample, KEPT_SEC)
    headers = {"Cache-Control": f"private, max-age={BROWSER_KEEPS_SEC}"}
    return HttpResponse(sample, content_type="audio/ogg", headers=headers)


def _find_spec(user: User, slug: str, voice: str) -> tuple[EngineSpec, str]:
    """Return what speaks with the voice for an assistant that is offered to the user, and the language."""
    assistant = get_object_or_404(Assistant.objects.offered_to(user.pk), slug=slug)
    spec = choose_engines(user, assistant).tts
    if spec.provider != "local" or voice not in dict(list_voices(spec, assistant.language)):
        raise Http404
    return replace(spec, voice=voice), assistant.language


async def _synthesise(spec: EngineSpec, language: str) -> bytes:
    sentence = SENTENCES.get(language.lower().partition("-")[0], SENTENCES["en"])
    pcm = b"".join([piece async for piece in make_tts(spec).speak(sentence, language=language)])
    return await sync_to_async(opus.encode, thread_sensitive=False)(pcm)
