"""A large answer goes out in slices, and is the same as if it went out whole."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from plugins.register.tests.conftest import MINIMAL, Api

from verwerkingenlogging_register._wire.answers import Answers
from verwerkingenlogging_register._wire.sliced_response import SlicedResponse

SLICE = 256 * 1024


async def sent(response: SlicedResponse) -> list[dict[str, Any]]:
    """The messages by which it is sent."""
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        raise AssertionError("an answer reads nothing")

    await response({"type": "http"}, receive, send)
    return messages


@pytest.mark.parametrize("number", [2, 3, 10, 700])
@pytest.mark.parametrize("size", [1, 1000, SLICE - 1, SLICE, SLICE + 1])
async def test_it_is_its_pieces_with_the_separator_between_them(number: int, size: int) -> None:
    pieces = [bytes([65 + place % 26]) * size for place in range(number if size < SLICE else min(number, 10))]
    start, *bodies = await sent(SlicedResponse(pieces, separator=b",", status=200, headers={"X": "y"}, media_type="application/json"))
    body = b"".join(message["body"] for message in bodies)
    assert body == b",".join(pieces)
    assert dict(start["headers"]) == {b"content-length": str(len(body)).encode(), b"content-type": b"application/json", b"x": b"y"}
    assert [message["more_body"] for message in bodies] == [True] * (len(bodies) - 1) + [False]
    assert all(len(message["body"]) <= SLICE + size + 2 for message in bodies)


@pytest.mark.parametrize("results", [0, 1, 2, 3000])
async def test_an_answer_is_the_same_json_however_many_results_it_has(results: int) -> None:
    answer = {
        "count": results,
        "next": None,
        "previous": None,
        "results": [{"naam": "x" * 300, "nummer": number} for number in range(results)],
    }
    whole = msgspec.json.encode(answer)
    response = Answers("https://log.example.nl").response(answer)
    body = b"".join([m["body"] for m in (await sent(response))[1:]]) if isinstance(response, SlicedResponse) else bytes(response.body)
    assert msgspec.json.decode(body) == msgspec.json.decode(whole)
    assert len(body) == len(whole)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_page_of_megabytes_is_read_whole(api: Api) -> None:
    persons = [{**MINIMAL["verwerkteObjecten"][0], "objectId": f"{number:09}"} for number in range(400)]
    for _ in range(8):
        await api.posted(verwerkteObjecten=persons, verwerkingId="89aa7a9a-1f79-44de-b32e-8e38e07138f3")
    response = await api.http.get(
        "/verwerkingsacties", params={"verwerkingId": "89aa7a9a-1f79-44de-b32e-8e38e07138f3", "pageSize": 500}, headers=api.auth()
    )
    assert response.status_code == 200
    assert len(response.content) == int(response.headers["content-length"]) > 2 * SLICE
    assert [len(actie["verwerkteObjecten"]) for actie in response.json()["results"]] == [400] * 8
