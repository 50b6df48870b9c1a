"""Who may call, and what each scope opens (gemma.md 4.7 and 6, X50, D6, D10)."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from verwerkingenlogging_register import Settings, create_app
from verwerkingenlogging_register._access.clients import Client
from verwerkingenlogging_register._model.scopes import Scope
from verwerkingenlogging_register._requests import authentication

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# Decided in Python: one kind of database is enough.
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


def now() -> int:
    """Not when this module was loaded: by the time of its last test, ten minutes may have gone."""
    return int(time.time())


MINIMAL = {"vertrouwelijkheid": "normaal", "tijdstip": "2024-04-05T14:35:42Z", "verwerkteObjecten": []}
QUESTION = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
REFUSED = {
    "type": "about:blank",
    "code": "not-authenticated",
    "title": "Niet geauthenticeerd.",
    "status": 401,
    "detail": "Geef een geldig bearer-token van een geregistreerde client.",
}


def unsigned(claims: dict[str, Any]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def jws(payload: Any) -> str:
    """Well signed, whatever it says."""
    return jwt.PyJWS().encode(json.dumps(payload).encode(), "geheim-van-de-toepassing-van-32-bytes-of-meer", algorithm="HS256")


def signed_with_a_private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode({"iss": "alles", "exp": now() + 600}, key, algorithm="RS256")


def signed_with_a_public_key_as_secret() -> str:
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return jwt.encode({"iss": "alles", "exp": now() + 600}, base64.b64encode(pem), algorithm="HS256")


@SQLITE
@pytest.mark.parametrize(
    "make",
    [
        lambda token: unsigned({"iss": "alles", "exp": now() + 600}),
        lambda token: signed_with_a_private_key(),
        lambda token: signed_with_a_public_key_as_secret(),
        lambda token: jwt.encode({"iss": "alles", "exp": now() + 600}, "geheim-van-de-toepassing-van-32-bytes-of-meer" * 2, algorithm="HS512"),
        lambda token: token(secret="een-heel-ander-geheim-van-32-bytes-of-meer"),
        lambda token: token(exp=None),
        lambda token: token(exp=now() - 61),
        lambda token: token(exp="morgen"),
        lambda token: token(iat=now() + 3600),
        lambda token: token(nbf=now() + 3600),
        lambda token: token(exp=now() + 3700),
        lambda token: token(iat=None, exp=now() + 3700),
        lambda token: token(iat=now() - 3000, exp=now() + 700),
        lambda token: token(exp=now() + 10**9),
        lambda token: jws({"iss": "alles", "exp": float("inf")}),
        lambda token: jws({"iss": "alles", "exp": [now() + 600]}),
        lambda token: jws({"iss": "alles", "exp": now() + 600, "iat": None}),
        lambda token: jws({"iss": "alles", "exp": now() + 600, "nbf": {}}),
        lambda token: jws({"iss": "alles", "exp": now() + 600, "scope": None}),
        lambda token: jws({"iss": "alles", "exp": now() + 600, "scope": 0}),
        lambda token: token(aud="een ander"),
        lambda token: token("onbekend"),
        lambda token: token(iss=None),
        lambda token: jws({"iss": 5, "exp": now() + 600}),
        lambda token: jws(["iss", "alles"]),
        lambda token: token(client_id="gemeente"),
        lambda token: token(scope=["create:normal"]),
        lambda token: token(header={"kid": "mijn-sleutel"}),
        lambda token: token(header={"jku": "https://elders.example/jwks"}),
        lambda token: token(ballast="x" * 8192),
        lambda token: token()[:-4] + "AAAA",
        lambda token: token().rpartition(".")[0],
        lambda token: "x",
        lambda token: "",
        lambda token: "é",
    ],
    ids=[
        "alg none", "RS256", "public key as secret", "HS512", "other secret", "no exp", "expired", "exp no number", "iat in the future",
        "not yet", "valid for too long", "and without iat", "made long ago", "for decades", "exp without end", "exp a list", "iat null", "nbf no moment",
        "scope null", "scope a number", "for another", "unknown client", "no iss", "iss no text", "no claims", "two names", "scopes as list", "foreign kid", "jku", "over 8 KiB",
        "forged signature", "no signature", "no token", "empty", "not ASCII",
    ],
)  # fmt: skip
async def test_every_bad_token_gives_the_same_401(
    api: Api, token: Callable[..., str], stored: Callable[[], int], make: Callable[[Callable[..., str]], str]
) -> None:
    headers = {b"Authorization": f"Bearer {make(token)}".encode()}
    response = await api.http.post("/verwerkingsacties", json={}, headers=headers)
    answer = response.json()
    assert answer.pop("instance").startswith("urn:uuid:")
    assert (response.status_code, response.headers["WWW-Authenticate"], answer) == (401, "Bearer", REFUSED)
    assert stored() == 0


@SQLITE
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}])
async def test_no_token_gives_that_401_too(api: Api, headers: dict[str, str]) -> None:
    response = await api.http.get("/verwerkingsacties", headers=headers)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert response.json()["detail"] == REFUSED["detail"]


@SQLITE
@pytest.mark.parametrize(
    "claims",
    [{"exp": -30}, {"iat": 30}, {"iat": None}, {"client_id": None}, {"exp": 3600}, {"iat": 50, "exp": 3650}, {"iat": None, "exp": 3650}],
)
async def test_a_clock_that_is_a_minute_off_and_fewer_claims_are_taken(api: Api, token: Callable[..., str], claims: dict[str, Any]) -> None:
    claims = {name: now() + value if isinstance(value, int) else value for name, value in claims.items()}
    response = await api.http.get("/verwerkingsacties", params=QUESTION, headers={"Authorization": f"Bearer {token(**claims)}"})
    assert response.status_code == 200


async def test_a_token_that_was_believed_is_refused_once_it_has_expired(
    api: Api, token: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expires = now() + 600
    headers = {"Authorization": f"Bearer {token(exp=expires)}"}

    async def status() -> int:
        return (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code

    statuses = [await status()]
    for later in (59, 60):  # with the minute that clocks may be off
        monkeypatch.setattr(authentication, "time", SimpleNamespace(time=lambda later=later: float(expires + later)))
        statuses.append(await status())
    assert statuses == [200, 200, 401]


async def test_a_client_that_is_added_while_the_register_runs_is_known_at_once(
    api: Api, token: Callable[..., str], add_client: Callable[[Client], None]
) -> None:
    await api.posted()
    add_client(Client(name="nieuw", scopes=frozenset({Scope.READ_CONFIDENTIAL}), secret="x" * 32))
    headers = {"Authorization": f"Bearer {token('nieuw', secret='x' * 32)}"}
    assert (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code == 200


async def test_a_token_without_scope_claim_has_the_scopes_of_the_registration(api: Api) -> None:
    assert (await api.search(scope=None)).status_code == 200
    assert (await api.search(scope="")).status_code == 403


@SQLITE
@pytest.mark.parametrize("scope", ["", "  "])
async def test_a_token_that_names_no_scope_lets_nothing_not_even_create(api: Api, stored: Callable[[], int], scope: str) -> None:
    """Every client may create what is normaal (X49); a token that was made to be worth nothing is not a client's."""
    answer = await api.posted()
    responses: list[httpx2.Response] = [
        await api.post(scope=scope),
        await api.batch([MINIMAL], scope=scope),
        await api.http.post("/verwerkingsacties/_bevestig", json={"idempotencyKeys": ["a"]}, headers=api.auth(scope)),
        await api.search(scope=scope),
        await api.actie(answer["actieId"], scope=scope),
        await api.history(answer["actieId"], scope=scope),
        await api.put(answer, scope=scope),
        await api.delete(answer["actieId"], scope=scope),
        await api.patch({"verwerkingId": "89aa7a9a-1f79-44de-b32e-8e38e07138f3"}, {"bewaartermijn": "P1Y"}, scope=scope),
        await api.inzage(scope=scope),
        await api.http.post(
            "https://log.example.nl/v1/traces", content=b"", headers={**api.auth(scope), "Content-Type": "application/x-protobuf"}
        ),
    ]
    assert [response.status_code for response in responses] == [403] * len(responses)
    assert stored() == 1


