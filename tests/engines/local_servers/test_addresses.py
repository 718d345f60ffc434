"""Which addresses of this machine are looked at."""

import pytest

from conversations.engines.local_servers.addresses import STANDARD_PORTS, Address, leave_out_own, parse_addresses


def test_it_works() -> None:
    found = parse_addresses(STANDARD_PORTS)
    assert {address.port for address in found} == {11434, 1234, 8080, 8000}
    assert {address.host for address in found} == {"127.0.0.1", "::1"}
    assert parse_addresses("none") == ()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("127.0.0.5:8080", "127.0.0.5:8080"),
        ("[::1]:8080", "[::1]:8080"),
        ("http://127.0.0.1:8080/v1", "127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
    ],
)
def test_an_address(text: str, address: str) -> None:
    assert [str(one) for one in parse_addresses(text)] == [address]


def test_localhost_is_no_name_to_look_up() -> None:
    assert [str(one) for one in parse_addresses("localhost:1234, 1234")] == ["127.0.0.1:1234", "[::1]:1234"]


@pytest.mark.parametrize(
    "text", ["10.0.0.5:8080", "example.com:80", "0.0.0.0:8080", "[fe80::1%lo]:80", "[::ffff:10.0.0.1]:80", "127.1:80"]
)
def test_what_is_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="OPENAI_BASE_URL"):
        parse_addresses(text)


@pytest.mark.parametrize(
    "text", ["ollama", "127.0.0.1", "0", "99999", "a@127.0.0.1:80", "127.0.0.1:80/x?y", "none,80 0"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="use none, ports such as 11434"):
        parse_addresses(text)


@pytest.mark.parametrize(
    ("host", "left"),
    [
        ("127.0.0.1", ["::1"]),
        ("localhost", []),
        ("0.0.0.0", ["::1"]),  # noqa: S104  bound by nobody
        ("::", []),
        ("10.0.0.5", ["127.0.0.1", "::1"]),
    ],
)
def test_the_site_does_not_ask_itself(host: str, left: list[str]) -> None:
    found = leave_out_own(parse_addresses("8000"), host, 8000)
    assert [address.host for address in found] == left
    other = (Address("127.0.0.1", 8001),)
    assert leave_out_own(other, host, 8000) == other
