"""The setting VERWERKINGENLOGGING: each mistake is named by its key, and everything is made of it once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import HttpRequest
from django.test import override_settings
from plugins.django.tests.conftest import GEMEENTE, Project

from verwerkingenlogging import Activiteiten, ConfigurationError, HeaderProfile, MemoryLog
from verwerkingenlogging_django.settings import configuration, recorder

ACTIVITEITEN = f"""
["{GEMEENTE}".brp]
id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
"""
PROFILE = HeaderProfile(oin="x-origin-oin")
LOG = MemoryLog()


def gebruiker(request: HttpRequest) -> str | None:
    return None


def make_log() -> MemoryLog:
    return MemoryLog()


def make_number() -> int:
    return 5


def make_class() -> type[MemoryLog]:
    return MemoryLog


def test_every_key_is_read(tmp_path: Path) -> None:
    file = tmp_path / "activiteiten.toml"
    file.write_text(ACTIVITEITEN)
    here = __name__
    with override_settings(
        VERWERKINGENLOGGING={
            "OIN": GEMEENTE,
            "ACTIVITEITEN": file,
            "SYSTEEM": "FooBarApp v2.1",
            "GEGEVENSBRON": "BRP",
            "UITVOERDER": "00000001804770694000",
            "BEWAARTERMIJN": "P5Y",
            "OBJECTTYPEN": ["persoon", "zaak"],
            "VERTROUWELIJK_FROM": [GEMEENTE],
            "LOG": f"{here}.make_log",
            "TRUSTED_PEERS": ["10.1.0.0/16"],
            "VERIFIED_OIN": f"{here}.gebruiker",
            "ORGANISATIE": gebruiker,
            "GEBRUIKER": f"{here}.gebruiker",
            "GEBRUIKER_KEY": "k" * 32,
            "PROFILE": f"{here}.PROFILE",
            "ROUTES": {"a": 1},
            "ADMIN_ACTIVITEIT": "brp",
        }
    ):
        read = configuration()
        assert recorder().settings is read.settings
        assert recorder().log is read.log
    assert read.settings.activiteiten.get(GEMEENTE, "brp").naam == "brp"
    assert (read.settings.systeem, read.settings.gegevensbron, read.settings.bewaartermijn) == ("FooBarApp v2.1", "BRP", "P5Y")
    assert (read.settings.oin, read.settings.uitvoerder) == (GEMEENTE, "00000001804770694000")
    assert read.settings.objecttypen == {"persoon", "zaak"}
    assert read.settings.vertrouwelijk_from == frozenset({GEMEENTE})
    assert isinstance(read.log, MemoryLog)
    assert (read.trusts("10.1.2.3"), read.trusts("127.0.0.1")) == (True, False)
    assert read.verified_oin is read.organisatie is read.gebruiker is gebruiker
    assert (read.profile, read.routes, read.admin_activiteit) == (PROFILE, {"a": 1}, "brp")


def test_what_is_left_out_is_off(project: Project) -> None:
    project(gebruiker=None, bewaartermijn=None, objecttypen=None)
    read = configuration()
    assert (read.verified_oin, read.organisatie, read.gebruiker, read.routes, read.admin_activiteit) == (None,) * 5
    assert (read.settings.vertrouwelijk_from, read.settings.bewaartermijn) == (None, None)
    assert read.settings.objecttypen == {"persoon"}


@pytest.mark.parametrize("log", [LOG, f"{__name__}.LOG", MemoryLog, "verwerkingenlogging.MemoryLog", make_log, f"{__name__}.make_log"])
def test_a_log_is_given_or_made(project: Project, log: Any) -> None:
    project(log=log)
    assert isinstance(configuration().log, MemoryLog)
    assert configuration().log is configuration().log


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"OIN": "123"}, 'settings.VERWERKINGENLOGGING["OIN"]: must be an OIN'),
        ({"OIN": None}, 'settings.VERWERKINGENLOGGING["OIN"] is missing'),
        (
            {"OIN": "0" * 20},
            'settings.VERWERKINGENLOGGING["ACTIVITEITEN"]: activiteiten.toml: organisation "00000000000000000000" is not in it',
        ),
        ({"ACTIVITEITEN": 5}, 'settings.VERWERKINGENLOGGING["ACTIVITEITEN"]: must be the path of a file, or Activiteiten'),
        ({"ACTIVITEITEN": "gone.toml"}, 'settings.VERWERKINGENLOGGING["ACTIVITEITEN"]: gone.toml: cannot be read'),
        ({"SYSTEEM": "x" * 243}, 'settings.VERWERKINGENLOGGING["SYSTEEM"]: must have at most 242 characters'),
        ({"SYSTEEM": 5}, 'settings.VERWERKINGENLOGGING["SYSTEEM"]: must be text'),
        ({"OBJECTTYPEN": "persoon"}, 'settings.VERWERKINGENLOGGING["OBJECTTYPEN"]: must be a list of texts'),
        ({"OBJECTTYPEN": [5]}, 'settings.VERWERKINGENLOGGING["OBJECTTYPEN"]: must be a list of texts'),
        ({"OBJECTTYPEN": ["Persoon"]}, 'settings.VERWERKINGENLOGGING["OBJECTTYPEN"]: '),
        ({"VERTROUWELIJK_FROM": ["1"]}, 'settings.VERWERKINGENLOGGING["VERTROUWELIJK_FROM"]: must be an OIN'),
        ({"TRUSTED_PEERS": "10.0.0.1"}, 'settings.VERWERKINGENLOGGING["TRUSTED_PEERS"]: must be a list of texts'),
        ({"TRUSTED_PROXIES": ["10.0.0.1/8"]}, 'settings.VERWERKINGENLOGGING["TRUSTED_PROXIES"]: "10.0.0.1/8" is not an address or network'),
        ({"TRUSTED_PROXIES": "unix"}, 'settings.VERWERKINGENLOGGING["TRUSTED_PROXIES"]: must be a list of texts'),
        ({"TRUSTED_PEERS": ["10.0.0.1/8"]}, 'settings.VERWERKINGENLOGGING["TRUSTED_PEERS"]: "10.0.0.1/8" is not an address or network'),
        ({"LOG": None}, 'settings.VERWERKINGENLOGGING["LOG"] is missing'),
        ({"LOG": "nowhere.log"}, 'settings.VERWERKINGENLOGGING["LOG"]: "nowhere.log" cannot be imported: No module named'),
        ({"LOG": 5}, 'settings.VERWERKINGENLOGGING["LOG"]: must be a Verwerkingenlog, or a function without arguments that gives one'),
        ({"LOG": make_number}, 'settings.VERWERKINGENLOGGING["LOG"]: gives int, which is no Verwerkingenlog: it lacks log or alog'),
        ({"LOG": make_class}, 'settings.VERWERKINGENLOGGING["LOG"]: gives type, which is no Verwerkingenlog'),
        ({"GEBRUIKER": 5}, 'settings.VERWERKINGENLOGGING["GEBRUIKER"]: must be a function of the request, or the dotted path of one'),
        ({"VERIFIED_OIN": "os.nothing"}, 'settings.VERWERKINGENLOGGING["VERIFIED_OIN"]: "os.nothing" cannot be imported'),
        ({"PROFILE": "os.sep"}, 'settings.VERWERKINGENLOGGING["PROFILE"]: must be a HeaderProfile, or the dotted path of one'),
        (
            {"GEBRUIKERS": 5},
            'settings.VERWERKINGENLOGGING["GEBRUIKERS"]: unknown key; known are ACTIVITEITEN, ADMIN_ACTIVITEIT, BEWAARTERMIJN',
        ),
    ],
)
def test_a_mistake_is_named_by_its_key(activiteiten: Activiteiten, changed: dict[str, Any], message: str) -> None:
    setting = {"OIN": GEMEENTE, "ACTIVITEITEN": activiteiten, "LOG": LOG, **changed}
    with override_settings(VERWERKINGENLOGGING=setting), pytest.raises(ConfigurationError) as caught:
        recorder()
    assert str(caught.value).startswith(message)


def test_a_module_that_fails_is_named_with_what_it_raised(
    activiteiten: Activiteiten, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_broken_log.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    setting = {"OIN": GEMEENTE, "ACTIVITEITEN": activiteiten, "LOG": "a_broken_log.make_log"}
    with override_settings(VERWERKINGENLOGGING=setting), pytest.raises(ConfigurationError) as caught:
        recorder()
    assert str(caught.value) == (
        'settings.VERWERKINGENLOGGING["LOG"]: "a_broken_log.make_log" cannot be imported: ZeroDivisionError was raised: division by zero'
    )
    assert isinstance(caught.value.__cause__, ZeroDivisionError)  # whose traceback says where


@pytest.mark.parametrize("setting", [["OIN"], None])
def test_the_setting_itself_may_be_missing_or_no_dict(setting: Any) -> None:
    with override_settings(VERWERKINGENLOGGING=setting):
        with pytest.raises(ConfigurationError, match=r"settings\.VERWERKINGENLOGGING (is missing|must be a dict); it needs at least OIN"):
            configuration()
        if setting is None:
            del django_settings.VERWERKINGENLOGGING
            with pytest.raises(ConfigurationError, match="is missing"):
                configuration()


def test_threads_that_come_at_once_get_one_log(project: Project) -> None:
    """Two outboxes in one process would be one too many."""
    made: list[MemoryLog] = []
    together = threading.Barrier(8)

    def make() -> MemoryLog:
        threading.Event().wait(0.1)  # for all of them to come
        made.append(MemoryLog())
        return made[-1]

    recorders: list[object] = []

    def ask() -> None:
        together.wait()
        recorders.append(configuration().log)

    project(log=make)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(set(map(id, recorders)))) == (1, 1)


def test_a_changed_setting_is_read_anew(project: Project) -> None:
    project()
    before = recorder()
    assert recorder() is before
    with override_settings(DEBUG=True):
        assert recorder() is before
    project(systeem="Ander v1")
    assert recorder().settings.systeem == "Ander v1"
