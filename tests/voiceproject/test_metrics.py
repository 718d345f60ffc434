"""/metrics: for who bears the token, and for nobody else."""

from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.support.live import Site

TOKEN = "a-long-random-token-é"


def get(site: Site, authorization: str | None) -> tuple[int, str, str]:
    """The status, the content type and the body."""
    connection = HTTPConnection(urlsplit(site.url).netloc, timeout=20)
    try:
        headers = {} if authorization is None else {"Authorization": authorization.encode()}
        connection.request("GET", "/metrics", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def test_it_works(start_site: Callable[..., Site]) -> None:
    """Whatever the host name, and with or without TLS, since Prometheus comes from within."""
    site = start_site(METRICS_TOKEN=TOKEN, HTTPS="true", ALLOWED_HOSTS="voice.example.com")
    status, kind, body = get(site, f"Bearer {TOKEN}")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    for name in (
        "voiceproject_live_sessions 0.0",
        "# TYPE voiceproject_turn_step_seconds histogram",
        "process_resident",
    ):
        assert name in body
    for wrong in (None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN):
        assert get(site, wrong)[0] != 200, wrong


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer ", "Bearer None"])
def test_without_a_token_there_is_no_such_page(live_site: Site, authorization: str | None) -> None:
    assert get(live_site, authorization)[0] == 404
