import io
import wave

from openai import BadRequestError, omit

from accounts.outbound.bounded_responses import parse_json, read_body
from conversations.engines.base import NO_HINTS, EngineSpec, Hints, Transcript
from conversations.engines.openai import provider_errors
from conversations.engines.openai.account import SDK_ERRORS, Account
from conversations.engines.retries import call_with_retries
from conversations.engines.untrusted_text import make_storable
from conversations.network.http import get_tls_context
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE, measure_seconds

MAX_ANSWER_BYTES = 1_000_000
MAX_CHARACTERS = 100_000  # what an item may hold
ROUNDED_UP_TO_SEC = 60  # the coarsest step in which a provider bills
SHORTEST_SEC = 0.1  # OpenAI refuses shorter audio with the code audio_too_short


class Transcriptions:
    """Speech to text by `/v1/audio/transcriptions`: a whole utterance is sent as a WAV file."""

    warm = staticmethod(get_tls_context)

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._account = Account("stt", spec)
        # OpenAI's own models after Whisper do. Compatible ones run Whisper mostly, which takes names from the prompt.
        self._takes_keywords = self._account.is_own and "whisper" not in spec.model

    async def connect(self) -> None:
        await self._account.connect()

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        if measure_seconds(pcm) < SHORTEST_SEC:
            return Transcript(text="", seconds=measure_seconds(pcm))
        file = ("utterance.wav", encode_wav(pcm), "audio/wav")
        return await call_with_retries(
            lambda: self._request(file, hints, measure_seconds(pcm)),
            self._spec.timeout_sec,
            self._account.errors,
        )

    async def _request(self, file: tuple[str, bytes, str], hints: Hints, seconds: float) -> Transcript:
        try:
            body = await self._create(file, hints)
        except SDK_ERRORS as error:
            raise self._account.explain(error) from error
        try:
            result = parse_json(body, MAX_ANSWER_BYTES)
        except ValueError as error:
            raise self._account.errors.build_unexpected_answer_error("a transcript") from error
        return self._parse_transcript(result, seconds)

    def _parse_transcript(self, result: object, seconds: float) -> Transcript:
        """Return the transcript in a response, or raise EngineError. Some servers answer null for silence."""
        if not isinstance(result, dict) or not isinstance(result.get("text", 0), str | None):
            if provider_errors.is_error(result):
                raise self._account.explain_event(result)
            raise self._account.errors.build_unexpected_answer_error("a transcript")
        usage = result.get("usage")
        billed = choose_billed_seconds(usage.get("seconds") if isinstance(usage, dict) else None, seconds)
        return Transcript(text=make_storable(result["text"] or "").strip()[:MAX_CHARACTERS], seconds=billed)

    async def _create(self, file: tuple[str, bytes, str], hints: Hints) -> bytes:
        takes_keywords = self._takes_keywords
        try:
            async with self._account.client.audio.transcriptions.with_streaming_response.create(
                file=file,
                model=self._spec.model,
                language=get_language_code(hints) or omit,
                prompt=(hints.prompt if takes_keywords else build_prompt(hints)) or omit,
                keywords=hints.keywords if takes_keywords and hints.keywords else omit,
                response_format="json",
            ) as response:
                return await read_body(response.iter_bytes(), MAX_ANSWER_BYTES)
        except BadRequestError as error:
            if not takes_keywords or not hints.keywords or "keywords" not in (error.param or ""):
                raise
            self._takes_keywords = False  # an older model does not
            return await self._create(file, hints)


def get_language_code(hints: Hints) -> str:
    """Return the language as ISO 639-1, such as “de” for de-AT; "" if none is given."""
    return hints.language.partition("-")[0].lower()


def build_prompt(hints: Hints) -> str:
    """Return the prompt for a model without keywords: Whisper adopts the spelling of the words in its prompt."""
    return ". ".join(part for part in (hints.prompt, ", ".join(hints.keywords)) if part)


def choose_billed_seconds(said: object, seconds: float) -> float:
    """Return the billed seconds that the provider reported, or `seconds` if that is missing or makes no sense.

    Models that are billed by tokens report none.
    """
    if isinstance(said, int | float) and 0 < said <= seconds + ROUNDED_UP_TO_SEC:
        return said
    return seconds


def encode_wav(pcm: bytes) -> bytes:
    """Return PCM as a WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm)
    return buffer.getvalue()
