"""The explanations hold together: links lead to headings, diagrams can be drawn, decisions have their form, threats their number."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import grimp
import pytest
from tests.docs.test_readme import PAGES, ROOT

EXPLANATION = ROOT / "docs" / "explanation"
DECISIONS = sorted((EXPLANATION / "decisions").glob("[0-9]*.md"))
ARCHITECTURE = (EXPLANATION / "architecture.md").read_text(encoding="utf-8")
SOURCES = [path for folder in ("src", "plugins", "tests", "examples", "crash", "bench") for path in (ROOT / folder).glob("**/*.py")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
A_PAGE = 60
"""Lines of at most 130 characters that a decision has at most."""

NODE = r"""\w+ (?: \(\[ [^\[\]()"]+ \]\) | \[\( [^\[\]()"]+ \)\] | \[/ [^\[\]()"]+ /\] | \[ [^\[\]()"]+ \] )?"""
EDGE = r"(?: --> | -\.-> | <--> ) (?: \| [^|]+ \| )?"
STATEMENTS = {
    "flowchart LR": re.compile(rf"{NODE} (?: \s*{EDGE}\s*{NODE} )* | subgraph\ \w+\ \[ [^\[\]]+ \] | end", re.VERBOSE),
    "sequenceDiagram": re.compile(r"participant \w+ as [\w ]+|\w+--?>>\w+: [^;]+"),
}
STATEMENTS["flowchart TD"] = STATEMENTS["flowchart LR"]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors_of(page: Path) -> set[str]:
    """The anchors that forges make of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    texts = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_section_leads_to_its_heading(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", FENCE.sub("", text_of(page)))
    targets = [(page.parent / name if name else page, anchor) for name, anchor in links]
    assert [(str(target), anchor) for target, anchor in targets if anchor not in anchors_of(target)] == []


def diagrams() -> list[str]:
    return [body for page in PAGES for kind, body in FENCE.findall(text_of(page)) if kind == "mermaid"]


@pytest.mark.parametrize("diagram", diagrams(), ids=lambda diagram: str(diagram.split("\n")[1].strip()))
def test_every_diagram_is_well_formed(diagram: str) -> None:
    kind, *lines = (line.strip() for line in diagram.splitlines() if line.strip())
    assert [line for line in lines if not STATEMENTS[kind].fullmatch(line)] == []
    assert sum(line.startswith("subgraph ") for line in lines) == lines.count("end")


def test_the_architecture_has_a_diagram_of_each_level_and_of_one_request() -> None:
    kinds = [body.split("\n")[0] for kind, body in FENCE.findall(ARCHITECTURE) if kind == "mermaid"]
    assert [kind.split()[0] for kind in kinds] == ["flowchart"] * 4 + ["sequenceDiagram"]


def allowed(diagram: str) -> dict[str, set[str]]:
    """What each node of a flowchart leads to, by whatever way."""
    steps: dict[str, set[str]] = {}
    for line in diagram.splitlines():
        for one, other in pairwise(re.split(r"\s*-->\s*", line)):
            steps.setdefault(one.split("[")[0].strip(), set()).add(other.split("[")[0].strip())
    leads = {node: set(others) for node, others in steps.items()}
    for _ in leads:
        leads = {node: others.union(*(leads.get(other, set()) for other in others)) for node, others in leads.items()}
    return leads


@pytest.mark.parametrize(("package", "first"), [("verwerkingenlogging", "middleware"), ("verwerkingenlogging_register", "commands")])
def test_no_room_imports_another_but_as_the_diagram_of_components_says(package: str, first: str) -> None:
    (leads,) = [leads for diagram in diagrams() if list(leads := allowed(diagram))[:1] == [first]]
    nodes = set(leads).union(*leads.values())
    graph = grimp.build_graph(package)
    imports = {
        tuple(name.removeprefix(f"{package}.").split(".")[0].removeprefix("_") for name in (module, imported))
        for module in graph.modules - {package}
        for imported in graph.find_modules_directly_imported_by(module) - {package}
    }
    drawn = {(room, other) for room, other in imports if room != other and {room, other} <= nodes}
    assert drawn
    assert {(room, other) for room, other in drawn if other not in leads.get(room, set())} == set()


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_question_options_choice_and_consequences_within_a_page(page: Path) -> None:
    text = text_of(page)
    assert text.startswith(f"# {page.stem[:4]}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Question", "Options", "Choice", "Consequences"]
    assert len(text.splitlines()) <= A_PAGE
    assert [line for line in text.splitlines() if len(line) > 130 and not line.startswith(("|", "#"))] == []


def links_of(text: str, page: Path) -> list[Path]:
    return [(page.parent / target).resolve() for target in re.findall(r"\]\(([^)#:]+)[)#]", text)]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_where_it_is_kept(page: Path) -> None:
    (kept,) = re.findall(r"^(Kept in .+)\Z", text_of(page), re.MULTILINE | re.DOTALL)
    assert [path for path in links_of(kept, page) if not path.is_file()] == []
    assert links_of(kept, page)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("where a 503 is made", "status=503"),
        ("where a BSN is sealed", "def seal("),
        ("what happens to a record that the register refuses", "folder.refused"),
    ],
)
def test_a_stranger_finds_it_in_two_steps_from_the_readme(question: str, answer: str) -> None:
    page = EXPLANATION / "architecture.md"
    assert page in links_of(text_of(ROOT / "README.md"), ROOT / "README.md")
    (row,) = [line for line in ARCHITECTURE.splitlines() if line.startswith(f"| {question} |")]
    assert [path for path in links_of(row, page) if path.suffix == ".py" and answer in text_of(path)]


def test_the_index_has_every_decision_in_order() -> None:
    index = text_of(EXPLANATION / "decisions" / "README.md")
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", index, re.MULTILINE)
    assert listed == [(page.stem[:4], page.name, text_of(page).split("\n")[0].removeprefix(f"# {page.stem[:4]}. ")) for page in DECISIONS]
    assert [number for number, _, _ in listed] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


def test_every_threat_that_the_code_names_is_on_the_page() -> None:
    known = set(re.findall(r"^\| (\d+)\w? \|", text_of(EXPLANATION / "threats.md"), re.MULTILINE))
    named = {
        number
        for source in SOURCES
        for numbers in re.findall(r"\bthreats? (\d+(?:(?:-| and |, )\d+)*)", text_of(source))
        for number in re.findall(r"\d+", numbers)
    }
    assert named
    assert named - known == set()
