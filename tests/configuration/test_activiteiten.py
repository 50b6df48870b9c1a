"""Verwerkingsactiviteiten from a file: each organisation its own ids, and every mistake named by file and key."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from verwerkingenlogging import Activiteit, Activiteiten, ConfigurationError

A = "00000001821002193000"
B = "00000099000000001000"
TWO_MUNICIPALITIES = f"""
["{A}"]
brp-registratie = {{ id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf", url = "https://var.a.example/5f0bef4c" }}
["{B}"]
brp-registratie = {{ id = "4f6db294-830d-4d14-b9bd-3c6d17c40d65", bewaartermijn = "P10Y", bewaartermijn_maximum = "P20Y" }}
parkeren = {{ id = "c63bc08f-071d-4dff-aaff-c40525ca4244" }}
"""


def write(folder: Path, content: str, name: str = "activiteiten.toml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_one_name_has_another_id_at_each_organisation(tmp_path: Path) -> None:
    activiteiten = Activiteiten.from_file(write(tmp_path, TWO_MUNICIPALITIES))
    assert activiteiten.organisaties == (A, B)
    assert activiteiten.get(A, "brp-registratie") == Activiteit(
        naam="brp-registratie", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"), url="https://var.a.example/5f0bef4c"
    )
    assert activiteiten.get(B, "brp-registratie") == Activiteit(
        naam="brp-registratie", id=UUID("4f6db294-830d-4d14-b9bd-3c6d17c40d65"), bewaartermijn="P10Y", bewaartermijn_maximum="P20Y"
    )


def test_a_json_file_has_the_same_shape(tmp_path: Path) -> None:
    content = {A: {"brp-registratie": {"id": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"}}}
    activiteiten = Activiteiten.from_file(write(tmp_path, json.dumps(content), "activiteiten.json"))
    assert activiteiten.get(A, "brp-registratie").id == UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")


ID = 'id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "names no organisation"),
        ("not toml", "is not valid TOML"),
        (f'["123"]\nbrp = {{ {ID} }}', "123: must be an OIN of exactly 20 digits"),
        (f'"{A}" = "brp"', r'\["00000001821002193000"\] must be a table'),
        (f'["{A}"]\nbrp = "5f0bef4c"', r'\["00000001821002193000"\]\.brp must be a table with an id'),
        (f'["{A}"]\nbrp = {{ url = "https://x.example" }}', r"\.brp\.id is missing"),
        (f'["{A}"]\nbrp = {{ id = "5f0bef4c" }}', r"\.brp\.id is not a UUID; give the UUID it has in the register"),
        (f'["{A}"]\nbrp = {{ id = 5 }}', r"\.brp\.id is not a UUID"),
        (f'["{A}"]\nbrp = {{ {ID}, url = "nowhere" }}', r"\.brp\.url: must be an absolute URI"),
        (f'["{A}"]\nbrp = {{ {ID}, bewaartermijn = "10" }}', r"\.brp\.bewaartermijn: must be a positive ISO 8601 period"),
        (f'["{A}"]\nbrp = {{ {ID}, bewaartermijn = "P2Y", bewaartermijn_maximum = "P1Y" }}', "bewaartermijn_maximum is shorter"),
        (f'["{A}"]\nbrp = {{ {ID}, doel = "?" }}', r"\.brp\.doel: unknown key; it may have id, url"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"activiteiten\.toml: .*{message}"):
        Activiteiten.from_file(write(tmp_path, content))


def test_a_json_file_that_is_no_object_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"activiteiten\.json: must hold a table"):
        Activiteiten.from_file(write(tmp_path, "[]", "activiteiten.json"))
    with pytest.raises(ConfigurationError, match=r"activiteiten\.json: is not valid JSON"):
        Activiteiten.from_file(write(tmp_path, "{", "activiteiten.json"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: cannot be read"):
        Activiteiten.from_file(tmp_path / "nowhere.toml")


def test_an_unknown_name_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    activiteiten = Activiteiten.from_file(write(tmp_path, TWO_MUNICIPALITIES))
    with pytest.raises(ConfigurationError, match=rf'activiteiten\.toml: \["{A}"\]\.brp-registraties: .*did you mean "brp-registratie"'):
        activiteiten.get(A, "brp-registraties")
    with pytest.raises(ConfigurationError, match="it has brp-registratie"):
        activiteiten.get(A, "zzz")
    with pytest.raises(ConfigurationError, match=r'organisation "00000000000000000000" is not in it'):
        activiteiten.get("0" * 20, "brp-registratie")


def test_what_only_some_organisations_have_is_a_problem_of_the_others(tmp_path: Path) -> None:
    activiteiten = Activiteiten.from_file(write(tmp_path, TWO_MUNICIPALITIES))
    assert activiteiten.problems("brp-registratie") == []
    (problem,) = activiteiten.problems("parkeren")
    assert f'["{A}"].parkeren' in problem


def test_an_organisation_without_activiteiten_says_so() -> None:
    with pytest.raises(ConfigurationError, match="it has none"):
        Activiteiten({A: []}).get(A, "brp")
