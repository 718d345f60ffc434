"""/metrics: for who bears the token, and for nobody else."""

from collections.abc import Callable

import pytest

from tests.support.live import Site, get_metrics

TOKEN = "a-long-random-token-é"


def test_it_works(start_site: Callable[..., Site]) -> None:
    """Any host name will do, with or without TLS, since Prometheus comes from within."""
    site = start_site(METRICS_TOKEN=TOKEN, HTTPS="true", ALLOWED_HOSTS="voice.example.com")
    status, kind, body = get_metrics(site, f"Bearer {TOKEN}")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    for name in (
        "voiceproject_live_sessions 0.0",
        "# TYPE voiceproject_turn_step_seconds histogram",
        "process_resident",
    ):
        assert name in body
    for wrong in (None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN):
        assert get_metrics(site, wrong)[0] != 200, wrong


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer ", "Bearer None"])
def test_without_a_token_there_is_no_such_page(live_site: Site, authorization: str | None) -> None:
    assert get_metrics(live_site, authorization)[0] == 404
