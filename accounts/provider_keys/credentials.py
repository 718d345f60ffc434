"""The credential with which a provider's client signs in."""

from dataclasses import dataclass

OPENAI_URL = "https://api.openai.com/v1"  # what a base URL of "" stands for


@dataclass(frozen=True, slots=True)
class Credential:
    """A provider's secret, and the server where it is used.

    `secret` may be "" if `base_url` names a server that needs none. A `base_url` of "" stands for the provider's own
    server.
    """

    secret: str  # Google: an API key, or the JSON text of a service account
    base_url: str = ""  # Google: an endpoint; http:// means plaintext gRPC
    public_only: bool = False  # a user typed the base URL: call it through `public_addresses`
    of_user: bool = False  # a user's own, not the site's

    def __repr__(self) -> str:
        return f"Credential(base_url={self.base_url!r})"  # the secret stays out of logs and tracebacks
