"""GET /v1/models: the assistants that one may talk to. Their ids are what `?model=` takes."""

from django.http import HttpRequest, HttpResponse

from conversations.api import auth, requests
from conversations.api.errors import not_found
from conversations.api.shapes import outputs
from conversations.models import Assistant


def listed(request: HttpRequest) -> HttpResponse:
    caller = auth.caller(request, None)
    offered = Assistant.objects.offered_to(caller.user_id)
    return requests.answer(outputs.ModelList(data=[_shown(assistant) for assistant in offered]))


def retrieved(request: HttpRequest, model: str) -> HttpResponse:
    caller = auth.caller(request, None)
    offered = Assistant.objects.offered_to(caller.user_id)
    found = next((assistant for assistant in offered if assistant.slug == model), None)
    if found is None:
        raise not_found(f"There is no assistant {model!r}. GET /v1/models lists yours.")
    return requests.answer(_shown(found))


def _shown(assistant: Assistant) -> outputs.Model:
    """As `openai.types.Model`, and the name that people know it by."""
    return outputs.Model(
        id=assistant.slug,
        created=int(assistant.created_at.timestamp()),
        owned_by="user" if assistant.owner_id else "site",
        name=assistant.name,
    )
