"""A way to the upstream that can be shut: who knocks then is refused, and who was inside is cut off."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread


class Door:
    """A TCP proxy on a port of its own, which it keeps while it is shut. Its methods block."""

    def __init__(self, target_port: int, loop: asyncio.AbstractEventLoop) -> None:
        self._target_port, self._loop = target_port, loop
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.open()

    def open(self) -> None:
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def shut(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            return writer.transport.abort()
        both = {writer, there_writer}
        self._writers |= both
        try:
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def build_env(openai: Door, google: Door) -> dict[str, str]:
    """Return the settings of a site whose providers are behind these doors."""
    return {
        "OPENAI_API_KEY": "sk-site",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{openai.port}/v1",
        "GOOGLE_API_KEY": "AIza-site",
        "GOOGLE_TTS_ENDPOINT": f"http://127.0.0.1:{google.port}",
        "TTS_ENGINE": "demo",
        "STT_STREAM_MODEL": "gpt-live-transcribe",
    }


@contextmanager
def open_doors(*target_ports: int) -> Iterator[list[Door]]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = [Door(port, loop) for port in target_ports]
    yield made
    for door in made:
        door.shut()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
