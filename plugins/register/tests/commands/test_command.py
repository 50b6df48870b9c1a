"""The command: clients, tokens, and settings that are wrong."""

from __future__ import annotations

import stat
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._access.clients import Client
from verwerkingenlogging_register._database.engines import prepare
from verwerkingenlogging_register._database.schema import HEAD
from verwerkingenlogging_register._model.scopes import Scope

Run = Callable[..., Result]
OIN = "00000099123456780000"
DATABASE = "verwerkingenlog.sqlite"


def test_a_client_is_added_listed_and_gets_a_token(verwerkingenlog: Run, tmp_path: Path) -> None:
    added = verwerkingenlog(
        "client", "add", "zaaksysteem", "--oin", OIN, "--oin", "00000001821002193000", "--scope", "create:normal", "--scope", "read:normal"
    )
    secret = added.stdout.strip()
    assert (added.exit_code, added.stderr) == (0, "verwerkingenlog: client zaaksysteem registered\n")
    assert len(secret.encode()) >= 32
    assert stat.S_IMODE((tmp_path / DATABASE).stat().st_mode) == 0o600

    listed = verwerkingenlog("client", "list")
    assert listed.stdout == f"zaaksysteem\t{OIN} 00000001821002193000\tcreate:normal read:normal\tsecret\n"
    assert secret not in listed.stdout

    made = verwerkingenlog("token", "zaaksysteem", "--expires", "60")
    claims: dict[str, Any] = jwt.decode(made.stdout.strip(), secret, algorithms=["HS256"])
    assert (claims["iss"], claims["client_id"], claims["scope"]) == ("zaaksysteem", "zaaksysteem", "create:normal read:normal")
    assert claims["exp"] - claims["iat"] == 60


def test_a_token_of_a_client_without_scopes_makes_no_claim_of_none(verwerkingenlog: Run) -> None:
    secret = verwerkingenlog("client", "add", "een").stdout.strip()
    assert "scope" not in jwt.decode(verwerkingenlog("token", "een").stdout.strip(), secret, algorithms=["HS256"])


def test_a_given_secret_is_not_printed(verwerkingenlog: Run, tmp_path: Path) -> None:
    (tmp_path / "geheim").write_text("a" * 40 + "\n", encoding="utf-8")
    (tmp_path / "geheim").chmod(0o600)
    assert verwerkingenlog("client", "add", "een", "--secret-file", "geheim").stdout == ""
    assert verwerkingenlog("client", "add", "twee", VERWERKINGENLOG_CLIENT_SECRET="b" * 40).stdout == ""
    for name, secret in (("een", "a" * 40), ("twee", "b" * 40)):
        assert jwt.decode(verwerkingenlog("token", name).stdout.strip(), secret, algorithms=["HS256"])["iss"] == name


def test_the_database_can_be_named_in_the_environment(verwerkingenlog: Run, tmp_path: Path) -> None:
    assert verwerkingenlog("client", "add", "een", VERWERKINGENLOG_DATABASE="elders.sqlite").exit_code == 0
    assert verwerkingenlog("client", "list", "--database", "elders.sqlite").stdout == "een\t-\t-\tsecret\n"
    assert not (tmp_path / DATABASE).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("client", "add", "een", "--oin", "1"), "client een: oin: must be an OIN of exactly 20 digits"),
        (("client", "add", "een twee"), "client name: use 1 to 100 letters"),
        (
            ("client", "add", "een", "--secret-file", "er-niet"),
            "setting secret_file: er-niet does not exist; leave it out to have a secret made",
        ),
        (("client", "list"), f"setting database: {DATABASE} does not exist; register a client first"),
        (("token", "een"), f"setting database: {DATABASE} does not exist"),
        (("serve", "--database", "er/niet"), "setting database: er/niet: No such file or directory; give a file in a folder"),
        (("serve", "--base-url", "log.example.nl"), "setting base_url: must be an http(s) address"),
        (("serve", "--tijdzone", "Mars/Olympus"), "setting tijdzone: no such time zone; give an IANA name"),
        (("serve", "--issuers", "er-niet"), "setting issuers: er-niet cannot be read as TOML"),
        (("serve", "--token-lifetime", "0"), "setting token_lifetime: must be at least 1"),
        (("serve", "--rate-limit", "-1"), "setting rate_limit: must be 0 or more"),
        (("serve", "--metrics-port", "1", "--metrics-host", "192.0.2.1"), "setting metrics_port: 192.0.2.1:1: "),
        (("serve", "--host", "192.0.2.1"), "setting port: 192.0.2.1:8080: Cannot assign requested address; give an address of this"),
        (("serve", "--host", "2001:db8::1"), "setting port: 2001:db8::1:8080: "),
        (("serve", "--objecttype", "Twee Woorden"), "setting objecttypen: must be one lower-case word"),
    ],
)
def test_a_wrong_setting_ends_the_command_with_its_name_and_the_remedy(
    verwerkingenlog: Run, arguments: tuple[str, ...], message: str
) -> None:
    done = verwerkingenlog(*arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"verwerkingenlog: {message}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (("serve", "--port", "99999"), {}, "--port"),
        (("serve",), {"VERWERKINGENLOG_PORT": "tachtig"}, "--port"),
        (("serve",), {"VERWERKINGENLOG_LOG_INZAGE": "misschien"}, "--log-inzage"),
        (("serve",), {"VERWERKINGENLOG_INZAGE_ACTIVITEIT": "x"}, "--inzage-activiteit"),
        (("client", "add", "een", "--scope", "create.normal"), {}, "--scope"),
        (("token", "een", "--expires", "0"), {}, "--expires"),
    ],
)
def test_a_malformed_option_is_named(verwerkingenlog: Run, arguments: tuple[str, ...], environment: dict[str, str], named: str) -> None:
    done = verwerkingenlog(*arguments, **environment)
    assert done.exit_code == 2
    assert named in done.stderr


