"""What the register refuses, with the exact answer, and that nothing of it is stored."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from verwerkingenlogging_register._wire.json_shape import Shape, shape_of

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# What is refused is refused before any database is asked: one kind is enough.
pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

TEKST = "Moet tekst zijn, zonder stuurtekens."
URI = "Moet een absolute URI zijn (RFC 3986) die ergens heen leidt, zonder gebruiker of wachtwoord."
PERIODE = "Moet een periode volgens ISO 8601 zijn, groter dan nul, in hele getallen en met weken alleen apart, zoals P10Y."
TIJDSTIP = "Moet een bestaand tijdstip volgens RFC 3339 zijn, met tijdzone, zoals 2024-04-05T14:35:42+02:00."
OIN = "Moet een OIN zijn: precies 20 cijfers, als tekst."
AFNEMER = "Moet passen bij soortAfnemerId: een OIN van 20 cijfers, of een BSN van ten hoogste 9 cijfers."
VERTROUWELIJKHEID = "Moet een van deze waarden zijn: normaal, vertrouwelijk, opgeheven."
PERSON = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "1"}


def assert_problem(response: httpx2.Response, status: int, code: str, params: list[dict[str, str]] | None = None) -> None:
    problem = response.json()
    assert response.status_code == status, problem
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["API-Version"] == "1.0.0"
    assert problem.pop("instance").startswith("urn:uuid:")
    assert problem.pop("title")
    assert problem.pop("detail")
    assert problem.pop("invalidParams", None) == params
    assert problem == {"type": "about:blank", "code": code, "status": status}


def param(name: str, code: str, reason: str) -> dict[str, str]:
    return {"name": name, "code": code, "reason": reason}


@pytest.mark.parametrize(
    ("field", "value", "code", "reason"),
    [
        ("uitvoerder", "000000991234567800000", "invalid", OIN),
        ("uitvoerder", "0000009912345678000", "invalid", OIN),
        ("uitvoerder", "٠٠٠٠٠٠٩٩١٢٣٤٥٦٧٨٠٠٠٠", "invalid", OIN),
        ("uitvoerder", 12345678901234567890, "invalid", OIN),
        ("tijdstip", "2024-04-05T14:35:42", "invalid", TIJDSTIP),
        ("tijdstip", "2024-02-30T14:35:42Z", "invalid", TIJDSTIP),
        ("tijdstip", "2024-04-05 14:35:42Z", "invalid", TIJDSTIP),
        ("tijdstip", "2024-04-05", "invalid", TIJDSTIP),
        ("tijdstip", "2024-04-05T14:35:42+01:60", "invalid", TIJDSTIP),
        ("tijdstip", f"2024-04-05T14:35:42.{'1' * 13}Z", "invalid", TIJDSTIP),
        ("tijdstip", 1712324142, "invalid", TIJDSTIP),
        ("tijdstip", "", "required", "Is verplicht."),
        ("tijdstip", None, "required", "Is verplicht."),
        ("bewaartermijn", "-P1Y", "invalid", PERIODE),
        ("bewaartermijn", "P1.5Y", "invalid", PERIODE),
        ("bewaartermijn", f"P{'0' * 98}1Y", "invalid", PERIODE),
        ("bewaartermijn", "P0D", "invalid", PERIODE),
        ("bewaartermijn", "P", "invalid", PERIODE),
        ("bewaartermijn", "PT", "invalid", PERIODE),
        ("bewaartermijn", "150", "invalid", PERIODE),
        ("bewaartermijn", 150, "invalid", PERIODE),
        ("vertrouwelijkheid", "geheim", "invalid-choice", VERTROUWELIJKHEID),
        ("vertrouwelijkheid", 1, "invalid-choice", VERTROUWELIJKHEID),
        ("vertrouwelijkheid", None, "required", "Is verplicht."),
        ("vertrouwelijkheid", "", "required", "Is verplicht."),
        ("actieNaam", "x" * 243, "max-length", "Mag ten hoogste 242 tekens hebben."),
        ("actieNaam", "regel\r\nregel", "invalid", TEKST),
        ("actieNaam", "nul\0", "invalid", TEKST),
        ("actieNaam", "c1\x85", "invalid", TEKST),
        ("actieNaam", ["lijst"], "invalid", TEKST),
        ("actieNaam", True, "invalid", TEKST),
        ("gebruiker", "g" * 41, "max-length", "Mag ten hoogste 40 tekens hebben."),
        ("verwerkingId", "geen-uuid", "invalid", "Moet een UUID zijn."),
        ("verwerkingId", "urn:uuid:89aa7a9a-1f79-44de-b32e-8e38e07138f3", "invalid", "Moet een UUID zijn."),
        ("verwerkingsactiviteitUrl", "geen uri", "invalid", URI),
        ("verwerkingsactiviteitUrl", "https://a.nl/" + "a" * 2030, "max-length", "Mag ten hoogste 2042 tekens hebben."),
        ("verwerkteObjecten", None, "required", "Is verplicht."),
        ("verwerkteObjecten", "x", "invalid", "Moet een lijst zijn."),
    ],
)
async def test_a_bad_attribute_is_named_with_its_reason(
    api: Api, stored: Callable[[], int], field: str, value: Any, code: str, reason: str
) -> None:
    assert_problem(await api.post(**{field: value}), 400, "invalid", [param(field, code, reason)])
    assert stored() == 0


@pytest.mark.parametrize(
    ("soort", "afnemer", "code", "reason"),
    [
        ("OIN", "2308572", "invalid", AFNEMER),
        ("BSN", "1234567890", "invalid", AFNEMER),
        ("BSN", "12345678x", "invalid", AFNEMER),
        ("Iets", "x" * 41, "max-length", "Mag ten hoogste 40 tekens hebben."),
        (None, "x\n", "invalid", AFNEMER),
        (None, 1, "invalid", TEKST),
    ],
)
async def test_an_afnemer_that_does_not_fit_its_kind_is_refused(api: Api, soort: str | None, afnemer: Any, code: str, reason: str) -> None:
    assert_problem(await api.post(soortAfnemerId=soort, afnemerId=afnemer), 400, "invalid", [param("afnemerId", code, reason)])


@pytest.mark.parametrize(
    ("change", "params"),
    [
        ({"objecttype": "auto"}, [param("objecttype", "invalid-choice", "Moet een van deze waarden zijn: persoon.")]),
        ({"objecttype": None}, [param("objecttype", "required", "Is verplicht.")]),
        ({"objectId": "1" * 41}, [param("objectId", "max-length", "Mag ten hoogste 40 tekens hebben.")]),
        ({"objectId": 123456789}, [param("objectId", "invalid", TEKST)]),
        ({"objectId": "", "soortObjectId": None}, [param(name, "required", "Is verplicht.") for name in ("soortObjectId", "objectId")]),
        ({"betrokkenheid": "x\x1b[31m"}, [param("betrokkenheid", "invalid", TEKST)]),
        ({"verwerkteSoortenGegevens": {"a": 1}}, [param("verwerkteSoortenGegevens", "invalid", "Moet een lijst zijn.")]),
        ({"verwerkteSoortenGegevens": [{}]}, [param("verwerkteSoortenGegevens.0.soortGegeven", "required", "Is verplicht.")]),
        ({"verwerkteSoortenGegevens": ["Adres"]}, [param("verwerkteSoortenGegevens.0", "invalid", "Moet een JSON-object zijn.")]),
    ],
)
async def test_a_bad_object_is_named_by_its_place(
    api: Api, stored: Callable[[], int], change: dict[str, Any], params: list[dict[str, str]]
) -> None:
    response = await api.post(verwerkteObjecten=[PERSON, {**PERSON, **change}])
    assert_problem(response, 400, "invalid", [{**one, "name": f"verwerkteObjecten.1.{one['name']}"} for one in params])
    assert stored() == 0


async def test_all_faults_are_named_at_once(api: Api) -> None:
    response = await api.post({"tijdstip": "gisteren", "uitvoerder": "1", "verwerkteObjecten": [{}]})
    assert [fault["name"] for fault in response.json()["invalidParams"]] == [
        "vertrouwelijkheid",
        "uitvoerder",
        "tijdstip",
        "verwerkteObjecten.0.objecttype",
        "verwerkteObjecten.0.soortObjectId",
        "verwerkteObjecten.0.objectId",
    ]


async def test_a_multitude_of_faults_gives_a_modest_answer(api: Api) -> None:
    response = await api.post(verwerkteObjecten=[{}] * 5000)
    assert response.status_code == 400
    assert len(response.json()["invalidParams"]) == 250
    assert len(response.content) < 50_000


async def test_more_faults_than_can_be_told_are_one(api: Api, stored: Callable[[], int]) -> None:
    good = {"vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42Z", "verwerkteObjecten": [PERSON]}
    bad = {**good, "verwerkteObjecten": [{}] * 2500}  # three faults each
    one, several = await api.post(verwerkteObjecten=[{}] * 7000), await api.batch([good, bad, bad, bad])
    for response in (one, several):
        assert_problem(response, 400, "invalid", [param("body", "invalid", "Heeft te veel fouten om ze te noemen.")])
    assert stored() == 0
    assert [result["status"] for result in (await api.batch([good, bad, bad])).json()["results"]] == [201, 400, 400]


async def test_of_many_wrong_soorten_the_first_is_named(api: Api) -> None:
    response = await api.post(verwerkteObjecten=[{**PERSON, "verwerkteSoortenGegevens": [{"soortGegeven": "Naam"}, *[{}] * 19_000]}])
    assert_problem(
        response, 400, "invalid", [param("verwerkteObjecten.0.verwerkteSoortenGegevens.1.soortGegeven", "required", "Is verplicht.")]
    )


@pytest.mark.usefixtures("place")
def test_a_text_without_end_is_found_in_one_pass_and_brackets_in_text_are_text() -> None:
    endless = b'"' + b'\\"' * 1000
    for body, depth in ((b"[[]]" + endless, 2), (rb'[["\\",["]","\"[[",""]]]', 3), (rb'["\\\\",[[]]]', 3), (b"]][[{", 1)):
        assert (shape_of(body, depth), shape_of(body, depth - 1)) == (Shape.FINE, Shape.TOO_DEEP), body


@pytest.mark.parametrize(
    "field", ["actieNaam", "uitvoerder", "verwerkingId", "bewaartermijn", "tijdstip", "vertrouwelijkheid", "gebruiker"]
)
async def test_no_value_is_repeated_in_an_error(api: Api, field: str) -> None:
    response = await api.post(**{field: "999990019\n" * 30})
    assert response.status_code == 400
    assert "999990019" not in response.text


BODY = "body"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Moet geldige JSON zijn, in UTF-8."),
        (b"{", "Moet geldige JSON zijn, in UTF-8."),
        (b"[]", "Moet een JSON-object zijn."),
        (b'"tekst"', "Moet een JSON-object zijn."),
        (b'{"actieNaam": "\\ud8"}', "Moet geldige JSON zijn, in UTF-8."),
        (b'{"actieNaam": "\xff"}', "Moet geldige JSON zijn, in UTF-8."),
        (b'{"actieNaam": "a\nb"}', "Moet geldige JSON zijn, in UTF-8."),
        (b'{"x": ' + b"9" * 20_000 + b"}", "Moet geldige JSON zijn, in UTF-8."),
        (b'{"x": ' + b"[" * 32 + b"]" * 32 + b"}", "Mag ten hoogste 32 niveaus diep zijn."),
        (b"[" * 500_000, "Mag ten hoogste 32 niveaus diep zijn."),
    ],
    ids=["empty", "cut off", "list", "text", "half an escape", "not UTF-8", "raw newline", "long number", "33 deep", "very deep"],
)
async def test_a_body_that_is_no_json_object_is_refused(api: Api, stored: Callable[[], int], content: bytes, reason: str) -> None:
    response = await api.http.post("/verwerkingsacties", content=content, headers={**api.auth(), "Content-Type": "application/json"})
    assert_problem(response, 400, "invalid", [param(BODY, "invalid", reason)])
    assert stored() == 0


async def test_nesting_up_to_the_limit_and_brackets_in_text_are_taken(api: Api) -> None:
    deep: Any = "x"
    for _ in range(31):
        deep = [deep]
    assert (await api.post(onbekend=deep, actieNaam='[{"\\' * 40)).status_code == 201


ACTIE = "/verwerkingsacties/00000000-0000-4000-8000-000000000000"
WITH_BODY = [
    ("POST", "/verwerkingsacties"),
    ("POST", "/verwerkingsacties/_batch"),
    ("POST", "/verwerkingsacties/_zoek"),
    ("POST", "/verwerkte-objecten/_zoek"),
    ("PUT", ACTIE),
    ("PATCH", "/verwerkingsacties?verwerkingId=00000000-0000-4000-8000-000000000000"),
]
DOELBINDING = {
    "OIN": "00000099123456780000",
    "VerwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "VerwerkingsactiviteitUrl": "urn:x",
}
JSON = {"Content-Type": "application/json"}
# 20 MB of zeros in 20 kB, and a bomb within a bomb.
BOMB = gzip.compress(b"0" * 20_000_000)


@pytest.mark.parametrize(
    ("content", "headers", "status", "code", "params"),
    [
        (b"", JSON, 400, "invalid", [param("body", "invalid", "Moet geldige JSON zijn, in UTF-8.")]),
        (b"[]", JSON, 400, "invalid", [param("body", "invalid", "Moet een JSON-object zijn.")]),
        (b'{"x": "\\ud8"}', JSON, 400, "invalid", [param("body", "invalid", "Moet geldige JSON zijn, in UTF-8.")]),
        (b"[" * 100_000, JSON, 400, "invalid", [param("body", "invalid", "Mag ten hoogste 32 niveaus diep zijn.")]),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type", None),
        (BOMB, {**JSON, "Content-Encoding": "gzip"}, 415, "unsupported-media-type", None),
        (gzip.compress(BOMB), {**JSON, "Content-Encoding": "gzip, gzip"}, 415, "unsupported-media-type", None),
        (b"{}", {**JSON, "Content-Encoding": "deflate"}, 415, "unsupported-media-type", None),
        (b"{}", {**JSON, "Content-Encoding": "br"}, 415, "unsupported-media-type", None),
        (BOMB, JSON, 400, "invalid", [param("body", "invalid", "Moet geldige JSON zijn, in UTF-8.")]),
        (b'{"x": "' + b"x" * 17 * 1024 * 1024 + b'"}', JSON, 413, "content-too-large", None),
        (b"{}", {**JSON, "Accept": "text/html"}, 406, "not-acceptable", None),
    ],
    ids=["empty", "list", "half an escape", "very deep", "text", "gzip bomb", "bomb in a bomb", "deflate", "br", "gzip unannounced", "17 MB", "wants HTML"],
)  # fmt: skip
@pytest.mark.parametrize(("method", "path"), WITH_BODY)
async def test_no_operation_takes_a_body_that_is_none(
    api: Api,
    stored: Callable[[], int],
    method: str,
    path: str,
    content: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
    params: Any,
) -> None:
    response = await api.http.request(method, path, content=content, headers={**api.auth(), **DOELBINDING, **headers})
    assert_problem(response, status, code, params)
    assert stored() == 0


@pytest.mark.parametrize(
    ("method", "path"), [*WITH_BODY, ("GET", ACTIE), ("DELETE", ACTIE), ("GET", f"{ACTIE}/historie"), ("GET", "/verwerkte-objecten")]
)
async def test_no_operation_works_without_a_token_or_for_a_stranger(api: Api, token: Callable[..., str], method: str, path: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {token('onbekend')}"}, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}):
        assert_problem(await api.http.request(method, path, content=b"x", headers=headers), 401, "not-authenticated")


@pytest.mark.parametrize(("method", "path"), [("PUT", ACTIE), ("PATCH", WITH_BODY[-1][1]), ("POST", "/verwerkingsacties/_zoek")])
@pytest.mark.parametrize("value", ["nul\0", "c1\x85", "999990019\r\nx", 5, ["x"], {"a": 1}])
async def test_a_bad_value_is_named_and_not_repeated_by_the_other_operations_either(
    api: Api, stored: Callable[[], int], method: str, path: str, value: Any
) -> None:
    body = {"PUT": {"actieNaam": value}, "PATCH": {"bewaartermijn": value}, "POST": {"objectId": value}}[method]
    response = await api.http.request(method, path, json=body, headers=api.auth())
    (name,) = body
    assert response.status_code == 400
    assert (name, "invalid") in [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]]
    assert "999990019" not in response.text
    assert stored() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/jsonx"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": ""},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_another_media_type_is_refused(api: Api, stored: Callable[[], int], headers: dict[str, str]) -> None:
    response = await api.http.post("/verwerkingsacties", content=b"{}", headers={**api.auth(), **headers})
    assert_problem(response, 415, "unsupported-media-type")
    assert stored() == 0


async def test_a_charset_of_utf8_is_taken(api: Api) -> None:
    body = json.dumps({"vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42Z", "verwerkteObjecten": []})
    headers = {**api.auth(), "Content-Type": 'application/json; charset="UTF-8"'}
    assert (await api.http.post("/verwerkingsacties", content=body, headers=headers)).status_code == 201


async def test_a_body_beyond_the_limit_is_refused(api: Api, stored: Callable[[], int]) -> None:
    assert_problem(await api.post(actieNaam="x" * 1024 * 1024), 413, "content-too-large")
    assert stored() == 0


async def test_a_body_beyond_the_limit_is_refused_when_its_length_is_not_announced(api: Api, stored: Callable[[], int]) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 65536

    headers = {**api.auth(), "Content-Type": "application/json"}
    assert_problem(await api.http.post("/verwerkingsacties", content=chunks(), headers=headers), 413, "content-too-large")
    assert stored() == 0


async def test_the_caller_is_known_before_its_body_is_judged(api: Api) -> None:
    response = await api.http.post("/verwerkingsacties", content=b"{", headers={"Content-Type": "text/plain"})
    assert_problem(response, 401, "not-authenticated")


QUESTION = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "1"}


@pytest.mark.parametrize(
    ("query", "name", "code"),
    [
        ({"objecttype": None}, "objecttype", "required"),
        ({"objecttype": "auto"}, "objecttype", "invalid-choice"),
        ({"soortObjectId": ""}, "soortObjectId", "required"),
        ({"soortObjectId": "x" * 243}, "soortObjectId", "max-length"),
        ({"objectId": None}, "objectId", "required"),
        ({"objectId": "x" * 41}, "objectId", "max-length"),
        ({"objectId": "1\0"}, "objectId", "invalid"),
        ({"objectId": ["1", "2"]}, "objectId", "invalid"),
        ({"beginDatum": "05-04-2024"}, "beginDatum", "invalid"),
        ({"beginDatum": "2024-02-30"}, "beginDatum", "invalid"),
        ({"beginDatum": "1712324142"}, "beginDatum", "invalid"),
        ({"eindDatum": "2024-04-05T00:00:00Z"}, "eindDatum", "invalid"),
        ({"beginDatum": "2024-04-06", "eindDatum": "2024-04-05"}, "eindDatum", "invalid"),
        ({"vertrouwelijkheid": "geheim"}, "vertrouwelijkheid", "invalid-choice"),
        ({"vertrouwelijkheid": "normaal,x"}, "vertrouwelijkheid", "invalid-choice"),
        ({"vertrouwelijkheid__in": "x"}, "vertrouwelijkheid", "invalid-choice"),
        ({"verwerkingsactiviteitId": "x"}, "verwerkingsactiviteitId", "invalid"),
        ({"page": "0"}, "page", "invalid"),
        ({"page": "-1"}, "page", "invalid"),
        ({"page": "1.0"}, "page", "invalid"),
        ({"page": "9" * 30}, "page", "invalid"),
        ({"pageSize": "501"}, "pageSize", "invalid"),
        ({"pageSize": "0"}, "pageSize", "invalid"),
    ],
)
async def test_a_bad_parameter_is_named(api: Api, query: dict[str, Any], name: str, code: str) -> None:
    response = await api.search(**query)
    assert response.status_code == 400
    assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [(name, code)]


async def test_faults_of_query_and_headers_are_named_at_once(api: Api) -> None:
    response = await api.inzage(
        headers={"OIN": "1", "VerwerkingId": "x"}, objectId=None, objecttype="auto", beginDatum=None, eindDatum="x", page="x"
    )
    assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [
        ("OIN", "invalid"),
        ("VerwerkingId", "invalid"),
        ("VerwerkingsactiviteitId", "required"),
        ("VerwerkingsactiviteitUrl", "required"),
        ("objecttype", "invalid-choice"),
        ("objectId", "required"),
        ("beginDatum", "required"),
        ("eindDatum", "invalid"),
        ("page", "invalid"),
    ]


@pytest.mark.parametrize("header", ["OIN", "VerwerkingsactiviteitId", "VerwerkingsactiviteitUrl", "VerwerkingId", "Bewaartermijn"])
async def test_a_malformed_header_is_refused_by_both_apis(api: Api, header: str) -> None:
    given = {
        "OIN": "00000099123456780000",
        "VerwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
        "VerwerkingsactiviteitUrl": "urn:x",
    }
    bad = {**given, header: "?"}
    answer = await api.posted()
    occurrence = answer["verwerkteObjecten"][0]["verwerktObjectId"]
    for response in (
        await api.search(headers=bad),
        await api.inzage(headers=bad),
        await api.actie(answer["actieId"], headers=bad),
        await api.verwerkt_object(occurrence, headers=bad),
    ):
        assert response.status_code == 400
        assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [(header, "invalid")]


async def test_a_header_that_is_sent_twice_is_refused(api: Api) -> None:
    headers = [("OIN", "00000099123456780000"), ("oin", "00000099123456780000"), *api.auth().items()]
    response = await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)
    assert response.status_code == 400
    assert [(fault["name"], fault["code"]) for fault in response.json()["invalidParams"]] == [("OIN", "invalid")]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/verwerkingsacties/_zoek"), ("DELETE", "/verwerkingsacties/_batch"), ("PUT", "/verwerkingsacties/_zoek"), ("GET", "/verwerkte-objecten/_zoek")],
)  # fmt: skip
async def test_the_name_of_an_operation_is_not_taken_for_an_id(api: Api, method: str, path: str) -> None:
    response = await api.http.request(method, path, headers=api.auth())
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(("path", "name"), [("verwerkingsacties", "actieId"), ("verwerkte-objecten", "verwerktObjectId")])
async def test_an_id_that_is_no_uuid_is_refused(api: Api, path: str, name: str) -> None:
    response = await api.http.get(f"/{path}/2308572", headers=api.auth())
    assert_problem(response, 400, "invalid", [param(name, "invalid", "Moet een UUID zijn.")])
