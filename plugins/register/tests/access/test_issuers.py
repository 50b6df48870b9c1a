"""Tokens of an issuer: which are believed, and which tricks are not (threat 11)."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._access.clients import Client
from verwerkingenlogging_register._keys.issuers import Issuer, KeySet, load_issuers
from verwerkingenlogging_register._model.scopes import Scope

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

# Whom to believe is decided in Python: one kind of database is enough, but for what a client of an issuer is registered with.
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

ISS, AUD = "https://idp.example.nl/realms/gemeente", "verwerkingenlog"
QUESTION = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC_KEY, P384_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
SECRET = "geheim-van-de-toepassing-van-32-bytes-of-meer"


def jwk(key: Any, kid: str, **more: str) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, **more}


def jwks(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": list(keys)})


KEYS = jwks(
    jwk(RSA_KEY, "rsa", use="sig"),
    jwk(RSA_KEY, "rsa-pss-only", alg="PS256"),
    jwk(RSA_KEY, "rsa-enc", use="enc"),
    jwk(SMALL_RSA_KEY, "small"),
    jwk(EC_KEY, "ec"),
    jwk(P384_KEY, "p384"),
    {"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode()},
    {"kty": "RSA", "kid": "broken", "n": "x"},
)


def signed(
    key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "rsa", header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """A token; its moments are seconds from now."""
    now = int(time.time())
    moments = {name: now + claims[name] for name in ("exp", "iat", "nbf") if claims.get(name) is not None}
    given = {"iss": ISS, "aud": AUD, "iat": now, "exp": now + 600, "client_id": "portaal", **claims, **moments}
    headers = {**({"kid": kid} if kid else {}), **(header or {})}
    return jwt.encode({name: value for name, value in given.items() if value is not None}, key, algorithm=algorithm, headers=headers)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    path = tmp_path / "jwks.json"
    path.write_text(KEYS, encoding="utf-8")
    issuer = Issuer(iss=ISS, aud=AUD, jwks=str(path), algorithms=("RS256", "PS256", "ES256"))
    elsewhere = Issuer(iss="https://elders.example.nl", aud=AUD, jwks=str(path), algorithms=("ES256",))
    return dataclasses.replace(settings, issuers=(issuer, elsewhere))


@pytest.fixture
def portaal(add_client: Callable[[Client], None]) -> None:
    add_client(Client(name="portaal", scopes=frozenset({Scope.READ_NORMAL, Scope.READ_CONFIDENTIAL}), issuer=ISS))


async def ask(api: Api, token: str, **query: str) -> httpx2.Response:
    return await api.http.get("/verwerkingsacties", params={**QUESTION, **query}, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.usefixtures("portaal")
@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA_KEY, "RS256", "rsa"), (RSA_KEY, "PS256", "rsa"), (RSA_KEY, "PS256", "rsa-pss-only"), (EC_KEY, "ES256", "ec")],
    ids=["RS256", "PS256", "PS256 only", "ES256"],
)
async def test_a_token_of_the_issuer_is_believed(api: Api, key: Any, algorithm: str, kid: str) -> None:
    assert (await ask(api, signed(key, algorithm, kid))).status_code == 200


@SQLITE
@pytest.mark.usefixtures("portaal")
@pytest.mark.parametrize(
    "claims",
    [{"client_id": None, "azp": "portaal"}, {"aud": ["een ander", AUD]}, {"exp": -30}, {"iat": None}, {"nbf": 30}],
)
async def test_the_client_may_be_named_by_azp_and_clocks_differ(api: Api, claims: dict[str, Any]) -> None:
    assert (await ask(api, signed(**claims))).status_code == 200


@SQLITE
@pytest.mark.usefixtures("portaal")
@pytest.mark.parametrize(
    ("scope", "status"),
    [
        (None, 200),
        ("read:confidential", 200),
        (["openid", "read:confidential"], 200),
        ("read:normal", 403),
        ("openid profile", 403),
        ([], 403),
        ("", 403),
        ("delete:confidential", 403),
    ],
)
async def test_its_scopes_are_those_of_claim_and_registration_both(api: Api, scope: Any, status: int) -> None:
    assert (await ask(api, signed(scope=scope))).status_code == status


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def unsigned(algorithm: str = "none") -> str:
    claims = {"iss": ISS, "aud": AUD, "exp": int(time.time()) + 600, "client_id": "portaal"}
    return ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": algorithm, "kid": "rsa"}, claims)) + "."


def hmac_with_public_key() -> str:
    """What PyJWT itself refuses to make."""
    pem = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    token = unsigned("HS256")
    return token + encoded(hmac.digest(pem, token.rstrip(".").encode(), "sha256"))


def signed_with_a_small_key() -> str:
    with warnings.catch_warnings(action="ignore"):
        return signed(SMALL_RSA_KEY, kid="small")


def signed_with_another_curve() -> str:
    """What PyJWT itself may refuse to make: RFC 7518 has ES256 with P-256 only."""
    head, claims, _ = signed(EC_KEY, "ES256", "p384").split(".")
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(f"{head}.{claims}".encode(), P384_KEY)
    return f"{head}.{claims}.{encoded(signature)}"


@SQLITE
@pytest.mark.usefixtures("portaal")
@pytest.mark.parametrize(
    "make",
    [
        unsigned,
        hmac_with_public_key,
        lambda: signed(SECRET, "HS256", "oct"),
        lambda: signed(OTHER_RSA_KEY),
        lambda: signed(kid="vreemd"),
        lambda: signed(kid=None),
        lambda: signed(kid="rsa-enc"),
        lambda: signed(kid="rsa-pss-only"),
        signed_with_a_small_key,
        lambda: signed(EC_KEY, "ES256", "rsa"),
        lambda: signed(kid="ec"),
        signed_with_another_curve,
        lambda: signed(algorithm="RS512"),
        lambda: signed(header={"jku": "https://elders.example/jwks"}),
        lambda: signed(header={"jwk": jwk(OTHER_RSA_KEY, "rsa")}),
        lambda: signed(header={"crit": ["exp"]}),
        lambda: signed(exp=-61),
        lambda: signed(exp=None),
        lambda: signed(aud=None),
        lambda: signed(aud="een ander"),
        lambda: signed(iss=None),
        lambda: signed(iss="https://idp.example.nl/realms/gemeente/"),
        lambda: signed(iss="https://elders.example.nl"),
        lambda: signed(EC_KEY, "ES256", "ec", iss="https://elders.example.nl"),
        lambda: signed(client_id=None),
        lambda: signed(client_id="onbekend"),
        lambda: signed(client_id="alles"),
        lambda: signed(client_id=5),
        lambda: signed(client_id="onbekend", azp="portaal"),
        lambda: signed(scope=[1]),
        lambda: signed(scope=5),
        lambda: signed(exp=3700),
        lambda: signed(iat=-3000, exp=700),
        lambda: signed(nbf=3600),
        lambda: signed(iat=3600),
        lambda: signed(iss="alles", client_id="alles"),
        lambda: signed(iss="portaal"),
        lambda: jwt.encode({"iss": "portaal", "exp": int(time.time()) + 600}, SECRET, algorithm="HS256"),
    ],
    ids=[
        "alg none", "public key as secret", "oct key", "other key", "foreign kid", "no kid", "key for encryption", "key for PS256", "RSA of 1024 bits",
        "ES256 with RSA kid", "RS256 with EC kid", "ES256 with P-384", "algorithm not listed", "jku", "jwk", "crit", "expired", "no exp", "no aud", "other aud", "no iss", "almost the iss",
        "algorithm of another issuer", "client of another issuer", "no client", "unknown client", "client with a secret", "client no text", "first claim counts",
        "scope no text", "scope a number", "valid for too long", "made long ago", "not yet", "iat in the future", "iss of a client", "iss is the client", "secret for a client without",
    ],
)  # fmt: skip
async def test_every_other_token_gives_the_same_401(api: Api, stored: Callable[[], int], make: Callable[[], str]) -> None:
    response = await api.http.post("/verwerkingsacties", json={}, headers={"Authorization": f"Bearer {make()}"})
    assert (response.status_code, response.json()["code"], response.headers["WWW-Authenticate"]) == (401, "not-authenticated", "Bearer")
    assert stored() == 0


class Jwks:
    """An address that serves a JWKS, which can change."""

    def __init__(self) -> None:
        self.text, self.status, self.asked = KEYS, 200, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(outer.status)
                self.send_header("Location", "/elders")
                self.end_headers()
                self.wfile.write(outer.text.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/certs"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def address() -> Iterator[Jwks]:
    served = Jwks()
    yield served
    served.close()


def later(keys: KeySet, seconds: float) -> None:
    keys._read_at -= seconds


def test_keys_are_read_at_the_start_and_a_new_one_is_found(address: Jwks) -> None:
    keys = KeySet(Issuer(iss=ISS, aud=AUD, jwks=address.url))
    assert keys.remembered("rsa", "RS256") is not None
    address.text = jwks(jwk(OTHER_RSA_KEY, "nieuw"))
    for _ in range(5):
        assert keys.get("nieuw", "RS256") is None
    assert address.asked == 1  # a stream of unknown names does not become a stream of questions
    later(keys, 11)
    assert keys.get("nieuw", "RS256") is not None
    assert (keys.get("rsa", "RS256"), address.asked) == (None, 2)


def test_a_key_that_was_withdrawn_is_worth_nothing_after_five_minutes(address: Jwks) -> None:
    keys = KeySet(Issuer(iss=ISS, aud=AUD, jwks=address.url))
    address.text = jwks()
    later(keys, 301)
    assert keys.remembered("rsa", "RS256") is None
    assert keys.get("rsa", "RS256") is None


@pytest.mark.parametrize(("status", "text"), [(500, ""), (200, "geen json"), (200, "[]"), (302, KEYS), (200, "x" * 1_100_000)])
def test_when_reading_fails_the_known_keys_keep_their_worth(
    address: Jwks, caplog: pytest.LogCaptureFixture, status: int, text: str
) -> None:
    keys = KeySet(Issuer(iss=ISS, aud=AUD, jwks=address.url))
    address.status, address.text = status, text
    later(keys, 301)
    assert keys.get("rsa", "RS256") is not None
    assert "the keys of issuer https://idp.example.nl/realms/gemeente cannot be read" in caplog.text
    with pytest.raises(ConfigurationError, match="its jwks cannot be read"):
        KeySet(Issuer(iss=ISS, aud=AUD, jwks=address.url))


TOML = f"""
[[issuer]]
iss = "{ISS}"
aud = "verwerkingenlog"
jwks = "https://idp.example.nl/certs"
algorithms = ["PS256", "ES256"]
client_claims = ["azp"]
scope_claim = "scp"
"""


def test_issuers_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(TOML, encoding="utf-8")
    assert load_issuers(path) == (
        Issuer(
            iss=ISS, aud=AUD, jwks="https://idp.example.nl/certs", algorithms=("PS256", "ES256"), client_claims=("azp",), scope_claim="scp"
        ),
    )
    assert load_issuers(None) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("https://idp.example.nl/certs", "http://idp.example.nl/certs"), "an address with https"),
        (("https://idp.example.nl/certs", "ftp://127.0.0.1/certs"), "an address with https"),
        (("https://idp.example.nl/certs", "https:///certs"), "an address with https"),
        (('["PS256", "ES256"]', '["HS256"]'), "algorithms must be some of RS256, PS256, ES256"),
        (('["PS256", "ES256"]', "[]"), "algorithms must be some of"),
        ((ISS, "alles"), "iss must be an address"),
        (('"verwerkingenlog"', '""'), "aud must be a text that is not empty"),
        (('["azp"]', "[]"), "client_claims must name at least one claim"),
        (("scope_claim", "scopeclaim"), "has iss, aud and jwks, and may have some of"),
        (("[[issuer]]", "[issuer]"), "cannot be read as TOML with tables"),
        (("[[issuer]]", "[[issuer"), "cannot be read as TOML with tables"),
    ],
)
def test_a_wrong_issuer_is_named_with_the_remedy(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(TOML.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        load_issuers(path)


def test_one_issuer_has_one_list_of_algorithms() -> None:
    issuer = Issuer(iss=ISS, aud=AUD, jwks="x")
    with pytest.raises(ConfigurationError, match="one iss stands there twice"):
        Settings(issuers=(issuer, dataclasses.replace(issuer, algorithms=("ES256",))))
