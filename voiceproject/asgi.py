"""HTTP goes to Django, WebSockets to the conversation."""

import os
from typing import Any

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceproject.settings")
django.setup(set_prefix=False)  # loads the apps, so it comes before what imports models

from conversations.transport.websocket import RealtimeConsumer  # noqa: E402
from voiceproject.http.health import add_probes  # noqa: E402
from voiceproject.http.request_handling import Handler  # noqa: E402
from voiceproject.http.trace_context import continue_traces  # noqa: E402
from voiceproject.server.websocket_paths import restrict_to  # noqa: E402

# Which origins may connect depends on how they sign in, so the consumer decides it. It looks for who is signed in, too:
# Channels' middleware does so ahead of the handshake, all on one thread, which a database that hangs would hold up.
realtime: Any = RealtimeConsumer.as_asgi()
protocols = {"http": add_probes(Handler()), "websocket": restrict_to("/v1/realtime", realtime)}
application = continue_traces(ProtocolTypeRouter(protocols))
