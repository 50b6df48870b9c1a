"""Clients that three generators make of the official descriptions do every operation, on the register as it comes (C9).

``.ci/clients`` installs the generators and runs this. Each client posts, reads, changes and puts back, searches, inspects, changes a
whole verwerking and deletes, with the values of the standard's own examples. Those of TypeScript are compiled too, and the one of
hey-api validates all that it sends and gets.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.model.test_model import FULL_JSON

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Server

ROOT = Path(__file__).parents[4]
OFFICIAL = ROOT.parent / "shared" / "standard" / "oas"
CLIENTS = Path(__file__).parents[1] / "clients"
PYTHON = ROOT / os.environ.get("CLIENTS_VENV", ".venv-clients") / "bin"
# Inzage wants to know who asks and why: the standard's text says so, and its description does not (X16).
HEADERS = {
    "OIN": "00000001821002193000",
    "VerwerkingsactiviteitId": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
    "VerwerkingsactiviteitUrl": "https://var.example/5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
}
MINIMAL = {
    "vertrouwelijkheid": "normaal",
    "tijdstip": "2024-04-05T14:35:42+01:00",
    "verwerkteObjecten": [{"objecttype": "persoon", "soortObjectId": "BSN", "objectId": "1234567"}],
}
pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # what they get is the same on every database


def example(schemas: dict[str, Any], name: str) -> dict[str, Any]:
    """What the official description gives as an example of each attribute that a client may say."""
    properties = schemas[name]["properties"].items()
    return {attribute: schema["example"] for attribute, schema in properties if "example" in schema and not schema.get("readOnly")}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two official descriptions, the values to try, and nothing generated yet."""
    if "CLIENTS_VENV" not in os.environ:
        pytest.skip("generating clients is a leg of its own: .ci/clients")
    if not OFFICIAL.exists():
        pytest.skip("the official descriptions are not beside this repository (../shared/standard/oas)")
    folder = tmp_path_factory.mktemp("clients")
    for api in ("bewerking", "inzage"):
        (folder / f"{api}.yaml").write_text((OFFICIAL / f"{api}-api.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    schemas = yaml.safe_load((folder / "bewerking.yaml").read_text(encoding="utf-8"))["components"]["schemas"]
    persoon = {"objecttype": "persoon", **example(schemas, "VerwerktObjectBasis"), "verwerkteSoortenGegevens": [{"soortGegeven": "BSN"}]}
    official = {**example(schemas, "Verwerkingsactie"), "verwerkteObjecten": [persoon]}
    examples = {"bodies": [MINIMAL, FULL_JSON, official], "headers": HEADERS}
    (folder / "examples.json").write_text(json.dumps(examples), encoding="utf-8")
    return folder


def run(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def in_python(described: Path) -> Path:
    """The folder, with what openapi-python-client makes."""
    generator = PYTHON / "openapi-python-client"
    if not generator.exists():
        pytest.skip("openapi-python-client is not installed: .ci/clients does it")
    # Two of the official schemas have one title, of which this generator makes a name, and then it leaves out the POST.
    text = (described / "bewerking.yaml").read_text(encoding="utf-8")
    twice = "    VerwerkingsactieUitgebreidBasis:\n      title: Verwerkingsactie uitgebreid\n"
    assert twice in text
    (described / "one_title_each.yaml").write_text(text.replace(twice, twice[:-1] + " basis\n"), encoding="utf-8")
    for api, of in (("bewerking", "one_title_each.yaml"), ("inzage", "inzage.yaml")):
        run(described, generator, "generate", "--path", of, "--output-path", f"py_{api}", "--meta", "none")
    shutil.copy(CLIENTS / "python_client.py", described)
    return described


@pytest.fixture(scope="module")
def in_typescript(described: Path) -> Path:
    """The folder, with what openapi-typescript and hey-api make, compiled."""
    if shutil.which("node") is None or not (CLIENTS / "node_modules").exists():
        pytest.skip("the generators of TypeScript are not installed: .ci/clients does it, where there is npm")
    for name in ("generate.mjs", "tsconfig.json", "hey_api.ts", "openapi_fetch.ts", "package.json"):
        shutil.copy(CLIENTS / name, described)
    (described / "node_modules").symlink_to(CLIENTS / "node_modules")
    run(described, "node", "generate.mjs", described)
    run(described, "node", "node_modules/typescript/bin/tsc", "--project", "tsconfig.json")
    return described


@pytest.fixture
def register(server: Server) -> tuple[str, str, str]:
    """The register as it comes, with its address, a token and the values to try."""
    server.start()
    return server.url, server.token, "examples.json"


def test_openapi_python_client_does_every_operation(in_python: Path, register: tuple[str, str, str]) -> None:
    said = run(in_python, PYTHON / "python", "python_client.py", *register)
    assert said == "openapi-python-client: 3 times every operation\n"


@pytest.mark.parametrize(("script", "said"), [("openapi_fetch", "openapi-fetch"), ("hey_api", "hey-api")])
def test_a_client_in_typescript_does_every_operation(in_typescript: Path, register: tuple[str, str, str], script: str, said: str) -> None:
    assert run(in_typescript, "node", f"out/{script}.js", *register) == f"{said}: 3 times every operation\n"
