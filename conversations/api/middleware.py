"""What holds for every answer below /v1/: errors in the official shape, and how many requests are left."""

from collections.abc import Awaitable

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from conversations.api.errors import APIError, by_status

START = "/v1/"
KEPT = ("Allow", "Retry-After", "Content-Range", "Accept-Ranges")
Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class APIMiddleware(MiddlewareMixin):
    """The outermost but for CORS, since Django makes error pages at every layer below."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        return exception.response() if isinstance(exception, APIError) else None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not request.path_info.startswith(START):
            return response
        if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith("application/json"):
            response = _official(response)
        if allowance := getattr(request, "allowance", None):
            for name, value in allowance.headers().items():
                response.headers.setdefault(name, value)
        # What a key may read is for nobody else's cache.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


def _official(page: HttpResponseBase) -> HttpResponseBase:
    response = by_status(page.status_code, page.headers).response()
    for name in KEPT:
        if name in page.headers:
            response.headers[name] = page.headers[name]
    return response
