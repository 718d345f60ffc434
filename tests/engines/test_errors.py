"""A provider's own words, as strangers may read them."""

import pytest

from conversations.engines.errors import EngineErrors

SECRET = "a-secret-of-the-test"
ERRORS = EngineErrors("llm", "openai", "OpenAI", SECRET)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"The key {SECRET} is wrong.", "The key … is wrong."),
        ("Incorrect API key provided: sk-proj-*****************3x9A.", "Incorrect API key provided: …."),
        ("Rate limit for gpt-6-luna in organization org-Ab12Cd34Ef on tokens.",
         "Rate limit for gpt-6-luna in organization … on tokens."),
        ("Project `proj_9Fk2Lm4Np6` has no access.", "Project `…` has no access."),
        ("Unknown parameter: 'user_location', 'sk_model'.", "Unknown parameter: 'user_location', 'sk_model'."),
        ("two\n  lines\0", "two lines"),
    ],
)  # fmt: skip
def test_neither_the_key_nor_the_account_is_told(said: str, told: str) -> None:
    assert ERRORS.scrub(said) == told
    assert told in ERRORS.build_auth_error(said).message


def test_a_flood_in_an_error_is_cut() -> None:
    """Half a key at the cut is not told either."""
    flood = "word " * 399 + "sk-proj-Ab12Cd34Ef56Gh78"
    assert "sk-proj" not in ERRORS.scrub(flood)
    assert ERRORS.scrub("sk-" * 20_000 + "A1") == "…"
    assert len(ERRORS.scrub("word " * 200_000)) == 301
    assert SECRET not in ERRORS.scrub("x" * 290 + f" {SECRET} " + "y" * 5_000)
