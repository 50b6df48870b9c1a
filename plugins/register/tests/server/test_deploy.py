"""The Containerfile and the systemd unit: what they name is there, and does what they want of it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import requires
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import Result

from verwerkingenlogging_register._commands.main import app
from verwerkingenlogging_register._server import processes

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Server

ROOT = Path(__file__).parents[4]
DEPLOY = ROOT / "plugins" / "register" / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", "")
UNIT = (DEPLOY / "verwerkingenlog.service").read_text(encoding="utf-8")
OURS = {"verwerkingenlogging", "verwerkingenlogging-register"}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.*)$", CONTAINERFILE, re.MULTILINE)


def unit_setting(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def options_of_serve() -> list[Any]:
    group: Any = typer.main.get_command(app)
    return list(group.commands["serve"].params)


def locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def needed(name: str, extras: set[str], found: set[str]) -> set[str]:
    """Everything that an image of Linux and CPython needs for ``name``."""
    for text in requires(name) or []:
        requirement = Requirement(text)
        environments = [{"extra": extra, "sys_platform": "linux", "platform_system": "Linux"} for extra in extras or {""}]
        if requirement.marker is None or any(requirement.marker.evaluate(environment) for environment in environments):
            other = canonicalize_name(requirement.name)
            if other not in found:
                found.add(other)
                needed(other, requirement.extras, found)
    return found


def test_the_image_gets_every_dependency_in_the_version_that_was_tested() -> None:
    image, tested = locked(DEPLOY / "requirements.txt"), locked(ROOT / "requirements" / "dev.txt")
    assert needed("verwerkingenlogging-register", {"postgresql"}, set()) - OURS <= image.keys(), "run: make lock"
    assert {name: tested.get(name) for name in image} == image, "run: make lock"


def test_what_the_containerfile_copies_and_names_is_there() -> None:
    copied = [shlex.split(line)[:-1] for line in instructions("COPY") if "--from" not in line]
    assert len(copied) == 4
    assert all((ROOT / source).exists() for sources in copied for source in sources)
    settings = re.findall(r"VERWERKINGENLOG_[A-Z_]+", CONTAINERFILE)
    assert len(set(settings)) == 2
    assert set(settings) <= {option.envvar for option in options_of_serve()}
    (port,) = instructions("EXPOSE")
    assert int(port) == next(option.default for option in options_of_serve() if option.name == "port")


def test_the_image_and_the_unit_run_commands_that_exist(verwerkingenlog: Callable[..., Result]) -> None:
    (program,), (arguments,) = instructions("ENTRYPOINT"), instructions("CMD")
    commands = [
        [*json.loads(program), *json.loads(arguments)],
        shlex.split(unit_setting("ExecStartPre")),
        shlex.split(unit_setting("ExecStart")),
    ]
    for path, *given in commands:
        assert Path(path).name == "verwerkingenlog"
        assert verwerkingenlog(*given, "--help").exit_code == 0
    assert int(unit_setting("TimeoutStopSec")) > processes._GRACE_SECONDS + processes._PATIENCE_SECONDS


def test_a_register_whose_database_is_away_for_long_is_started_again_still() -> None:
    """systemd gives up after five starts in ten seconds, unless it is told not to."""
    assert (unit_setting("Restart"), unit_setting("StartLimitIntervalSec")) == ("always", "0")


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_the_health_check_of_the_image_tells_a_living_register_from_a_dead_one(server: Server) -> None:
    (check,) = instructions("HEALTHCHECK")
    python, *code = json.loads(check.partition("CMD ")[2])
    assert python == "python"

    def status() -> int:
        environment = {"VERWERKINGENLOG_PORT": str(server.port), "http_proxy": "http://127.0.0.1:1"}
        return subprocess.run([sys.executable, *code], env=environment, capture_output=True, check=False).returncode

    server.start()
    assert status() == 0
    server.kill()
    assert status() != 0


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here")
    unit = tmp_path / "verwerkingenlog.service"
    here = str(Path(sys.executable).with_name("verwerkingenlog"))
    unit.write_text(UNIT.replace("/opt/verwerkingenlog/bin/verwerkingenlog", here), encoding="utf-8")
    done = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    about_ours = [line for line in done.stderr.splitlines() if "verwerkingenlog.service" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_the_proxies_of_the_manual_let_through_what_the_register_takes_and_log_no_query_string() -> None:
    page = (ROOT / "docs" / "how-to" / "run-on-postgresql.md").read_text(encoding="utf-8")
    (nginx,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", nginx)
    assert int(megabytes) * 1024 * 1024 > next(option.default for option in options_of_serve() if option.name == "batch_body_limit")
    assert re.search(r"access_log off;\s+error_log \S+ crit;", nginx)  # an upstream that is away is an error, with the whole request
    (caddy,) = re.findall(r"Caddy:\n\n```\n(.*?)```", page, re.DOTALL)
    assert r'request>uri regexp \?.* ""' in caddy
    assert "max_size" not in caddy
