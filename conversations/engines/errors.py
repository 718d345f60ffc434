"""The errors of engines, in words for the user: the same sentences for every provider, with the engine's name first.

EngineError
  ├─ EngineAuthError          the provider refused the key
  ├─ EngineQuotaError         quota or credit is used up
  │    └─ EngineBusy          rate limit: worth another try
  ├─ EngineTimeout            no answer, or none further, in time
  ├─ EngineUnavailable        connection cut, 5xx
  │    └─ EngineUnreachable   connection refused
  └─ EngineRejected           anything else the provider will not do (bad model, voice, input)
       └─ EngineMalformed     what came is no answer
"""

from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from conversations.engines import untrusted_text
from conversations.engines.engine_kinds import KIND_NAMES, EngineKind


class EngineError(Exception):
    """An engine could not do what was asked. It ends one turn, not the session.

    `message` is written for the user: it names the engine and says what to do.
    """

    code = "engine_error"
    model = ""  # the model that was asked, where known
    status: int | None = None  # of the HTTP response
    retry_after_sec: float | None = None  # how long the provider asks us to wait

    def __init__(self, kind: EngineKind, provider: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.provider = provider
        self.message = message


class EngineAuthError(EngineError):
    code = "invalid_provider_key"


class EngineQuotaError(EngineError):
    code = "insufficient_quota"


class EngineBusy(EngineQuotaError):
    code = "rate_limit_exceeded"


class EngineTimeout(EngineError):
    code = "engine_timeout"
    waited_sec: float | None = None  # how long it had, where the turn could have given it less than its own limit


class EngineUnavailable(EngineError):
    code = "engine_unavailable"


class EngineUnreachable(EngineUnavailable):
    pass


class EngineRejected(EngineError):
    code = "engine_rejected"


class EngineMalformed(EngineRejected):
    pass


E = TypeVar("E", bound=EngineError)


@dataclass(frozen=True, slots=True)
class EngineErrors:
    """Build the errors of one engine."""

    kind: EngineKind
    provider: str
    name: str  # what people call the provider, such as OpenAI
    secret: str  # the key; it must never appear, whatever the provider echoes
    model: str = ""  # for the log

    def check_key(self) -> None:
        """Raise EngineAuthError for a key that no HTTP header can carry: the clients' own exceptions would quote it."""
        if self.secret and not (self.secret.isascii() and self.secret.isprintable()):
            raise self.build_auth_error()

    def build_auth_error(self, detail: str = "") -> EngineAuthError:
        """Return the error for a key that the provider refuses."""
        sentence = "refused the key. Change it under Settings, or ask the administrator if it is the site's own key."
        return self._build_error(EngineAuthError, sentence, detail)

    def build_quota_error(self) -> EngineQuotaError:
        """Return the error for a quota or credit that is used up."""
        sentence = "has no credit left for this key. Top it up with the provider, or save another key under Settings."
        return self._build_error(EngineQuotaError, sentence)

    def build_busy_error(self, retry_after_sec: float | None = None) -> EngineBusy:
        """Return the error for a provider with too many requests, which may name a pause."""
        wait = f"{ceil(retry_after_sec)} seconds" if retry_after_sec and retry_after_sec >= 2 else "a moment"
        sentence = f"is getting too many requests with this key. Wait {wait}, then try again."
        return self._build_error(EngineBusy, sentence)

    def build_timeout_error(self, seconds: float) -> EngineTimeout:
        """Return the error for an engine that did not answer within so many seconds."""
        sentence = f"sent nothing for {round(seconds, 1):g} seconds. Please try again."
        error = self._build_error(EngineTimeout, sentence)
        error.waited_sec = seconds
        return error

    def build_out_of_time_error(self) -> EngineTimeout:
        """Return the error for a call that the turn no longer has time for."""
        sentence = "had no time left to answer, because earlier steps took too long. Please try again."
        error = self._build_error(EngineTimeout, sentence)
        error.waited_sec = 0.0
        return error

    def build_unreachable_error(self) -> EngineUnreachable:
        """Return the error for a server that cannot be reached."""
        sentence = (
            "could not be reached. Try again in a moment. If it happens again, check the network and the base URL."
        )
        return self._build_error(EngineUnreachable, sentence)

    def build_connection_lost_error(self) -> EngineUnavailable:
        """Return the error for a connection that was lost during an answer."""
        sentence = "broke off in the middle of its answer. Please try again."
        return self._build_error(EngineUnavailable, sentence)

    def build_server_error(self, status: object) -> EngineUnavailable:
        """Return the error for a fault of the provider."""
        sentence = f"has a problem on its side ({self.scrub(str(status))}). Try again in a moment."
        return self._build_error(EngineUnavailable, sentence)

    def build_rejected_error(self, detail: str) -> EngineRejected:
        """Return the error for a request that the provider refuses."""
        sentence = "refused the request. Check the model and the voice of this assistant."
        return self._build_error(EngineRejected, sentence, detail)

    def build_misread_error(self) -> EngineRejected:
        """Return the error for a model that did not read the text aloud as it was asked."""
        sentence = "did not read out the text it was given, so it was stopped. Please try again."
        return self._build_error(EngineRejected, sentence)

    def build_tools_unsupported_error(self, detail: str) -> EngineRejected:
        """Return the error for a model that cannot call tools."""
        sentence = "cannot call tools, but this response has to. Choose another model, or set tool_choice to auto."
        return self._build_error(EngineRejected, sentence, detail)

    def build_not_found_error(self) -> EngineRejected:
        """Return the error for a base URL at which there is nothing."""
        sentence = "found nothing at its base URL. Check the base URL: most end in /v1."
        return self._build_error(EngineRejected, sentence)

    def build_unexpected_answer_error(self, expected: str) -> EngineMalformed:
        """Return the error for an answer that is not what was expected."""
        sentence = f"gave an answer that is not {expected}. Check the base URL, the model and the voice."
        return self._build_error(EngineMalformed, sentence)

    def _build_error(self, kind: type[E], sentence: str, detail: str = "") -> E:
        error = kind(self.kind, self.provider, self._build_sentence(sentence, detail))
        error.model = self.model
        return error

    def _build_sentence(self, sentence: str, detail: str = "") -> str:
        said = f" It said: “{self.scrub(detail)}”" if detail else ""
        return f"{KIND_NAMES[self.kind]} ({self.name}) {sentence}{said}"

    def scrub(self, detail: str) -> str:
        """Return a provider's own words, shortened, without the key or anything that identifies the account."""
        return untrusted_text.scrub(detail, self.secret)
