"""HTTP goes to Django, WebSockets to the conversation."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceproject.settings")
http = get_asgi_application()  # loads the apps, so it comes before what imports models

from voiceproject.health import with_probes  # noqa: E402
from voiceproject.websockets import refuse  # noqa: E402

routes = [re_path("", refuse)]
try:
    from conversations.consumers import RealtimeConsumer

    routes.insert(0, path("v1/realtime", RealtimeConsumer.as_asgi()))
except ImportError:
    pass

# Which origins may connect depends on how they sign in, so the consumer decides it.
websocket = AuthMiddlewareStack(URLRouter(routes))
application = ProtocolTypeRouter({"http": with_probes(http), "websocket": websocket})
