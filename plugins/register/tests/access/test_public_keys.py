"""Clients that sign with a private key of their own: the register has nothing with which anybody could sign."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._access.clients import Client
from verwerkingenlogging_register._keys.public_keys import PublicKey
from verwerkingenlogging_register._model.scopes import Scope

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

Run = Callable[..., Result]
SQLITE = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
QUESTION = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC_KEY, OTHER_EC_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
P384_KEY = ec.generate_private_key(ec.SECP384R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def public_pem(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def private_pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return pem.decode()


def public_jwk(key: Any, **more: Any) -> str:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return json.dumps({**algorithm.to_jwk(key.public_key(), as_dict=True), **more})


def signed(key: Any, algorithm: str, name: str = "app", header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"iss": name, "client_id": name, "iat": now, "exp": now + 600, **claims}, key, algorithm=algorithm, headers=header)


def with_the_public_key_as_secret(text: str) -> str:
    """What PyJWT itself refuses to make."""
    head, claims, _ = signed("x" * 32, "HS256").split(".")
    signature = hmac.digest(text.encode(), f"{head}.{claims}".encode(), "sha256")
    return f"{head}.{claims}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def status(api: Api, token: str) -> int:
    response = await api.http.get("/verwerkingsacties", params=QUESTION, headers={"Authorization": f"Bearer {token}"})
    return response.status_code


@pytest.mark.parametrize(
    ("text", "key", "algorithm"),
    [
        (public_pem(RSA_KEY), RSA_KEY, "RS256"),
        (public_jwk(RSA_KEY, kid="een", use="sig"), RSA_KEY, "PS256"),
        (public_pem(EC_KEY), EC_KEY, "ES256"),
        (public_jwk(EC_KEY, alg="ES256"), EC_KEY, "ES256"),
    ],
    ids=["RSA PEM", "RSA JWK", "EC PEM", "EC JWK"],
)
async def test_what_a_client_signs_with_its_private_key_is_believed(
    api: Api, add_client: Callable[[Client], None], text: str, key: Any, algorithm: str
) -> None:
    add_client(Client(name="app", scopes=frozenset({Scope.READ_CONFIDENTIAL}), public_key=PublicKey(text)))
    assert await status(api, signed(key, algorithm)) == 200
    assert await status(api, signed(key, algorithm, scope="create:normal")) == 403


@SQLITE
@pytest.mark.parametrize(
    "make",
    [
        lambda: signed(OTHER_EC_KEY, "ES256"),
        lambda: signed(RSA_KEY, "RS256"),
        lambda: signed("x" * 32, "HS256"),
        lambda: with_the_public_key_as_secret(public_pem(EC_KEY)),
        lambda: with_the_public_key_as_secret(PublicKey(public_pem(EC_KEY)).jwk),
        lambda: signed(None, "none"),
        lambda: signed(P384_KEY, "ES384"),
        lambda: signed(ED_KEY, "EdDSA"),
        lambda: signed(EC_KEY, "ES256", header={"kid": "een"}),
        lambda: signed(EC_KEY, "ES256", header={"jwk": json.loads(public_jwk(EC_KEY))}),
        lambda: signed(EC_KEY, "ES256", name="alles"),
        lambda: signed(EC_KEY, "ES256", exp=int(time.time()) + 7200),
    ],
    ids=["another key", "RSA", "a secret", "its PEM as secret", "its JWK as secret", "none", "ES384", "EdDSA", "kid", "jwk", "of a client with a secret", "too long"],
)  # fmt: skip
async def test_every_other_token_is_refused(api: Api, add_client: Callable[[Client], None], make: Callable[[], str]) -> None:
    add_client(Client(name="app", scopes=frozenset({Scope.READ_CONFIDENTIAL}), public_key=PublicKey(public_pem(EC_KEY))))
    assert await status(api, signed(EC_KEY, "ES256")) == 200
    assert await status(api, make()) == 401


@SQLITE
async def test_a_key_for_one_algorithm_is_for_that_one_only(api: Api, add_client: Callable[[Client], None]) -> None:
    add_client(Client(name="app", scopes=frozenset({Scope.READ_CONFIDENTIAL}), public_key=PublicKey(public_jwk(RSA_KEY, alg="PS256"))))
    assert [await status(api, signed(RSA_KEY, algorithm)) for algorithm in ("PS256", "RS256")] == [200, 401]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (private_pem(RSA_KEY), "this is a private key, which the client keeps to itself"),
        (private_pem(EC_KEY, PrivateFormat.TraditionalOpenSSL), "this is a private key"),
        (json.dumps(jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY, as_dict=True)), "this is a private key"),
        ('{"kty": "oct", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"}', "this is a private key"),
        (public_pem(SMALL_RSA_KEY), "must be one public key"),
        (public_pem(P384_KEY), "must be one public key"),
        (public_pem(ED_KEY), "must be one public key"),
        (public_jwk(EC_KEY, use="enc"), "must be one public key"),
        (public_pem(RSA_KEY).replace("A", "B"), "must be one public key"),
        ("", "must be one public key"),
        ("[]", "must be one public key"),
        ('{"keys": []}', "must be one public key"),
        ("geheim-geheim", "must be one public key"),
    ],
)
def test_what_is_no_public_key_is_refused_with_the_remedy_and_never_repeated(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"setting public_key: {message}") as refused:
        PublicKey(text)
    assert not text or text[:20] not in str(refused.value)


def test_nothing_of_what_is_given_is_kept_but_the_key(tmp_path: Path) -> None:
    kept = json.loads(PublicKey(public_jwk(RSA_KEY, kid="zaaksysteem van Jan", x5c=["abc"], alg="RS256")).jwk)
    assert set(kept) == {"kty", "n", "e", "alg"}
    assert PublicKey(json.dumps(kept)).jwk == PublicKey(public_jwk(RSA_KEY, alg="RS256")).jwk
    assert repr(PublicKey(public_pem(EC_KEY))) == "PublicKey(ES256)"


async def test_the_command_changes_a_secret_into_a_public_key_and_back_at_once(
    api: Api, token: Callable[..., str], verwerkingenlog: Run, place: Any, tmp_path: Path
) -> None:
    (tmp_path / "public.pem").write_text(public_pem(EC_KEY))
    location = place.owner if isinstance(place.owner, Path) else place.owner.render_as_string(hide_password=False)
    database = {"VERWERKINGENLOG_DATABASE": str(location), "VERWERKINGENLOG_KEYS": str(place.keys)}
    by_key, by_secret = signed(EC_KEY, "ES256", "alles"), token()
    assert [await status(api, each) for each in (by_secret, by_key)] == [200, 401]
    done = verwerkingenlog("client", "rotate", "alles", "--public-key", "public.pem", **database)
    assert (done.stdout, done.stderr) == ("", "verwerkingenlog: client alles has another public key\n")
    assert [await status(api, each) for each in (by_secret, by_key)] == [401, 200]
    assert "alles\t-\t" in verwerkingenlog("client", "list", **database).stdout
    assert "\tpublic key\n" in verwerkingenlog("client", "list", **database).stdout
    assert "signs its tokens with its private key" in verwerkingenlog("token", "alles", **database).stderr
    secret = verwerkingenlog("client", "rotate", "alles", **database).stdout.strip()
    assert [await status(api, each) for each in (by_key, token(secret=secret))] == [401, 200]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--public-key", "er-niet"), "setting public_key: er-niet cannot be read as text"),
        (("--public-key", "private.pem"), "setting public_key: this is a private key"),
        (("--public-key", "public.pem", "--issuer", "https://idp.example.nl"), "client een: give --public-key or --issuer, not both"),
    ],
)
def test_the_command_refuses_what_cannot_be(verwerkingenlog: Run, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "public.pem").write_text(public_pem(EC_KEY))
    (tmp_path / "private.pem").write_text(private_pem(EC_KEY))
    done = verwerkingenlog("client", "add", "een", *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"verwerkingenlog: {message}")
    assert not (tmp_path / "verwerkingenlog.sqlite").exists()


# What a client may is changed in place.


async def test_other_scopes_and_oins_count_from_the_next_request_on(
    api: Api, token: Callable[..., str], verwerkingenlog: Run, place: Any, add_client: Callable[[Client], None]
) -> None:
    location = place.owner if isinstance(place.owner, Path) else place.owner.render_as_string(hide_password=False)
    headers = {"Authorization": f"Bearer {token('een', secret='x' * 32)}", "OIN": "00000099123456780000"}

    async def found() -> int:
        return (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code

    def change(*arguments: str) -> None:
        done = verwerkingenlog("client", "change", "een", *arguments, VERWERKINGENLOG_DATABASE=str(location))
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "verwerkingenlog: client een changed\n")

    add_client(Client(name="een", scopes=frozenset({Scope.READ_NORMAL}), secret="x" * 32))
    statuses = [await found()]
    for arguments in (
        ("--scope", "read:confidential", "--scope", "create:normal"),
        ("--oin", "00000001821002193000"),
        ("--oin", "00000001821002193000", "--oin", "00000099123456780000"),
        ("--no-scope",),
        ("--no-oin", "--scope", "read:confidential"),
    ):
        change(*arguments)
        statuses.append(await found())
    assert statuses == [403, 200, 403, 200, 403, 200]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "client een: say what it gets"),
        (("--oin", "00000001821002193000", "--no-oin"), "client een: say what it gets"),
        (("--scope", "read:normal", "--no-scope"), "client een: say what it gets"),
        (("--oin", "1"), "client een: oin: must be an OIN"),
    ],
)
def test_a_change_that_says_nothing_or_too_much_changes_nothing(verwerkingenlog: Run, arguments: tuple[str, ...], message: str) -> None:
    verwerkingenlog("client", "add", "een", "--scope", "create:normal")
    done = verwerkingenlog("client", "change", "een", *arguments)
    assert (done.exit_code, done.stderr.startswith(f"verwerkingenlog: {message}")) == (1, True)
    assert verwerkingenlog("client", "list").stdout == "een\t-\tcreate:normal\tsecret\n"
    assert "not registered" in verwerkingenlog("client", "change", "twee", "--no-oin").stderr
