"""What is not installed says how to install it, and ApiLog speaks through whichever HTTP library is there."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from verwerkingenlogging.logs._http.certificate_authorities import system_authorities

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

# A finder that stands before all others: for this interpreter these packages are not installed.
WITHOUT = """
import importlib, pkgutil, sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
"""
EVERY_MODULE = """
import verwerkingenlogging
for module in pkgutil.walk_packages(verwerkingenlogging.__path__, "verwerkingenlogging."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        print(module.name, error)
"""


def without(*missing: str, run: str) -> str:
    """What ``run`` prints in a new interpreter that has not got these packages."""
    code = WITHOUT.format(missing=set(missing)) + run
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_can_be_imported_without_the_extras_or_names_the_one_that_it_needs() -> None:
    told = without(
        "anyio",
        "celery",
        "cryptography",
        "google",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "jwt",
        "opentelemetry",
        "pytest",
        "requests",
        run=EVERY_MODULE,
    )
    lines = dict(line.split(" ", 1) for line in told.splitlines())
    assert {name.removeprefix("verwerkingenlogging.") for name in lines} == {
        *("celery", "pytest_plugin", "telemetry.otel_guard", "telemetry.otel_propagator"),
        *(f"logs._http.{name}" for name in ("client_token", "connections", "exchange", "http_library", "name_lookup")),
        *("logs._exporter", "logs.api", "logs.confirmed", "logs.otlp", "logs.spans"),
    }
    for name, message in lines.items():
        for requirement in re.findall(r"pip install '([^']+)'", message):
            extra = re.fullmatch(r"verwerkingenlogging\[(.+)\]", requirement)
            assert requirement == "opentelemetry-exporter-otlp-proto-http" if extra is None else extra[1] in EXTRAS
        assert "pip install" in message or name == "verwerkingenlogging.pytest_plugin", message  # pytest itself asks for that one


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ([], "httpcore2"),
        (["httpcore2"], "httpcore"),
        (["httpcore2", "httpcore"], "httpcore is not installed: pip install 'verwerkingenlogging[api]'"),
        (["jwt"], "jwt is not installed: pip install 'verwerkingenlogging[api]'"),
    ],
)
def test_the_newer_library_is_used_where_both_are_there_and_the_other_where_it_is_alone(missing: list[str], told: str) -> None:
    run = """
try:
    from verwerkingenlogging.logs._http.exchange import core
    import verwerkingenlogging.logs.api
except ModuleNotFoundError as error:
    print(error)
else:
    print(core.__name__)
"""
    assert without(*missing, run=run).strip() == told


def test_all_that_holds_of_apilog_holds_with_the_older_library() -> None:
    """Over again, in an interpreter where it is httpcore that ApiLog speaks through."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/logs/test_log_api.py"]
    environ = {**os.environ, "WITHOUT_HTTPCORE2": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


class TestSystemAuthorities:
    """Whom ApiLog believes, where nothing else was said."""

    @pytest.fixture
    def built_with(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Where Python was told, when it was built, that the authorities are."""

        def places(file: Path, folder: Path) -> None:
            paths = ssl.get_default_verify_paths()._replace(openssl_cafile=str(file), openssl_capath=str(folder))
            monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)

        return places

    def test_are_not_those_of_the_environment(
        self, tmp_path: Path, built_with: Any, monkeypatch: pytest.MonkeyPatch, authority: Path
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        (tmp_path / "empty").write_text("")
        known = system_authorities()
        assert isinstance(known, ssl.SSLContext)
        assert authority.read_text() not in [ssl.DER_cert_to_PEM_cert(each) for each in known.get_ca_certs(binary_form=True)]

    def test_are_in_a_file(self, tmp_path: Path, built_with: Any, authority: Path) -> None:
        built_with(authority, tmp_path / "nowhere")
        known = system_authorities()
        assert isinstance(known, ssl.SSLContext)
        assert [ssl.DER_cert_to_PEM_cert(each) for each in known.get_ca_certs(binary_form=True)] == [authority.read_text()]
        assert (known.check_hostname, known.verify_mode) == (True, ssl.CERT_REQUIRED)

    def test_or_in_a_folder(self, tmp_path: Path, built_with: Any, authority: Path) -> None:
        (tmp_path / "0123abcd.0").symlink_to(authority)
        built_with(tmp_path / "nowhere", tmp_path)
        assert isinstance(system_authorities(), ssl.SSLContext)

    def test_an_empty_folder_is_no_answer(self, tmp_path: Path, built_with: Any) -> None:
        built_with(tmp_path / "nowhere", tmp_path)
        assert system_authorities() is None
        built_with(tmp_path / "nowhere", tmp_path / "nowhere")
        assert system_authorities() is None
