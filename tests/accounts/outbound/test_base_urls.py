from typing import Any

import pytest

from accounts.outbound import base_urls


@pytest.mark.parametrize("url", ["https://8.8.8.8/v1", "http://1.1.1.1:8080", "https://[2001:4860:4860::8888]/v1"])
def test_public(url: str) -> None:
    base_urls.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/v1",
        "http://localhost:6379",
        "http://[::1]/v1",
        "http://169.254.169.254/",
        "http://2130706433/",
    ],
)
def test_private_ones_are_refused_with_the_setting_named(url: str, settings: Any) -> None:
    with pytest.raises(base_urls.BaseURLError, match="USER_BASE_URLS"):
        base_urls.check(url)
    settings.USER_BASE_URLS = "any"
    base_urls.check(url)


def test_none(settings: Any) -> None:
    settings.USER_BASE_URLS = "none"
    with pytest.raises(base_urls.BaseURLError, match="USER_BASE_URLS=none"):
        base_urls.check("https://8.8.8.8/v1")


NO_BASE_URLS = """8.8.8.8 ftp://8.8.8.8 https:// https://me:secret@8.8.8.8/ https://8.8.8.8/?a=b https://8.8.8.8/#a
    https://8.8.8.8:99999/ https://8.8.8.8:x/ http://[::1/ https://nowhere.invalid/v1 https://..../v1"""


@pytest.mark.parametrize("url", [*NO_BASE_URLS.split(), "https://a b/", f"https://{'a' * 64}.example/", "http://\x00/"])
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(base_urls.BaseURLError):
        base_urls.check(url)


def test_nobody_learns_which_names_there_are_within() -> None:
    said = set()
    for host in ("localhost", "127.0.0.1", "nowhere.invalid", "a" * 64 + ".example"):
        with pytest.raises(base_urls.BaseURLError) as error:
            base_urls.check(f"https://{host}/v1")
        said.add(str(error.value).replace(host, "HOST"))
    assert len(said) == 1
