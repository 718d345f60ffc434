"""No line of the log lets its reader in."""

import time
from http.client import HTTPConnection

import pytest
from django.core import signing

from accounts.keys import api_keys, client_secrets
from tests.support.live import Site
from voiceproject.first_admin import SALT
from voiceproject.log_formatting import remove_secrets

TOKEN = signing.dumps("first admin", salt=SALT)
LINKS = [
    f"/set-up/{TOKEN}/",
    f"/accounts/invitation/{signing.dumps(17, salt='accounts.invitation')}/",
    "/accounts/password/reset/key/1z-cxqv3k-0b1f3c5d7e9f0a2b4c6d8e0f1a3b5c7d/",
    "/accounts/confirm-email/MTI:1tKxYz:0Zf3k1J9s8d7f6g5h4j3k2l1q0w9e8r7t6y5u4i3o2p/",
]


@pytest.mark.parametrize("link", LINKS, ids=["set up", "invitation", "new password", "confirm email"])
@pytest.mark.parametrize(
    "line", ["Forbidden (Origin checking failed): {}", 'File "{}", line 1', "at https://x.org{}?a"]
)
def test_one_time_links_are_cut(line: str, link: str) -> None:
    shown = remove_secrets(line.format(link))
    assert link.strip("/").rpartition("/")[2][9:] not in shown
    assert link.split("/")[1] in shown  # enough to see what it was


def test_keys_and_query_strings_are_cut() -> None:
    secret = client_secrets.START + "a1B2" * 12
    key = api_keys.START + "a1B2" * 11 + "xy"
    line = f"GET /v1/x?api_key=abc&b=1 {key} Bearer {secret} sk-proj-0123456789abcdef01 AIzaSyA0123456789abcdefg"
    shown = remove_secrets(line)
    for part in ("abc&", key[6:], secret[6:], "0123456789"):
        assert part not in shown
    assert remove_secrets("What is it? a=b / c") == "What is it? a=b / c"


@pytest.mark.parametrize("worst", ["/", "?", "/a", "?a", "a=", "sk-", "vp_", '/"', "?a=", "/aaaaaaaaa"])
def test_it_is_linear(worst: str) -> None:
    def measure_sec(size: int) -> float:
        text = (worst * size)[:size]
        began_at = time.thread_time()
        remove_secrets(text)
        return time.thread_time() - began_at

    measure_sec(1000)
    assert min(measure_sec(800_000) for _ in range(3)) < 6 * min(measure_sec(200_000) for _ in range(3)) + 0.002


def test_a_set_up_link_that_is_refused_is_not_in_the_log(live_site: Site) -> None:
    """A page of another origin has somebody's browser send it, and Django's warning names the path."""
    host = live_site.url.removeprefix("http://")
    for path in (f"/set-up/{TOKEN}/", f"/accounts/login/?token={TOKEN}"):
        connection = HTTPConnection(host)
        connection.request("POST", path, body="a=b", headers={"Origin": "https://elsewhere.example"})
        assert connection.getresponse().status == 403
        connection.close()
    live_site.wait_for_log("Forbidden")
    assert TOKEN[12:] not in live_site.log
