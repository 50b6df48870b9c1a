"""What a release uploads: the built distributions hold all of their packages and nothing else, and say what they are."""

from __future__ import annotations

import email
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "verwerkingenlogging": ROOT,
    "verwerkingenlogging-starlette": ROOT / "plugins" / "starlette",
    "verwerkingenlogging-django": ROOT / "plugins" / "django",
    "verwerkingenlogging-register": ROOT / "plugins" / "register",
    "verwerkingenlogging-examples": ROOT / "examples",
}
LICENSE = (ROOT / "LICENSE").read_bytes()


def pyproject(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDERS[name] / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=FOLDERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def built(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a distribution was built, by the command that ``make dist`` has."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(FOLDERS[name])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def wheel(built: Path) -> zipfile.ZipFile:
    (found,) = built.glob("*.whl")
    return zipfile.ZipFile(found)


@pytest.fixture
def metadata(wheel: zipfile.ZipFile) -> Message:
    (found,) = (path for path in wheel.namelist() if path.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(found))


def test_pypi_takes_what_is_built(built: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *built.iterdir()], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_wheel_has_every_file_of_the_packages_that_are_declared_and_no_other(name: str, wheel: zipfile.ZipFile) -> None:
    packages = [FOLDERS[name] / package for package in pyproject(name)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
    assert sorted(packages) == sorted(path for path in (FOLDERS[name] / "src").iterdir() if any(path.glob("*.py")))
    files = (path for package in packages for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    inside = [path for path in wheel.namelist() if ".dist-info/" not in path]
    assert sorted(inside) == sorted(path.relative_to(FOLDERS[name] / "src").as_posix() for path in files)
    assert [package.name for package in packages if f"{package.name}/py.typed" not in inside] == []


def test_an_sdist_has_what_its_wheel_is_built_from_and_no_test(built: Path) -> None:
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as sdist:
        top = {path.split("/")[1] for path in sdist.getnames()}
    assert top - {"CHANGELOG.md", "deploy"} == {".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "src"}


def test_a_wheel_bears_the_licence(wheel: zipfile.ZipFile, metadata: Message) -> None:
    (found,) = (path for path in wheel.namelist() if path.endswith(".dist-info/licenses/LICENSE"))
    assert (metadata["License-Expression"], wheel.read(found)) == ("EUPL-1.2", LICENSE)


def test_the_metadata_say_whose_it_is_what_it_is_for_and_where_more_is_found(name: str, metadata: Message) -> None:
    assert metadata["Name"] == name
    assert metadata["Author"] == "the authors of verwerkingenlogging"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Summary"].endswith(".")
    assert {"AVG", "doelbinding"} <= {*metadata["Keywords"].split(",")}
    links = dict(link.split(", ") for link in metadata.get_all("Project-URL", []))
    assert set(links) == {"Homepage", "Documentation", "Repository", "Issues", "Changelog", "Security"}
    files = [link.partition("/blob/main/")[2] for link in links.values()]
    assert [file for file in files if file and not (ROOT / file).is_file()] == []
    versions = {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)}
    assert versions | {"Typing :: Typed", "Natural Language :: Dutch"} <= {*metadata.get_all("Classifier", [])}


def test_only_the_examples_cannot_be_uploaded(name: str, metadata: Message) -> None:
    private = "Private :: Do Not Upload" in metadata.get_all("Classifier", [])
    assert private == (name == "verwerkingenlogging-examples")


def test_all_distributions_have_one_version() -> None:
    publiccode = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    assert {pyproject(name)["project"]["version"] for name in FOLDERS} == {publiccode["softwareVersion"]}


def test_every_copy_of_the_licence_is_the_same() -> None:
    copies = [ROOT / "LICENSES" / "EUPL-1.2.txt", *(folder / "LICENSE" for folder in FOLDERS.values())]
    assert [str(copy) for copy in copies if copy.read_bytes() != LICENSE] == []
