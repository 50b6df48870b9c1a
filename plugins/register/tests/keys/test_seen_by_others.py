"""What others on the machine can see or change: arguments, files, addresses. None of it may hold a secret or decide whom to believe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register import Settings
from verwerkingenlogging_register._database.engines import prepare
from verwerkingenlogging_register._database.location import location_of, shown
from verwerkingenlogging_register._keys.issuers import Issuer, KeySet, load_issuers

Run = Callable[..., Result]
AWAY = "127.0.0.1:1/log"
URLS = [
    f"postgresql://server:geheim@{AWAY}",
    f"postgresql://server:ge%40heim@{AWAY}",
    f"postgres://server:geheim@{AWAY}?sslmode=disable",
    f"postgresql://server@{AWAY}?password=geheim",
    f"postgresql://server@{AWAY}?sslmode=verify-full&sslpassword=geheim",
    "postgresql://server:geheim@[::1/log",
]
COMMANDS = [("serve",), ("client", "list"), ("client", "add", "een"), ("token", "een"), ("migrate",), ("check",), ("purge",), ("hold", "list"), ("keys", "status")]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_password_in_an_argument_is_refused_with_the_remedy_and_not_repeated(verwerkingenlog: Run, url: str) -> None:
    done = verwerkingenlog("client", "list", "--database", url)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "everybody on this machine can see a password in an argument; leave it out and give it in ~/.pgpass" in done.stderr
    assert "heim" not in done.output


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_takes_one(verwerkingenlog: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = verwerkingenlog(*arguments, "--database", URLS[0])
    assert (done.exit_code, "can see a password in an argument" in done.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", URLS[:-1])
def test_in_the_environment_it_is_taken_and_not_shown(verwerkingenlog: Run, url: str) -> None:
    done = verwerkingenlog("client", "list", VERWERKINGENLOG_DATABASE=url)
    assert done.exit_code == 1
    assert "cannot be used" in done.stderr
    assert "heim" not in done.output


def test_an_argument_without_a_password_is_taken(verwerkingenlog: Run) -> None:
    done = verwerkingenlog("client", "list", "--database", f"postgresql://server@{AWAY}?sslmode=disable")
    assert "cannot be used" in done.stderr


def test_a_password_among_the_parameters_is_in_no_text_of_the_settings(tmp_path: Path) -> None:
    location = location_of(f"postgresql://server@{AWAY}?password=geheim&sslmode=disable")
    assert "geheim" not in repr(Settings(database=location, keys=tmp_path / "keys")) + shown(location)
    assert not isinstance(location, Path)
    assert (location.password, dict(location.query)) == ("geheim", {"sslmode": "disable"})


# Files.


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_that_others_can_read_is_not_given_to_a_client(verwerkingenlog: Run, tmp_path: Path, mode: int) -> None:
    (tmp_path / "geheim").write_text("a" * 40)
    (tmp_path / "geheim").chmod(mode)
    for command in ("add", "rotate"):
        done = verwerkingenlog("client", command, "een", "--secret-file", "geheim")
        assert done.exit_code == 1
        assert (
            done.stderr
            == f"verwerkingenlog: setting secret_file: geheim has mode {mode:04o}, so others can read it; run: chmod 600 geheim\n"
        )
        verwerkingenlog("client", "add", "een")


@pytest.mark.parametrize("beside", ["", "-wal", "-shm"])
def test_no_file_of_the_database_may_be_read_by_others(tmp_path: Path, beside: str) -> None:
    path = tmp_path / "log.sqlite"
    prepare(path)
    file = tmp_path / f"log.sqlite{beside}"
    file.touch(0o600)
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match=rf"setting database: {file} has mode 0644, so others can read it; run: chmod 600 {file}"):
        prepare(path)
    file.chmod(0o600)
    prepare(path)


TOML = '[[issuer]]\niss = "https://idp.example.nl"\naud = "log"\njwks = "jwks.json"\n'


def test_who_is_believed_is_not_for_anybody_to_write(tmp_path: Path) -> None:
    """Whoever can add a key or an issuer signs himself what he likes."""
    (tmp_path / "issuers.toml").write_text(TOML)
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    issuer = Issuer(iss="https://idp.example.nl", aud="log", jwks=str(tmp_path / "jwks.json"))
    looks: dict[str, Callable[[], Any]] = {
        "issuers.toml": lambda: load_issuers(tmp_path / "issuers.toml"),
        "jwks.json": lambda: KeySet(issuer),
    }
    for name, look in looks.items():
        (tmp_path / name).chmod(0o644)
        look()
        (tmp_path / name).chmod(0o646)
        with pytest.raises(ConfigurationError, match=rf"setting issuers: .*{name} has mode 0646, so anybody can change it .* chmod o-w "):
            look()


def test_a_public_key_that_anybody_could_have_put_there_is_not_registered(verwerkingenlog: Run, tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_text("-----BEGIN PUBLIC KEY-----")
    (tmp_path / "public.pem").chmod(0o666)
    assert "so anybody can change it" in verwerkingenlog("client", "add", "een", "--public-key", "public.pem").stderr


async def test_a_file_of_keys_that_becomes_anybodys_is_not_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    keys = KeySet(Issuer(iss="https://idp.example.nl", aud="log", jwks=str(tmp_path / "jwks.json")))
    (tmp_path / "jwks.json").chmod(0o666)
    keys._read_at -= 301
    assert keys.get("een", "RS256") is None
    assert "the keys of issuer https://idp.example.nl cannot be read" in caplog.text


@pytest.mark.parametrize("jwks", ["https://naam:geheim@idp.example.nl/certs", "http://naam:geheim@127.0.0.1:9/certs"])
def test_no_address_of_keys_holds_a_password(jwks: str) -> None:
    with pytest.raises(ConfigurationError, match="an address with https and without a password") as refused:
        Issuer(iss="https://idp.example.nl", aud="log", jwks=jwks)
    assert "geheim" not in str(refused.value)


def test_what_stands_behind_the_address_of_keys_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match=r"it must be there when the register starts: http://127\.0\.0\.1:9/certs$") as refused:
        KeySet(Issuer(iss="https://idp.example.nl", aud="log", jwks="http://127.0.0.1:9/certs?sleutel=geheim"))
    assert "geheim" not in str(refused.value)
