"""The parts of a response's JSON that the protocol defines apart: its usage and the details of a failure."""

from typing import Any

from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import Usage


def build_usage(used: Usage) -> dict[str, Any]:
    """Return the tokens of a response as `response.usage` has them."""
    return {
        "total_tokens": used.input_tokens + used.output_tokens,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "input_token_details": {
            "text_tokens": used.input_tokens,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": used.cached_tokens,
        },
        "output_token_details": {"text_tokens": used.output_tokens, "audio_tokens": 0},
    }


def describe_failure(failure: Failure) -> dict[str, Any]:
    """Return the `status_details` of a response that failed."""
    error = {"type": "server_error", "code": failure.code, "message": failure.message}
    return {"type": "failed", "error": error}
