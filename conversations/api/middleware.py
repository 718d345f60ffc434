"""What holds for every answer below /v1/: errors in the official shape, and headers with the requests that are left."""

from collections.abc import Awaitable

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from conversations.api.errors import APIError, build_status_error

START = "/v1/"
OF_THE_PAGE = ("Content-Type", "Content-Length", "Content-Disposition", "Transfer-Encoding")
Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class APIMiddleware(MiddlewareMixin):
    """Middleware that is outermost but for CORS, since Django makes error pages at every layer below."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer with an APIError that a view raised; leave all others to Django."""
        return exception.to_response() if isinstance(exception, APIError) else None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Put pages of Django's into the official shape, and add the headers that every answer has."""
        if not request.path_info.startswith(START):
            return response
        if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith("application/json"):
            response = _replace_page(response)
        if allowance := getattr(request, "allowance", None):
            for name, value in allowance.build_headers().items():
                response.headers.setdefault(name, value)
        # What a key may read is for nobody else's cache.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


def _replace_page(page: HttpResponseBase) -> HttpResponseBase:
    """Return an official error with the page's headers, except those that describe the page."""
    response = build_status_error(page.status_code, page.headers).to_response()
    for name, value in page.headers.items():
        if name not in OF_THE_PAGE:
            response.headers[name] = value
    response.headers["Content-Length"] = str(len(response.content))
    return response