def test_an_issuer_without_keys_is_named_before_anything_is_served(verwerkingenlog: Run, tmp_path: Path) -> None:
    (tmp_path / "issuers.toml").write_text('[[issuer]]\niss = "https://idp.example.nl"\naud = "log"\njwks = "http://127.0.0.1:9/certs"\n')
    done = verwerkingenlog("serve", "--issuers", "issuers.toml")
    assert done.exit_code == 1
    message = "setting issuers: https://idp.example.nl: its jwks cannot be read (URLError); it must be there when the register starts: "
    assert done.stderr == f"verwerkingenlog: {message}http://127.0.0.1:9/certs\n"


def test_the_version_is_shown_with_that_of_the_tables(verwerkingenlog: Run) -> None:
    assert (
        verwerkingenlog("--version").stdout
        == f"verwerkingenlogging-register {version('verwerkingenlogging-register')}, tables of version {HEAD}\n"
    )


def test_a_name_is_given_out_once(verwerkingenlog: Run) -> None:
    verwerkingenlog("client", "add", "een")
    again = verwerkingenlog("client", "add", "een")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == "verwerkingenlog: client een: already registered; choose another name\n"
    assert verwerkingenlog("token", "twee").stderr.startswith("verwerkingenlog: client twee: not registered")


def test_a_short_secret_is_refused_and_a_secret_is_never_shown() -> None:
    with pytest.raises(ConfigurationError, match="fewer than 32 bytes"):
        Client(name="een", secret="x" * 31)
    assert "geheim" not in repr(Client(name="een", secret="geheim" * 6, scopes=frozenset({Scope.READ_NORMAL})))


def test_a_database_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    path.touch(0o600)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=rf"has mode 0640, so others can read it; run: chmod 600 {path}"):
        prepare(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    path.write_bytes(b"geen database, maar wel lang genoeg om er een te lijken" * 100)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="is not a usable SQLite database"):
        prepare(path)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": "https://x?y"}, "base_url"),
        ({"base_url": "https://u:p@x"}, "base_url"),
        ({"base_url": "https://[x"}, "base_url"),
        ({"objecttypen": frozenset()}, "objecttypen"),
        ({"tijdzone": "../x"}, "tijdzone"),
        ({"body_limit": 0}, "body_limit"),
        ({"queue_limit": 0}, "queue_limit"),
        ({"header_limit": 0}, "header_limit"),
        ({"batch_body_limit": -1}, "batch_body_limit"),
        ({"rate_limit": -1}, "rate_limit"),
        ({"rate_limit": float("inf")}, "rate_limit"),
        ({"rate_burst": 0}, "rate_burst"),
    ],
)
def test_a_wrong_setting_is_named(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"setting {message}: "):
        Settings(**setting)


@pytest.mark.parametrize("base_url", ["https://log.nl", "https://log.nl/", "https://log.nl/api/v1", "https://log.nl/api/v1/"])
def test_the_base_path_may_be_part_of_the_base_url(base_url: str) -> None:
    assert Settings(base_url=base_url, inzage_activiteit=UUID(int=0)).base_url == "https://log.nl"
