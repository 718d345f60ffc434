"""A client in a network of its own, whose link may go down: it asks for a reply and hears all of it.

`python -m … WS_URL KEY` writes `begun` once the reply sounds, and in the end, as JSON, what it got. It does as the talk
page does: when nothing comes it asks whether the server is there, and without an answer it comes back to its session.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress

from websockets.exceptions import WebSocketException

from tests.support.resuming_client import ResumingClient, resuming_client

QUIET_SEC, ANSWER_SEC, OPENING_SEC, PAUSE_SEC = 2.0, 2.75, 2.0, 0.2
GIVE_UP_SEC = 120.0
ENDS = ("response.done", "error")


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def receive(client: ResumingClient) -> str:
    """Return the kind of the next event, or "lost" if the connection is."""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_SEC):
                return str((await client.receive_next())["type"])
        await client.send({"type": "session.ping"})
        async with asyncio.timeout(ANSWER_SEC):
            return str((await client.receive_next())["type"])
    except (TimeoutError, WebSocketException):
        return "lost"


async def come_back(client: ResumingClient) -> str:
    """Come back as soon as the network lets it, and return the kind of the first event."""
    client.cut()
    while True:
        with suppress(TimeoutError, OSError, WebSocketException):
            async with asyncio.timeout(OPENING_SEC):
                return str((await client.resume())["type"])
        await asyncio.sleep(PAUSE_SEC)


async def hear(ws_url: str, key: str) -> None:
    firsts: list[str] = []
    away_sec = 0.0
    async with asyncio.timeout(GIVE_UP_SEC), resuming_client(ws_url, key) as client:
        await client.type("Go on.")
        await client.wait_for("response.output_audio.delta")
        tell("begun")
        while (kind := await receive(client)) not in ENDS:
            if kind == "lost":
                since = time.monotonic()
                firsts.append(await come_back(client))
                away_sec += time.monotonic() - since
        ids = [event["event_id"] for event in client.events]
        heard = {
            "conversation": client.conversation_id,
            "end": kind,
            "firsts": firsts,
            "away_sec": away_sec,
            "repeated": len(ids) - len(set(ids)),
            "words": "".join(client.collect("response.output_audio_transcript.delta")),
            "sound": client.collect_audio().hex(),
        }
    tell(json.dumps(heard))


if __name__ == "__main__":
    asyncio.run(hear(*sys.argv[1:]))
