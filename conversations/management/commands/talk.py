"""`manage.py talk`: a client without a page, which asks a question from a sound file and keeps the spoken answer."""

import asyncio
import base64
import wave
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import av
from django.core.management.base import BaseCommand, CommandError
from openai import AsyncOpenAI, OpenAIError
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from websockets.exceptions import WebSocketException

from conversations.audio import opus
from conversations.pcm import BYTES_PER_MS, SAMPLE_BYTES, SAMPLE_RATE

APPEND_BYTES = 1000 * BYTES_PER_MS
MANUAL = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}


class Command(BaseCommand):
    requires_system_checks = []  # those of this site; the one that it talks to is another
    help = "Play a sound file to a Voiceproject site, print what both sides say and save the spoken answer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question", type=Path, help="what to say: wav, flac, mp3, ogg, webm or m4a")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="the site (default: %(default)s)")
        parser.add_argument("--key", required=True, help="an API key of that site")
        parser.add_argument("-o", "--output", type=Path, help="where the answer goes, as WAV")
        parser.add_argument("--conversation", help="continue this conversation (conv_…)")
        parser.add_argument("--assistant", help="talk to this assistant (its slug)")
        parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask the question and save the answer. Raise CommandError with what went wrong."""
        question = read_pcm(options["question"])
        if options["output"]:
            write_wav(options["output"], b"")  # a place that cannot be written to is found before the talk, not after
        asked = {name: options[name] for name in ("conversation", "assistant") if options[name]}
        base = options["url"].rstrip("/") + "/v1"
        client = AsyncOpenAI(api_key=options["key"], base_url=base, websocket_base_url=base.replace("http", "ws", 1))
        try:
            answer = asyncio.run(self._talk(client, question, asked, options["timeout"]))
        except TimeoutError:
            raise CommandError(f"No answer within {options['timeout']:g} s.") from None
        except (OSError, OpenAIError, WebSocketException) as error:
            raise CommandError(f"The conversation with {options['url']} failed: {error}") from error
        if options["output"]:
            write_wav(options["output"], answer)

    async def _talk(self, client: AsyncOpenAI, question: bytes, asked: dict[str, str], timeout_sec: float) -> bytes:
        """Send the question over the socket, and return the answer as PCM. Raise TimeoutError."""
        async with asyncio.timeout(timeout_sec), client.realtime.connect(extra_query=asked) as connection:
            self._raise_if_refused(await connection.recv())  # who sends first would only see the socket close
            await connection.session.update(session=MANUAL)  # type: ignore[arg-type]  # the TypedDict is the same
            for start in range(0, len(question), APPEND_BYTES):
                audio = base64.b64encode(question[start : start + APPEND_BYTES]).decode()
                await connection.input_audio_buffer.append(audio=audio)
            await connection.input_audio_buffer.commit()
            await connection.response.create()
            return await self._listen(connection)

    async def _listen(self, connection: AsyncRealtimeConnection) -> bytes:
        """Print both sides' words until the response is done, and return its sound as PCM. Raise CommandError."""
        answer = b""
        async for event in connection:
            self._raise_if_refused(event)
            match event.type:
                case "conversation.created":
                    self.stdout.write(f"conversation {event.conversation.id}")
                case "conversation.item.input_audio_transcription.completed":
                    self.stdout.write(f"you: {event.transcript}")
                case "response.output_audio.delta":
                    answer += base64.b64decode(event.delta)
                case "response.output_audio_transcript.done":
                    self.stdout.write(f"assistant: {event.transcript}")
                case "conversation.item.input_audio_transcription.failed":
                    raise CommandError(event.error.message or "Speech to text failed.")
                case "response.done":
                    details = event.response.status_details
                    if event.response.status == "failed":
                        message = getattr(details and details.error, "message", None)
                        raise CommandError(message or "The response failed.")
                    return answer
        raise CommandError("The site closed the connection before it answered.")

    def _raise_if_refused(self, event: RealtimeServerEvent) -> None:
        """Raise CommandError if the event is an error."""
        if event.type == "error":
            raise CommandError(event.error.message)


def read_pcm(path: Path) -> bytes:
    """Return a sound file as PCM, 24 kHz mono. Raise CommandError if it cannot be read."""
    try:
        return opus.decode(path.read_bytes())
    except (OSError, av.error.FFmpegError, IndexError) as error:
        raise CommandError(f"{path} is not a sound file that can be read: {error}") from error


def write_wav(path: Path, pcm: bytes) -> None:
    """Write PCM, 24 kHz mono, as a WAV file. Raise CommandError if the file cannot be written."""
    try:
        with path.open("wb") as file, wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(SAMPLE_BYTES)
            out.setframerate(SAMPLE_RATE)
            out.writeframes(pcm)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