@SQLITE
async def test_any_other_scope_and_none_leave_what_every_client_may(
    api: Api, token: Callable[..., str], add_client: Callable[[Client], None]
) -> None:
    add_client(Client(name="kaal", secret="x" * 32))
    assert (await api.post(scope="read:normal")).status_code == 201
    assert (await api.post(scope="openid profile")).status_code == 201
    headers = {"Authorization": f"Bearer {token('kaal', secret='x' * 32)}"}
    assert (await api.http.post("/verwerkingsacties", json=MINIMAL, headers=headers)).status_code == 201


@SQLITE
@pytest.mark.parametrize(("lifetime", "asked", "status"), [(60, 60, 200), (60, 61, 401), (86400, 86400, 200)])
async def test_the_longest_life_of_a_token_is_a_setting(
    settings: Settings, token: Callable[..., str], lifetime: int, asked: int, status: int
) -> None:
    app = create_app(dataclasses.replace(settings, token_lifetime=lifetime))
    headers = {"Authorization": f"Bearer {token(exp=now() + asked)}"}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://log.example.nl/api/v1") as http,
    ):
        assert (await http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code == status


async def test_a_token_cannot_widen_the_registration(api: Api, token: Callable[..., str], add_client: Callable[[Client], None]) -> None:
    add_client(Client(name="smal", scopes=frozenset({Scope.READ_NORMAL}), secret="x" * 32))
    headers = {"Authorization": f"Bearer {token('smal', secret='x' * 32, scope='read:normal read:confidential')}"}
    assert (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code == 403


@pytest.mark.parametrize(("oin", "status"), [("00000099123456780000", 200), ("00000001821002193000", 403)])
async def test_a_client_with_an_oin_may_send_no_other(api: Api, token: Callable[..., str], oin: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {token('gemeente')}", "OIN": oin}
    assert (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code == status
    created = await api.http.post("/verwerkingsacties", json=MINIMAL, headers=headers)
    assert created.status_code == (201 if status == 200 else status)
    more = {"VerwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf", "VerwerkingsactiviteitUrl": "urn:x"}
    period = {"beginDatum": "2024-01-01", "eindDatum": "2025-01-01"}
    response = await api.http.get("/verwerkte-objecten", params={**QUESTION, **period}, headers={**headers, **more})
    assert response.status_code == status


# What each scope set may read of an actie by its present value and by what it once was (X07-X10, X63, D1, D7).
# (history, scopes) -> status by id; found with each filter of the search; found by Inzage.
NORMAAL, VERTROUWELIJK, OPGEHEVEN = "normaal", "vertrouwelijk", "opgeheven"
ALL = f"{NORMAAL},{VERTROUWELIJK},{OPGEHEVEN}"
HISTORIES: dict[str, tuple[str, ...]] = {
    "normal": (NORMAAL,),
    "confidential": (VERTROUWELIJK,),
    "lifted": (VERTROUWELIJK, OPGEHEVEN),
    "normal again": (VERTROUWELIJK, NORMAAL),
}


async def written(api: Api, history: tuple[str, ...]) -> dict[str, Any]:
    answer = await api.posted(vertrouwelijkheid=history[0])
    for vertrouwelijkheid in history[1:]:
        # As a correction will: opgeheven comes from vertrouwelijk, never from a POST.
        await api.correct(answer, vertrouwelijkheid=vertrouwelijkheid)
    return answer


@pytest.mark.parametrize(
    ("history", "scope", "by_id", "by_filter", "inzage"),
    [
        ("normal", "read:normal", 200, {NORMAAL: 1}, 1),
        ("confidential", "read:normal", 403, {NORMAAL: 0}, 0),
        ("lifted", "read:normal", 403, {NORMAAL: 0}, 0),
        ("normal again", "read:normal", 403, {NORMAAL: 0}, 0),
        ("normal", "read:confidential", 200, {NORMAAL: 1, VERTROUWELIJK: 0, OPGEHEVEN: 0, None: 1, ALL: 1}, 1),
        ("confidential", "read:confidential", 200, {NORMAAL: 0, VERTROUWELIJK: 1, OPGEHEVEN: 0, None: 1, ALL: 1}, 0),
        ("lifted", "read:confidential", 200, {NORMAAL: 0, VERTROUWELIJK: 0, OPGEHEVEN: 1, None: 1, ALL: 1}, 1),
        ("normal again", "read:confidential", 200, {NORMAAL: 0, f"{NORMAAL},{OPGEHEVEN}": 0, None: 1, ALL: 1}, 1),
    ],
)
async def test_value_and_history_decide_what_a_scope_shows(
    api: Api, history: str, scope: str, by_id: int, by_filter: dict[str | None, int], inzage: int
) -> None:
    answer = await written(api, HISTORIES[history])
    occurrence = answer["verwerkteObjecten"][0]["verwerktObjectId"]
    assert (await api.actie(answer["actieId"], scope=scope)).status_code == by_id
    for vertrouwelijkheid, count in by_filter.items():
        response = await api.search(scope=scope, vertrouwelijkheid=vertrouwelijkheid)
        assert (vertrouwelijkheid, response.json()["count"], len(response.json()["results"])) == (vertrouwelijkheid, count, count)
    assert (await api.inzage(scope=scope)).json()["count"] == inzage
    assert (await api.verwerkt_object(occurrence, scope=scope)).status_code == (200 if inzage else 404)


@pytest.mark.parametrize("vertrouwelijkheid", [None, VERTROUWELIJK, OPGEHEVEN, ALL, f"{NORMAAL},{OPGEHEVEN}"])
async def test_read_normal_must_ask_for_normaal_and_nothing_else(api: Api, vertrouwelijkheid: str | None) -> None:
    assert (await api.search(scope="read:normal", vertrouwelijkheid=vertrouwelijkheid)).status_code == 403


@SQLITE
@pytest.mark.parametrize("scope", ["", "create:normal create:confidential update:confidential delete:confidential"])
async def test_without_a_read_scope_nothing_can_be_read(api: Api, scope: str) -> None:
    answer = await api.posted()
    responses: list[httpx2.Response] = [
        await api.search(scope=scope, vertrouwelijkheid="normaal"),
        await api.actie(answer["actieId"], scope=scope),
        await api.inzage(scope=scope),
        await api.verwerkt_object(answer["verwerkteObjecten"][0]["verwerktObjectId"], scope=scope),
    ]
    assert [response.status_code for response in responses] == [403] * 4
    assert {response.headers["Content-Type"] for response in responses} == {"application/problem+json"}


async def test_inzage_answers_alike_for_what_is_hidden_and_what_does_not_exist(api: Api) -> None:
    hidden = (await api.posted(vertrouwelijkheid="vertrouwelijk"))["verwerkteObjecten"][0]["verwerktObjectId"]
    answers = [await api.verwerkt_object(number) for number in (hidden, "00000000-0000-4000-8000-000000000000")]
    bodies = [{**answer.json(), "instance": ""} for answer in answers]
    assert bodies[0] == bodies[1]
    assert answers[0].headers == answers[1].headers
