"""The emulated Google Cloud Text-to-Speech. Its messages are modelled on Google's, not recorded from it."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
from google.cloud import texttospeech as api
from google.protobuf import any_pb2  # type: ignore[import-untyped]
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from tests.upstream.behaviour import DRIP_SEC, Ending, FaultInjected, Seen, World
from tests.upstream.sound import SAMPLE_RATE, make_speech

ODD = {
    "garbage": b"\xff\xff\xff",
    "wrong_type": b"%PDF-1.7\n" + bytes(range(256)),
    "empty": b"",
    "long": bytes(33_000_000),
}  # in place of speech
SERVICE = "google.cloud.texttospeech.v1.TextToSpeech"
NO_STREAMING = "Currently, only Chirp 3: HD voices are supported for streaming synthesis."
BAD_KEY = "API key not valid. Please pass a valid API key."
STATUS = {
    "401": (grpc.StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials."),
    "403": (grpc.StatusCode.PERMISSION_DENIED, "Cloud Text-to-Speech API has not been used in project 1 before."),
    "404": (grpc.StatusCode.INVALID_ARGUMENT, "Voice 'nope' does not exist. Is it misspelled?"),
    "429_rate": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'requests' per minute."),
    "429_quota": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'characters' per day."),
    "500": (grpc.StatusCode.INTERNAL, "Internal error encountered."),
    "503": (grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable."),
    "cancelled": (grpc.StatusCode.CANCELLED, "The operation was cancelled."),
}


class GoogleServer:
    """The gRPC server. It keeps its `port` when the fault “cut” cuts all its connections."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._restarts: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, port: int = 0) -> None:
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers([self._build_handlers()])
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(None)

    def _build_handlers(self) -> grpc.GenericRpcHandler:
        method = {
            "StreamingSynthesize": grpc.stream_stream_rpc_method_handler(
                self.synthesize_streaming,
                request_deserializer=api.StreamingSynthesizeRequest.deserialize,
                response_serializer=_build_serializer(api.StreamingSynthesizeResponse),
            ),
            "SynthesizeSpeech": grpc.unary_unary_rpc_method_handler(
                self.synthesize_speech,
                request_deserializer=api.SynthesizeSpeechRequest.deserialize,
                response_serializer=_build_serializer(api.SynthesizeSpeechResponse),
            ),
            "ListVoices": grpc.unary_unary_rpc_method_handler(
                self.list_voices,
                request_deserializer=api.ListVoicesRequest.deserialize,
                response_serializer=api.ListVoicesResponse.serialize,
            ),
        }
        return grpc.method_handlers_generic_handler(SERVICE, method)

    async def synthesize_streaming(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        config = (await anext(requests)).streaming_config
        text = "".join([request.input.text async for request in requests])
        audio = config.streaming_audio_config
        asked = {"text": text, **_read_voice(config.voice), "speed": audio.speaking_rate}
        asked["encoding"] = audio.audio_encoding.name
        async with self._serve("google_streaming", asked, context) as (seen, fault):
            if "Chirp3-HD" not in asked["voice"] or "Unary" in asked["voice"]:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, NO_STREAMING)
            pcm, size = make_speech(text), self._world.behaviours["google_streaming"].piece_bytes
            parts = (pcm[start : start + size] for start in range(0, len(pcm), size))
            if fault == "drip":
                for number in range(len(pcm)):
                    yield api.StreamingSynthesizeResponse(audio_content=pcm[number : number + 1])
                    await asyncio.sleep(DRIP_SEC)
            elif fault in ODD:
                yield ODD[fault] if fault == "garbage" else api.StreamingSynthesizeResponse(audio_content=ODD[fault])
                return
            async for part in self._world.pace(seen, fault, parts, size / SAMPLE_RATE / 2):
                yield api.StreamingSynthesizeResponse(audio_content=part)

    async def synthesize_speech(self, request: api.SynthesizeSpeechRequest, context: Any) -> Any:
        asked = {"text": request.input.text, **_read_voice(request.voice), "speed": request.audio_config.speaking_rate}
        async with self._serve("google_unary", asked, context) as (seen, fault):
            if fault in ODD:
                return ODD[fault] if fault == "garbage" else api.SynthesizeSpeechResponse(audio_content=ODD[fault])
            await self._world.think(seen, fault)
        return api.SynthesizeSpeechResponse(audio_content=_make_wav(make_speech(request.input.text)))

    async def list_voices(self, request: api.ListVoicesRequest, context: Any) -> Any:
        async with self._serve("google_voices", {"language": request.language_code}, context) as (seen, fault):
            await self._world.think(seen, fault)
        return api.ListVoicesResponse(voices=[api.Voice(name="en-US-Chirp3-HD-Kore", language_codes=["en-US"])])

    @asynccontextmanager
    async def _serve(self, endpoint: str, asked: dict[str, Any], context: Any) -> AsyncIterator[tuple[Seen, str]]:
        """Misbehave where a fault strikes, and record how the call ended."""
        seen = await self._world.receive(endpoint, _read_key(context), asked, context.peer())
        ending: Ending = "closed_by_peer"
        try:
            accepted = self._world.behaviours[endpoint].accepted_key
            if accepted and seen.key != accepted:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, BAD_KEY)
            yield seen, self._world.take_fault(endpoint, asked.get("voice", ""))
            ending = "done"
        except FaultInjected as injected:
            await self._misbehave(injected.fault, context, self._world.behaviours[endpoint].headers)
        except grpc.aio.AbortError:
            ending = "fault"
            raise
        finally:
            await self._world.end(seen, ending)

    async def _misbehave(self, fault: str, context: Any, headers: dict[str, str]) -> None:
        if fault in STATUS:
            await context.abort(*STATUS[fault], _build_details(*STATUS[fault], headers))
        if fault == "cut":
            restart = asyncio.create_task(self._restart())
            self._restarts.add(restart)
            restart.add_done_callback(self._restarts.discard)
        if fault in {"hang", "cut"}:
            await asyncio.Event().wait()

    async def _restart(self) -> None:
        await self._server.stop(None)
        await self.start(self.port)


def _build_details(code: grpc.StatusCode, message: str, headers: dict[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Return in Google's error details what others say in the header Retry-After."""
    if "Retry-After" not in headers:
        return ()
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromTimedelta(timedelta(seconds=float(headers["Retry-After"])))
    detail = any_pb2.Any()
    detail.Pack(retry)
    status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _build_serializer(kind: Any) -> Any:
    """Return a serializer that sends bytes as they are, so that a test can send what is no message."""
    return lambda message: message if isinstance(message, bytes) else kind.serialize(message)


def _read_voice(voice: api.VoiceSelectionParams) -> dict[str, str]:
    return {"voice": voice.name, "language": voice.language_code}


def _read_key(context: Any) -> str:
    metadata = dict(context.invocation_metadata())
    return str(metadata.get("x-goog-api-key", "") or metadata.get("authorization", ""))


def _make_wav(pcm: bytes) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm)
    return buffer.getvalue()
