"""Settings from keyword arguments, a file and the environment; a mistake stops the start and names its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from verwerkingenlogging import Activiteiten, ConfigurationError, Settings

OIN = "00000001821002193000"
ACTIVITEITEN = f'["{OIN}"]\nbrp = {{ id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "activiteiten.toml").write_text(ACTIVITEITEN)
    return tmp_path


def test_a_file_says_everything_and_its_paths_lie_beside_it(folder: Path) -> None:
    (folder / "verwerkingenlogging.toml").write_text(
        f"""
        oin = "{OIN}"
        activiteiten = "activiteiten.toml"
        systeem = "FooBarApp v2.1"
        gegevensbron = "FooBar Database"
        uitvoerder = "00000099123456780000"
        bewaartermijn = "P10Y"
        objecttypen = ["persoon", "adresseerbaar-object"]
        vertrouwelijk_from = ["{OIN}"]
        """
    )
    settings = Settings.from_file(folder / "verwerkingenlogging.toml")
    assert settings.oin == OIN
    assert settings.activiteiten.get(OIN, "brp").naam == "brp"
    assert (settings.systeem, settings.gegevensbron, settings.uitvoerder) == ("FooBarApp v2.1", "FooBar Database", "00000099123456780000")
    assert settings.bewaartermijn == "P10Y"
    assert settings.objecttypen == frozenset({"persoon", "adresseerbaar-object"})
    assert settings.vertrouwelijk_from == frozenset({OIN})


def test_the_environment_says_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {
        "VERWERKINGENLOGGING_OIN": OIN,
        "VERWERKINGENLOGGING_ACTIVITEITEN": str(folder / "activiteiten.toml"),
        "VERWERKINGENLOGGING_OBJECTTYPEN": "persoon, kadastraal-object",
        "VERWERKINGENLOGGING_SYSTEEM": "",
        "PATH": "/bin",
    }
    settings = Settings.from_env(environ)
    assert (settings.oin, settings.systeem) == (OIN, None)
    assert settings.objecttypen == frozenset({"persoon", "kadastraal-object"})
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Settings.from_env().oin == OIN


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"oin": "123"}, "setting oin: must be an OIN"),
        ({"oin": "0" * 20}, 'organisation "00000000000000000000" is not in it'),
        ({"systeem": "x" * 243}, "setting systeem: must have at most 242 characters"),
        ({"gegevensbron": ""}, "setting gegevensbron: must not be empty"),
        ({"uitvoerder": "1"}, "setting uitvoerder"),
        ({"bewaartermijn": "10"}, "setting bewaartermijn"),
        ({"objecttypen": frozenset({"Persoon"})}, "setting objecttypen"),
        ({"vertrouwelijk_from": frozenset({"1"})}, "setting vertrouwelijk_from"),
    ],
)
def test_a_wrong_setting_is_named(folder: Path, changed: dict[str, Any], message: str) -> None:
    given = {"oin": OIN, "activiteiten": Activiteiten.from_file(folder / "activiteiten.toml"), **changed}
    with pytest.raises(ConfigurationError, match=message):
        Settings(**given)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('oin = "1"', r"settings\.toml: activiteiten is missing"),
        ('activiteiten = "activiteiten.toml"', r"settings\.toml: oin is missing"),
        (f'oin = "{OIN}"\nactiviteiten = "gone.toml"', r"settings\.toml: .*gone\.toml: cannot be read"),
        (f'oin = "{OIN}"\nactiviteiten = 5', r"settings\.toml: activiteiten must be the path of a file"),
        (f'oin = "{OIN}"\nactiviteiten = "activiteiten.toml"\nsysteem = 5', r"settings\.toml: setting systeem: must be text"),
        (f'oin = "{OIN}"\nactiviteiten = "activiteiten.toml"\nobjecttypen = "persoon"', r"setting objecttypen: must be a list of texts"),
        (
            f'oin = "{OIN}"\nactiviteiten = "activiteiten.toml"\nobjecttypen = [["persoon"]]',
            r"setting objecttypen: must be a list of texts",
        ),
        (
            f'oin = "{OIN}"\nactiviteiten = "activiteiten.toml"\ngebruikers = true',
            r"settings\.toml: gebruikers: unknown key; known are activiteiten",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_by_file_and_key(folder: Path, content: str, message: str) -> None:
    (folder / "settings.toml").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        Settings.from_file(folder / "settings.toml")


def test_what_the_application_knows_of_itself_is_a_default(folder: Path) -> None:
    defaults = {"oin": OIN, "activiteiten": folder / "activiteiten.toml", "systeem": "FooBarApp v2.1"}
    assert Settings.from_env({}, **defaults).systeem == "FooBarApp v2.1"
    assert Settings.from_env({"VERWERKINGENLOGGING_SYSTEEM": "FooBarApp v3"}, **defaults).systeem == "FooBarApp v3"


def test_a_missing_variable_is_named(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"environment .*: VERWERKINGENLOGGING_OIN is missing"):
        Settings.from_env({"VERWERKINGENLOGGING_ACTIVITEITEN": str(folder / "activiteiten.toml")})
