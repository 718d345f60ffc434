import io
import wave

from openai import omit
from openai.types.audio import Transcription

from conversations.engines.base import (
    NO_HINTS,
    SAMPLE_BYTES,
    SAMPLE_RATE,
    EngineSpec,
    Hints,
    Transcript,
    pcm_seconds,
    storable,
)
from conversations.engines.openai.account import SDK_ERRORS, Account
from conversations.engines.openai.http import tls_context
from conversations.engines.supervision import answer

ROUNDED_UP_TO_SEC = 60  # by the coarsest meters
SHORTEST_SEC = 0.1  # OpenAI refuses shorter audio with the code audio_too_short


class Transcriptions:
    """`/v1/audio/transcriptions`: a whole utterance as a WAV file."""

    warm = staticmethod(tls_context)

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._account = Account("stt", spec)

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        if pcm_seconds(pcm) < SHORTEST_SEC:
            return Transcript(text="", seconds=pcm_seconds(pcm))
        file = ("utterance.wav", wav(pcm), "audio/wav")
        return await answer(
            lambda: self._request(file, hints, pcm_seconds(pcm)),
            self._spec.timeout_sec,
            self._account.failures.timeout,
        )

    async def _request(self, file: tuple[str, bytes, str], hints: Hints, seconds: float) -> Transcript:
        language = hints.language.partition("-")[0].lower()
        try:
            result = await self._account.client.audio.transcriptions.create(
                file=file,
                model=self._spec.model,
                language=language or omit,
                prompt=hints.prompt or omit,
                response_format="json",
            )
        except SDK_ERRORS as error:
            raise self._account.explain(error) from error
        if not isinstance(result, Transcription) or not isinstance(result.text, str):
            raise self._account.failures.garbage("a transcript")
        billed = getattr(result.usage, "seconds", None)  # models billed by tokens do not say
        if not isinstance(billed, int | float) or not 0 < billed <= seconds + ROUNDED_UP_TO_SEC:
            billed = seconds
        return Transcript(text=storable(result.text).strip(), seconds=billed)


def wav(pcm: bytes) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm)
    return buffer.getvalue()
