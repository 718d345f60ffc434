from collections.abc import AsyncIterator

import httpx2
import pytest

from accounts.outbound.bounded_responses import (
    LEAST_PIECE_BYTES,
    MAX_JSON_BYTES,
    MAX_PARTS,
    BoundedStream,
    CutStream,
    UnfitAnswerError,
    parse_json,
)


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


class Bytes(httpx2.AsyncByteStream):
    """A server that sends its answer byte by byte, without an end."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "


async def test_an_answer_in_bytes_counts_as_more() -> None:
    assert len([piece async for piece in CutStream(Bytes(), 100 * LEAST_PIECE_BYTES)]) == 100
    with pytest.raises(UnfitAnswerError):
        assert [piece async for piece in BoundedStream(Bytes(), 100 * LEAST_PIECE_BYTES)]
