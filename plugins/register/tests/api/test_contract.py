"""What schemathesis finds, on the official descriptions and on our own; and what the linter of the API Design Rules finds.

Every deviation that is accepted stands in ``_EXPLAINED`` with its number; docs/reference/deviations.md says why.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Server

STANDARD = Path(__file__).parents[5] / "shared" / "standard"
SPECTRAL = Path(sys.prefix) / "spectral"
EXAMPLES = 4


@dataclass(frozen=True)
class Finding:
    """A check that failed: on which operation, and what was answered."""

    check: str
    method: str
    path: str
    status: int
    message: str
    params: tuple[tuple[str, str], ...]
    official: bool


_NAMES = {
    "actieNaam", "handelingNaam", "verwerkingNaam", "systeem", "gebruiker", "gegevensbron", "soortAfnemerId", "soortObjectId", "objectId",
    "betrokkenheid", "soortGegeven",
}  # fmt: skip
_PERSOON = {"objecttype", "soortObjectId", "objectId"}


def _explained_param(found: Finding, name: str, code: str) -> str | None:
    """The number of the decision by which this parameter is refused, where a schema cannot say so, or the official one does not."""
    name = name.rpartition(".")[2]
    zoek = found.path.endswith("/_zoek")
    rules = {
        "X02": name in {"actieId", "verwerkingId", "verwerkingIdAfnemer"} and code in {"unknown", "vervallen"},
        "X12": (found.method, name, code) == ("PUT", "actieId", "invalid") and not found.official,
        "X13": (found.method, name) == ("PUT", "verwerktObjectId") and code in {"unknown", "invalid"},
        "X22": (name, code) == ("uitvoerder", "invalid") and found.official,
        "X23": (name, code) == ("afnemerId", "invalid"),
        "X28": (name, code) in {("verwerkingIdAfnemer", "invalid"), ("verwerkingId", "required")} and not found.official,
        "X40": (name, code) == ("eindDatum", "invalid"),
        "X43": code == "unknown" and found.method in {"PUT", "PATCH"} and found.official,
        "X45": (found.method, name, code) == ("PATCH", "body", "required"),
        "X56": name in {"cursor", "page"} and code == "invalid" and not found.official,
        "empty": name in {*_PERSOON, "soortGegeven"} and code == "required" and found.official,
        "D9": name in _PERSOON and code == "required" and (zoek or found.method == "GET"),
        "D11": name in _NAMES and code == "invalid" and found.official,
    }
    return next((number for number, applies in rules.items() if applies), None)


def _explained(found: Finding) -> str | None:
    """The number of the decision by which this is no failure; None when there is none."""
    if found.status == 400 and found.params and found.check in {"positive_data_acceptance", "status_code_conformance"}:
        numbers = [_explained_param(found, name, code) for name, code in found.params]
        if found.check == "status_code_conformance":  # the official DELETE lists no 400
            return "X02" if (found.method, found.official) == ("DELETE", True) else None
        return None if None in numbers else ", ".join(sorted(set(map(str, numbers))))
    rules = {
        "X58": found.check == "positive_data_acceptance" and found.status == 422 and not found.official,
        "X59": found.check == "negative_data_rejection" and found.path.endswith("/_batch") and found.status == 200 and "in body" in found.message,
        "D4": found.check == "negative_data_rejection" and (found.method, found.status) == ("PATCH", 204) and "vertrouwelijkheid" in found.message,
        "D11": found.check == "negative_data_rejection" and found.status == 413,
        "historie": found.check == "use_after_free" and found.path.endswith("/historie"),
    }  # fmt: skip
    return next((number for number, applies in rules.items() if applies), None)


def findings(schema: Any, server: Server, *, official: bool) -> Iterator[Finding]:
    """Everything that schemathesis holds against the register."""
    schema.config.update(base_url=server.url, headers={"Authorization": f"Bearer {server.token}"})
    schema.config.generation.update(max_examples=EXAMPLES, no_shrink=True, deterministic=True, database="none")
    # The limits of each parameter are tried on one kind of database: what is beyond them never reaches any.
    thorough = isinstance(server.place.location, Path)
    schema.config.phases.coverage.enabled = thorough
    tried = 0
    for event in from_schema(schema).execute():
        assert not isinstance(event, (events.NonFatalError, events.FatalError)), event
        if not isinstance(event, events.ScenarioFinished):
            continue
        tried += len(event.recorder.cases)
        for case_id, checks in event.recorder.checks.items():
            for check in checks:
                if check.status is Status.FAILURE:
                    case, interaction = event.recorder.cases[case_id].value, event.recorder.interactions[case_id]
                    assert check.failure_info is not None
                    assert interaction.response is not None
                    yield Finding(
                        check=check.name,
                        method=case.method,
                        path=case.path,
                        status=interaction.response.status_code,
                        message=check.failure_info.failure.message,
                        params=params_in(interaction.response.content),
                        official=official,
                    )
    assert tried > (100 if thorough else 20)


def params_in(content: bytes | None) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((fault["name"], fault["code"]) for fault in json.loads(content or b"")["invalidParams"])
    except (ValueError, KeyError, TypeError):
        return ()


def loaded(description: dict[str, Any] | Path) -> Any:
    config = SchemathesisConfig(seed=20241105)
    if isinstance(description, Path):
        return schemathesis.openapi.from_path(description, config=config)
    return schemathesis.openapi.from_dict(description, config=config)


def test_our_own_description_is_kept(server: Server) -> None:
    server.start()
    description = httpx2.get(f"{server.url}/openapi.json").json()
    assert [found for found in findings(loaded(description), server, official=False) if _explained(found) is None] == []


@pytest.mark.parametrize("name", ["bewerking-api.yaml", "inzage-api.yaml"])
def test_the_official_descriptions_are_kept(server: Server, name: str) -> None:
    path = STANDARD / "oas" / name
    if not path.exists():
        pytest.skip("the official descriptions are not beside this repository (../shared/standard/oas)")
    server.start("--no-require-inzage-headers")  # X16: they do not know of them
    assert [found for found in findings(loaded(path), server, official=True) if _explained(found) is None] == []


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the description is the same on every database
def test_the_linter_of_the_api_design_rules_finds_nothing(server: Server, tmp_path: Path) -> None:
    rules = STANDARD / "adr-linter.yaml"
    if not rules.exists():
        pytest.skip("the rules are not beside this repository (../shared/standard/adr-linter.yaml)")
    linter = SPECTRAL / "node_modules" / ".bin" / "spectral"
    if not linter.exists():
        if shutil.which("npm") is None:
            pytest.skip("the linter needs Node, and there is no npm here")
        SPECTRAL.mkdir(exist_ok=True)
        install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(SPECTRAL), "@stoplight/spectral-cli@6.16.3"]
        if subprocess.run(install, capture_output=True, timeout=90, check=False).returncode:
            pytest.skip("npm could not install @stoplight/spectral-cli")
    server.start("--base-url", "https://log.example.nl")
    description = tmp_path / "openapi.json"
    description.write_bytes(httpx2.get(f"{server.url}/openapi.json").content)
    command = [str(linter), "lint", "--ruleset", str(rules), "--format", "json", "--quiet", str(description)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout) == [], done.stdout
