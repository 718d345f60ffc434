import argparse
import asyncio
import json
import os
import signal
import sys

from aiohttp import web

from tests.upstream import control, ollama_server, openai_server, realtime_server
from tests.upstream.behaviour import World
from tests.upstream.google_server import GoogleServer

MAX_UPLOAD_BYTES = 100_000_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description="Emulated OpenAI and Google.")
    parser.add_argument("--port", type=int, default=0, help="HTTP; 0 is any free one")
    parser.add_argument("--grpc-port", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="ENDPOINT.NAME=VALUE")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    world = World()
    for setting in arguments.set:
        path, value = setting.split("=", 1)
        endpoint, name = path.split(".", 1)
        world.behave(endpoint, {name: json.loads(value) if value[:1].isdigit() else value})
    asyncio.run(serve(world, arguments.port, arguments.grpc_port, arguments.with_parent))


async def serve(world: World, port: int, grpc_port: int, with_parent: bool) -> None:
    runner = await start_http(world, port)
    google = GoogleServer(world)
    await google.start(grpc_port)
    ports = {"port": runner.addresses[0][1], "grpc_port": google.port}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await _wait_until_told(with_parent)
    await google.stop()
    await runner.cleanup()


async def start_http(world: World, port: int = 0) -> web.AppRunner:
    """Start the emulated OpenAI. The runner's `addresses` have the port, and its `cleanup` ends it."""
    app = web.Application(client_max_size=MAX_UPLOAD_BYTES)
    app[openai_server.WORLD] = world
    routes = (openai_server, realtime_server, ollama_server, control)
    app.add_routes([route for module in routes for route in module.list_routes()])
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def _wait_until_told(with_parent: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        loop.add_reader(sys.stdin, lambda: None if os.read(0, 1024) else stop.set())
    await stop.wait()


if __name__ == "__main__":
    main()
