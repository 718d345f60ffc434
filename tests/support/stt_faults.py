"""What speech to text says of the answers by which a provider refuses, over HTTP and over a socket alike."""

from conversations.engines.errors import (
    EngineAuthError,
    EngineBusy,
    EngineQuotaError,
    EngineRejected,
    EngineUnavailable,
)

# Each fault of the emulated provider, the error that it becomes, and words of its sentence.
HTTP_FAULTS = (
    ("401", EngineAuthError, "refused the key. Change it under Settings"),
    ("403", EngineAuthError, "Country not supported."),
    ("404", EngineRejected, "It said: “The model does not exist.”"),
    ("404_path", EngineRejected, "found nothing at its base URL"),
    ("302", EngineRejected, "refused the request"),
    ("429_rate", EngineBusy, "too many requests"),
    ("429_quota", EngineQuotaError, "no credit left"),
    ("500", EngineUnavailable, "a problem on its side (error 500)"),
)
