"""What a provider's client needs to be let in."""

from dataclasses import dataclass

OPENAI_URL = "https://api.openai.com/v1"  # what a base URL of "" stands for


@dataclass(frozen=True, slots=True)
class Credential:
    """`secret` may be "" where `base_url` names a server that asks for none; `base_url` "" is the provider's own."""

    secret: str  # Google: an API key, or the JSON text of a service account
    base_url: str = ""  # Google: an endpoint; http:// means plaintext gRPC
    public_only: bool = False  # a user typed the base URL: call it through `public_addresses`

    def __repr__(self) -> str:
        return f"Credential(base_url={self.base_url!r})"  # the secret stays out of logs and tracebacks
