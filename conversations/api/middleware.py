"""What holds for every answer below /v1/: errors in the official shape, and how many requests are left."""

from collections.abc import Awaitable

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from conversations.api.errors import APIError, by_status

START = "/v1/"
OF_THE_PAGE = ("Content-Type", "Content-Length", "Content-Disposition", "Transfer-Encoding")
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
    """With the page's headers, but for those that describe the page."""
    response = by_status(page.status_code, page.headers).response()
    for name, value in page.headers.items():
        if name not in OF_THE_PAGE:
            response.headers[name] = value
    response.headers["Content-Length"] = str(len(response.content))
    return response
