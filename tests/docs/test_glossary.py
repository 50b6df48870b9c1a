"""The words: every attribute of the information model is in the glossary, and every Dutch word in a public name."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import verwerkingenlogging
from verwerkingenlogging.model import RegisteredVerwerkingsactie, RegisteredVerwerktObject, VerwerktSoortGegeven

GLOSSARY = (Path(__file__).parents[2] / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
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
    terms = re.findall(r"^\| ([\w ,]+) \| [\w ]+ \|", GLOSSARY.split("## Engineering words")[0], re.MULTILINE)
    dutch = {word for term in terms for word in re.findall(r"\w+", term.lower())}
    plurals = {word + "en" for word in dutch} | {"gegevens"}
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    assert [word for word in words if word.removeprefix("a") not in ENGLISH and word not in ENGLISH | dutch | plurals] == []


def engineering_words() -> dict[str, list[str]]:
    """Of each word of the field the modules where it is."""
    (table,) = re.findall(r"^## Engineering words\n(.*?)(?=^## )", GLOSSARY, re.DOTALL | re.MULTILINE)
    rows = re.findall(r"^\| ([\w -]+) \| [^|`]{20,}.* \| (`[^|]+`) \|$", table, re.MULTILINE)
    return {word: re.findall(r"`([^`]+)`", where) for word, where in rows if word != "word"}


def source_of(module: str) -> str:
    """The text of ``module``, or of all that is in it when it is a package, after its name."""
    root = Path(__file__).parents[2]
    places = [place / module.replace(".", "/") for place in (root / "src", *root.glob("plugins/*/src"))]  # also where it is not installed
    files = [file for place in places for file in (place.with_suffix(".py"), *place.rglob("*.py")) if file.exists()]
    assert files, module
    return " ".join([module, *(file.stem + file.read_text(encoding="utf-8") for file in files)])


@pytest.mark.parametrize("word", engineering_words())
def test_every_engineering_word_is_where_the_glossary_says_it_is(word: str) -> None:
    written = re.compile(re.sub("[ -]", "[ _-]?", word.removesuffix("y")), re.IGNORECASE)
    assert [module for module in engineering_words()[word] if not written.search(source_of(module))] == []


def test_the_glossary_has_the_words_of_the_field_that_name_modules() -> None:
    fixed = {"transactional outbox", "relay", "segment", "group commit", "dead letter", "quota", "checkpoint", "repository"}
    fixed |= {"handler", "dependency", "cursor"}
    assert engineering_words().keys() >= fixed
    assert list(engineering_words()) == sorted(engineering_words(), key=str.lower)
