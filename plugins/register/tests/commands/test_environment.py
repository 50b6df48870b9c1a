"""Variables of the environment that set nothing: a misspelt one would be passed over, and the register run otherwise than was meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import Result

Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VERWERKINGENLOG_DATABSE", "VERWERKINGENLOG_DATABASE"),
        ("VERWERKINGENLOG_RATELIMIT", "VERWERKINGENLOG_RATE_LIMIT"),
        ("VERWERKINGENLOG_CLIENT_SECRETS", "VERWERKINGENLOG_CLIENT_SECRET"),
        ("VERWERKINGENLOG_TIMEZONE", "VERWERKINGENLOG_TIJDZONE"),
        ("verwerkingenlog_database", "VERWERKINGENLOG_DATABASE"),
        ("VERWERKINGSLOG_DATABASE", "VERWERKINGENLOG_DATABASE"),
        ("VERWERKINGENLOGS_KEYS_COMMAND", "VERWERKINGENLOG_KEYS_COMMAND"),
    ],
)
@pytest.mark.parametrize("command", [("serve",), ("client", "list")], ids=" ".join)
def test_a_misspelt_variable_is_named_with_the_one_that_is_meant(
    verwerkingenlog: Run, command: tuple[str, ...], name: str, meant: str
) -> None:
    done = verwerkingenlog(*command, **{name: "geheim"})
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"verwerkingenlog: environment: {name} is not a setting of the register; is {meant} meant?\n"


@pytest.mark.parametrize("name", ["VERWERKINGENLOG_SERVICE_HOST", "VERWERKINGENLOG_PORT_80_TCP_ADDR"])
def test_what_kubernetes_adds_for_a_service_is_told_apart(verwerkingenlog: Run, name: str) -> None:
    done = verwerkingenlog("client", "list", **{name: "10.0.0.1"})
    assert done.stderr.startswith(f"verwerkingenlog: environment: {name} is of Kubernetes")
    assert "enableServiceLinks: false" in done.stderr


@pytest.mark.parametrize("name", ["VERWERKINGENLOGGING_CLIENT_SECRET", "VERWERKINGENLOGGING_URL", "VERWERKER", "LOG_DATABASE"])
def test_what_is_not_for_the_register_is_left_alone(verwerkingenlog: Run, name: str) -> None:
    assert verwerkingenlog("client", "add", "een", **{name: "x"}).exit_code == 0


def test_every_setting_of_every_command_may_be_there(verwerkingenlog: Run) -> None:
    settings = {"VERWERKINGENLOG_REVEAL_ACTIVITEIT": "x", "VERWERKINGENLOG_SERVER_ROLE": "x", "VERWERKINGENLOG_METRICS_PORT": "x"}
    assert verwerkingenlog("client", "add", "een", VERWERKINGENLOG_CLIENT_SECRET="x" * 32, **settings).exit_code == 0
