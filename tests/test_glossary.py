"""The words: every attribute of the information model is in the glossary, and every Dutch word in a public name."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import verwerkingenlogging
from verwerkingenlogging.model import RegisteredVerwerkingsactie, RegisteredVerwerktObject, VerwerktSoortGegeven

GLOSSARY = (Path(__file__).parent.parent / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
ENGLISH = frozenset(
    [
        "any",
        "carried",
        "configuration",
        "error",
        "guard",
        "header",
        "invalid",
        "log",
        "logging",
        "memory",
        "not",
        "outside",
        "context",
        "profile",
        "propagation",
        "recorded",
        "recorder",
        "recording",
        "refused",
        "settings",
        "unavailable",
        "value",
        "vng",
    ]
)


def parts_of_the_model() -> list[type[msgspec.Struct]]:
    return [RegisteredVerwerkingsactie, RegisteredVerwerktObject, VerwerktSoortGegeven]


@pytest.mark.parametrize("json_name", sorted({name for part in parts_of_the_model() for name in part.__struct_encode_fields__}))
def test_every_attribute_of_the_model_is_in_the_glossary(json_name: str) -> None:
    assert f"| `{json_name}` |" in GLOSSARY


def test_the_glossary_has_no_attribute_that_the_model_lacks() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", GLOSSARY, re.MULTILINE))
    assert listed == {name for part in parts_of_the_model() for name in part.__struct_encode_fields__}


@pytest.mark.parametrize("name", verwerkingenlogging.__all__)
def test_every_word_of_a_public_name_is_english_or_in_the_glossary(name: str) -> None:
    terms = re.findall(r"^\| ([\w ,]+) \| [\w ]+ \|", GLOSSARY, re.MULTILINE)
    dutch = {word for term in terms for word in re.findall(r"\w+", term.lower())}
    plurals = {word + "en" for word in dutch} | {"gegevens"}
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    assert [word for word in words if word.removeprefix("a") not in ENGLISH and word not in ENGLISH | dutch | plurals] == []
