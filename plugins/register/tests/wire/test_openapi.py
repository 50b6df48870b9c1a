"""The published description, and our answers against the two official ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import yaml
from openapi_schema_validator import OAS30Validator, OAS31Validator
from openapi_spec_validator import validate

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

OFFICIAL = Path(__file__).parents[5] / "shared" / "standard" / "oas"
COMMON = {"400", "401", "403", "405", "406", "429", "431", "500", "503"}
OPERATIONS = {
    ("/verwerkingsacties", "post"): {"201", "409", "413", "415", "422", *COMMON},
    ("/verwerkingsacties", "get"): {"200", "404", *COMMON},
    ("/verwerkingsacties", "patch"): {"204", "404", "413", "415", *COMMON},
    ("/verwerkingsacties/_zoek", "post"): {"200", "404", "413", "415", *COMMON},
    ("/verwerkingsacties/_batch", "post"): {"200", "409", "413", "415", "422", *COMMON},
    ("/verwerkingsacties/_bevestig", "post"): {"200", "413", "415", *COMMON},
    ("/verwerkingsacties/{actieId}", "get"): {"200", "404", *COMMON},
    ("/verwerkingsacties/{actieId}", "put"): {"200", "404", "413", "415", *COMMON},
    ("/verwerkingsacties/{actieId}", "delete"): {"204", "404", *COMMON},
    ("/verwerkingsacties/{actieId}/historie", "get"): {"200", "404", *COMMON},
    ("/verwerkte-objecten", "get"): {"200", "404", *COMMON},
    ("/verwerkte-objecten/_zoek", "post"): {"200", "404", "413", "415", *COMMON},
    ("/verwerkte-objecten/{verwerktObjectId}", "get"): {"200", "404", *COMMON},
}


@pytest.fixture
async def description(api: Api) -> dict[str, Any]:
    """As anyone may fetch it: without a token, from a page of any origin."""
    response = await api.http.get("/openapi.json")
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (200, "*")
    found: dict[str, Any] = response.json()
    return found


async def test_the_description_is_valid_openapi(description: dict[str, Any]) -> None:
    validate(description)


async def test_the_description_says_who_licence_version_and_where(description: dict[str, Any], api: Api) -> None:
    info = description["info"]
    assert info["contact"] == {
        "name": "Beheerder van dit register",
        "url": "https://log.example.nl",
        "email": "postmaster@log.example.nl",
    }
    assert info["license"]["name"] == "EUPL-1.2"
    assert info["version"] == (await api.search()).headers["API-Version"]
    assert description["servers"] == [{"url": "https://log.example.nl/api/v1"}]
    assert description["components"]["securitySchemes"]["JWT-Claims"]["scheme"] == "bearer"


async def test_every_operation_lists_its_answers_with_their_form(description: dict[str, Any]) -> None:
    found = {(path, method): operation for path, item in description["paths"].items() for method, operation in item.items()}
    assert {place: set(operation["responses"]) for place, operation in found.items()} == OPERATIONS
    for operation in found.values():
        assert operation["security"] == [{"JWT-Claims": []}]
        for status, answer in operation["responses"].items():
            assert "API-Version" in answer["headers"]
            if status == "204":
                continue
            (media_type,) = answer["content"]
            assert media_type == ("application/json" if status < "400" else "application/problem+json")
    assert "Location" in found["/verwerkingsacties", "post"]["responses"]["201"]["headers"]


async def test_parameters_and_attributes_are_explained_in_dutch(description: dict[str, Any]) -> None:
    search = description["paths"]["/verwerkte-objecten"]["get"]["parameters"]
    required = {parameter["name"] for parameter in search if parameter["required"]}
    assert required == {
        *("objecttype", "soortObjectId", "objectId", "beginDatum", "eindDatum"),
        *("OIN", "VerwerkingsactiviteitId", "VerwerkingsactiviteitUrl"),
    }
    assert all(parameter["description"] for parameter in search)
    for name, schema in description["components"]["schemas"].items():
        if name not in {"Fout", "ValidatieFout", "OngeldigeWaarde"}:
            assert all("description" in attribute for attribute in schema["properties"].values()), name


async def test_our_answers_follow_our_own_description(description: dict[str, Any], api: Api, full: dict[str, Any]) -> None:
    for place, response in await some_answers(api, full):
        path, method, status = place
        (content,) = description["paths"][path][method]["responses"][status]["content"].values()
        OAS31Validator({**content["schema"], "components": description["components"]}).validate(response.json())


async def test_answers_have_every_attribute_of_their_description_in_its_order(
    description: dict[str, Any], api: Api, full: dict[str, Any]
) -> None:
    schemas = description["components"]["schemas"]
    created = await api.posted(**full)
    history = await api.http.get(f"/verwerkingsacties/{created['actieId']}/historie", headers=api.auth())
    inzage = await api.inzage()
    for model, answer in (
        ("VerwerkingsactieAnswer", created),
        ("VersieAnswer", history.json()["results"][0]),
        ("InzageAnswer", inzage.json()["results"][0]),
        ("InzageActieAnswer", inzage.json()["results"][0]["verwerkingsactie"]),
        ("VerwerktObjectAnswer", created["verwerkteObjecten"][0]),
        ("VerwerktSoortGegevenAnswer", created["verwerkteObjecten"][0]["verwerkteSoortenGegevens"][0]),
        ("InzagePage", inzage.json()),
    ):
        assert list(answer) == list(schemas[model]["properties"]), model


async def test_our_answers_follow_the_official_descriptions(api: Api, full: dict[str, Any]) -> None:
    if not OFFICIAL.exists():
        pytest.skip("the official descriptions are not beside this repository (../shared/standard/oas)")
    official = {
        "/verwerkingsacties": yaml.safe_load((OFFICIAL / "bewerking-api.yaml").read_text(encoding="utf-8")),
        "/verwerkte-objecten": yaml.safe_load((OFFICIAL / "inzage-api.yaml").read_text(encoding="utf-8")),
    }
    for description in official.values():
        for schema in description["components"]["schemas"].values():
            if "uitvoerder" in schema.get("properties", {}):
                schema["properties"]["uitvoerder"]["pattern"] = "^([0-9]{20})?$"  # X20: empty where the letter is kept
    for (path, method, status), response in await some_answers(api, full):
        description = official["/" + path.split("/")[1]]
        operation = description["paths"][path][method]
        if status not in operation["responses"]:
            continue  # 413: our own description lists it (D5)
        (content,) = operation["responses"][status]["content"].values()
        OAS30Validator({"allOf": [content["schema"]], "components": description["components"]}).validate(response.json())


async def some_answers(api: Api, full: dict[str, Any]) -> list[tuple[tuple[str, str, str], httpx2.Response]]:
    created = await api.post(full)
    await api.posted()
    actie = created.json()["actieId"]
    occurrence = created.json()["verwerkteObjecten"][0]["verwerktObjectId"]
    unknown = "00000000-0000-4000-8000-000000000000"
    one, other = "/verwerkingsacties/{actieId}", "/verwerkte-objecten/{verwerktObjectId}"
    asked = [
        ("/verwerkingsacties", "post", created),
        ("/verwerkingsacties", "post", await api.post({})),
        ("/verwerkingsacties", "post", await api.post(vertrouwelijkheid="opgeheven")),
        ("/verwerkingsacties", "post", await api.post(actieNaam="x" * 2**20)),
        ("/verwerkingsacties", "post", await api.http.post("/verwerkingsacties", content=b"", headers=api.auth())),
        ("/verwerkingsacties", "get", await api.search()),
        ("/verwerkingsacties", "get", await api.search(pageSize=1)),
        ("/verwerkingsacties", "get", await api.http.get("/verwerkingsacties")),
        ("/verwerkingsacties", "get", await api.search(headers={"Accept": "text/html"})),
        (one, "get", await api.actie(actie)),
        (one, "get", await api.actie(unknown)),
        ("/verwerkte-objecten", "get", await api.inzage()),
        ("/verwerkte-objecten", "get", await api.inzage(pageSize=1)),
        ("/verwerkte-objecten", "get", await api.inzage(headers={})),
        (other, "get", await api.verwerkt_object(occurrence)),
        (other, "get", await api.verwerkt_object(unknown)),
    ]
    return [((path, method, str(response.status_code)), response) for path, method, response in asked]
