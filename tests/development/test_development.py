"""What those meet who take part: hooks, templates and the list of who reviews what are files that work, and agree with each other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / ".pre-commit-config.yaml"
FORMS = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]


def test_pre_commit_takes_its_configuration() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(HOOKS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_commit_is_checked_by_the_tools_of_make_lint() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (lint,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    hooks = [hook["entry"] for repo in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))["repos"] for hook in repo["hooks"]]
    assert {*re.findall(r"\.venv/bin/(\S+)", "\n".join(hooks))} == {*re.findall(r"\$\(BIN\)/(\S+)", lint)}


def test_every_folder_that_has_reviewers_is_there() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = [line.split() for line in lines if line and not line.startswith("#")]
    assert [folder for folder, *_ in owned if folder != "*" and not (ROOT / folder.strip("/")).exists()] == []
    maintainers = (ROOT / "MAINTAINERS.md").read_text(encoding="utf-8")
    assert {team for _, *teams in owned for team in teams} == {*re.findall(r"^\| `(@\S+)` \|", maintainers, re.MULTILINE)}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_for_issues_asks_for_what_it_needs(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] and field["id"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


@pytest.mark.parametrize(
    "page", ["MAINTAINERS.md", "GOVERNANCE.md", "CODE_OF_CONDUCT.md", "SECURITY.md", "docs/how-to/release.md", ".editorconfig"]
)
def test_the_page_for_who_takes_part_leads_to_all_of_these(page: str) -> None:
    assert f"({page})" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
