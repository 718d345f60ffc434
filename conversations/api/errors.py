"""Errors over HTTP in the official shape: {"error": {"message", "type", "param", "code"}}."""

from collections.abc import Mapping

from django.http import JsonResponse

from voiceproject.http.refusals import API, Refusal


class APIError(Exception):
    """An error that becomes the answer, wherever a view raises it.

    `param` names the key at fault, and `message` says what to do about it.
    """

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        *,
        param: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind
        self.headers = headers or {}

    def to_response(self) -> JsonResponse:
        """Return the error as an HTTP answer."""
        shown = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return JsonResponse({"error": shown}, status=self.status, headers=dict(self.headers))


def convert_refusal(refusal: Refusal) -> APIError:
    """Return the error that stands for a refusal of the site."""
    headers = {name: value for name, value in refusal.build_headers(API).items() if name != "Content-Type"}
    return APIError(refusal.status, refusal.code, refusal.message, kind=refusal.kind, headers=headers)


def build_not_found_error(message: str) -> APIError:
    """Return a 404. What belongs to another user gets the same, so that nobody learns that it exists."""
    return APIError(404, "not_found", message)


def build_status_error(status: int, headers: Mapping[str, str]) -> APIError:
    """Return the error that stands for a page of Django's, of which only status and headers are known."""
    if status >= 500:
        message = "The server had a problem; its log says why. Try again in a moment."
        return APIError(status, "internal_error", message, kind="server_error")
    messages = {
        400: ("invalid_request", "The request is not valid for this site. Check its host name and headers."),
        404: ("unknown_url", "There is nothing at this address. /v1/openapi.json lists what there is."),
        405: ("method_not_allowed", f"This address accepts {headers.get('Allow', 'other methods')}."),
        416: ("invalid_range", "The range starts after the end of the file. Content-Range gives its size."),
        413: ("request_too_large", "The body of the request is too large."),
    }
    code, message = messages.get(status, ("invalid_request", f"The request was refused with status {status}."))
    return APIError(status, code, message)
