"""Registering, rotating and revoking clients: what is decided counts at once, and stays known (A9726)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from plugins.register.tests import engines
from typer.testing import Result

from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_register._access.client_lookup import Clients
from verwerkingenlogging_register._access.clients import Client
from verwerkingenlogging_register._database.quick_reader import QuickReader
from verwerkingenlogging_register._keys.key_file import KeySource
from verwerkingenlogging_register._keys.protection import Keys
from verwerkingenlogging_register._model.scopes import Scope

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place, Server

Run = Callable[..., Result]
QUESTION = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "2308572"}
OLD, NEW = "een-oud-geheim-van-meer-dan-32-bytes", "een-nieuw-geheim-van-meer-dan-32-bytes"


def test_a_client_is_rotated_and_revoked_by_command(verwerkingenlog: Run) -> None:
    first = verwerkingenlog("client", "add", "een", "--scope", "read:normal").stdout.strip()
    rotated = verwerkingenlog("client", "rotate", "een")
    second = rotated.stdout.strip()
    assert (rotated.exit_code, rotated.stderr) == (0, "verwerkingenlog: client een has another secret\n")
    assert second != first
    token = verwerkingenlog("token", "een").stdout.strip()
    assert jwt.decode(token, second, algorithms=["HS256"])["scope"] == "read:normal"

    revoked = verwerkingenlog("client", "revoke", "een")
    assert (revoked.exit_code, revoked.stdout, revoked.stderr) == (0, "", "verwerkingenlog: client een revoked\n")
    assert verwerkingenlog("client", "list").stdout == ""
    assert verwerkingenlog("token", "een").exit_code == 1


def test_a_revoked_name_can_be_registered_again_with_a_secret_of_its_own(verwerkingenlog: Run) -> None:
    first = verwerkingenlog("client", "add", "een", "--scope", "read:normal").stdout
    verwerkingenlog("client", "revoke", "een")
    second = verwerkingenlog("client", "add", "een")
    assert (second.exit_code, second.stdout != first) == (0, True)
    assert verwerkingenlog("client", "list").stdout == "een\t-\t-\tsecret\n"


def test_a_given_secret_is_rotated_in_without_being_shown(verwerkingenlog: Run) -> None:
    verwerkingenlog("client", "add", "een")
    assert verwerkingenlog("client", "rotate", "een", VERWERKINGENLOG_CLIENT_SECRET="b" * 40).stdout == ""
    token = verwerkingenlog("token", "een").stdout.strip()
    assert jwt.decode(token, "b" * 40, algorithms=["HS256"])["iss"] == "een"


def test_a_client_of_an_issuer_has_no_secret_to_print_or_rotate(verwerkingenlog: Run) -> None:
    added = verwerkingenlog("client", "add", "portaal", "--issuer", "https://idp.example.nl", "--scope", "read:normal")
    assert (added.exit_code, added.stdout) == (0, "")
    assert verwerkingenlog("client", "list").stdout == "portaal\t-\tread:normal\thttps://idp.example.nl\n"
    assert verwerkingenlog("client", "rotate", "portaal").stderr.startswith(
        "verwerkingenlog: client portaal: has no secret; its issuer signs"
    )
    assert verwerkingenlog("token", "portaal").stderr == "verwerkingenlog: client portaal: its tokens come from https://idp.example.nl\n"


@pytest.mark.parametrize("command", ["revoke", "rotate"])
def test_who_is_not_registered_is_named(verwerkingenlog: Run, command: str) -> None:
    assert verwerkingenlog("client", command, "een").stderr.startswith("verwerkingenlog: setting database: verwerkingenlog.sqlite does not")
    verwerkingenlog("client", "add", "twee")
    assert verwerkingenlog("client", command, "een").stderr.startswith("verwerkingenlog: client een: not registered")


def test_a_short_secret_is_not_rotated_in(verwerkingenlog: Run) -> None:
    verwerkingenlog("client", "add", "een")
    done = verwerkingenlog("client", "rotate", "een", VERWERKINGENLOG_CLIENT_SECRET="kort")
    assert (done.exit_code, "fewer than 32 bytes" in done.stderr) == (1, True)


@pytest.mark.parametrize("who", [{}, {"secret": "x" * 32, "issuer": "https://idp.example.nl"}])
def test_a_client_has_one_of_a_secret_a_public_key_and_an_issuer(who: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="give one of a secret, a public key and an issuer"):
        Client(name="een", **who)


async def test_the_next_request_of_a_revoked_or_rotated_client_is_refused(
    api: Api, token: Callable[..., str], add_client: Callable[[Client], None], change_client: Callable[..., None]
) -> None:
    async def status(secret: str) -> int:
        headers = {"Authorization": f"Bearer {token('een', secret=secret)}"}
        return (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code

    add_client(Client(name="een", scopes=frozenset({Scope.READ_CONFIDENTIAL}), secret=OLD))
    assert [await status(OLD), await status(NEW)] == [200, 401]
    change_client("een", secret=NEW)
    assert [await status(OLD), await status(NEW)] == [401, 200]
    change_client("een", revoked=True)
    assert [await status(OLD), await status(NEW)] == [401, 401]
    add_client(Client(name="een", secret=OLD))
    assert [await status(OLD), await status(NEW)] == [403, 401]


async def test_a_revocation_counts_under_load_too(
    api: Api, token: Callable[..., str], add_client: Callable[[Client], None], change_client: Callable[..., None]
) -> None:
    add_client(Client(name="een", scopes=frozenset({Scope.READ_CONFIDENTIAL}), secret=OLD))
    headers = {"Authorization": f"Bearer {token('een', secret=OLD)}"}

    async def ask() -> int:
        return (await api.http.get("/verwerkingsacties", params=QUESTION, headers=headers)).status_code

    assert set(await asyncio.gather(*[ask() for _ in range(50)])) == {200}
    under_way = [asyncio.ensure_future(ask()) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(change_client, "een", revoked=True)
    after = await asyncio.gather(*[ask() for _ in range(50)])
    await asyncio.gather(*under_way)
    assert set(after) == {401}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # elsewhere a thread looks
async def test_one_look_serves_those_who_had_come_by_then_and_nobody_who_came_later(
    place: Place, add_client: Callable[[Client], None], change_client: Callable[..., None]
) -> None:
    add_client(Client(name="een", secret=OLD))
    keys = Keys(KeySource(file=place.keys))
    with (
        engines.reader(place.location, keys) as reader,
        closing(QuickReader(Path(str(place.location)), keys, seconds=60)) as quick_reader,
        closing(Clients(reader, quick_reader)) as clients,
    ):
        before = time.perf_counter()
        assert await clients.get("een", before) is not None
        change_client("een", revoked=True)
        assert await clients.get("een", before) is not None
        assert await clients.get("een", time.perf_counter()) is None
        assert await clients.get("een") is None


async def test_the_command_reaches_a_register_that_runs(server: Server) -> None:
    server.start()
    async with server.client() as http:
        assert (await http.get("/verwerkingsacties", params=QUESTION)).status_code == 200
        server.command("client", "revoke", "alles")
        assert (await http.get("/verwerkingsacties", params=QUESTION)).status_code == 401
