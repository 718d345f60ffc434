import pytest

from accounts.bounded_answers import MAX_JSON_BYTES, MAX_PARTS, parse_json


def test_it_works() -> None:
    assert parse_json('{"a": [1, "ü"]}') == parse_json('{"a": [1, "ü"]}'.encode()) == {"a": [1, "ü"]}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 40_000 + "]" * 40_000,
        '{"a":' * 40_000,
        "[" + "[]," * MAX_PARTS + "1]",
        "[" + "{}," * MAX_PARTS + "1]",
        f'"{"x" * MAX_JSON_BYTES}"',
        "9" * 100_000,
        "",
        "\ud800",
        "{not json",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
    with pytest.raises(ValueError, match=r"."):
        parse_json(text.encode(errors="surrogatepass"))
