"""What a developer may do wrong: the message says where, and what to do about it. Found by making each mistake."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verwerkingenlogging import ConfigurationError, MemoryLog, NotRecorded, Recorder, Settings, persoon, recording, verwerkingsactie
from verwerkingenlogging.ldv.subjects import subjects_from_env
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.requests.caller import trust

REGISTER = {"VERWERKINGENLOGGING_REGISTER": "https://log.example.nl/api/v1", "VERWERKINGENLOGGING_CLIENT_ID": "app"}


def annotate(**wrong: Any) -> Callable[[str], str]:
    given = {"actie_naam": "Ophalen persoonsgegevens", "activiteit": "brp-registratie", "objecten": persoon("bsn"), **wrong}

    @verwerkingsactie(**given)
    def ophalen(bsn: str) -> str:
        return bsn

    return ophalen


@pytest.mark.parametrize("objecten", ["bsn", ["bsn"], [persoon("bsn"), "naam"], None, lambda bsn: bsn, 1])
def test_what_says_nobodys_data_is_no_objecten(objecten: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"ophalen: @verwerkingsactie: objecten says whose data: persoon\(\.\.\.\), gevonden"):
        annotate(objecten=objecten)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"vertrouwelijkheid": "geheim"}, "vertrouwelijkheid: must be one of normaal, vertrouwelijk, opgeheven"),
        ({"vertrouwelijkheid": "opgeheven"}, "never opgeheven"),
        ({"activiteit": 5}, "activiteit: must be text"),
        ({"activiteit": ""}, "activiteit: must not be empty"),
    ],
)
def test_a_wrong_value_is_no_silent_default(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"ophalen: @verwerkingsactie: .*{message}"):
        annotate(**wrong)


@pytest.mark.parametrize("path", ["bsn.nummer", "bsn.nummer.soort"])
def test_a_path_that_leads_nowhere_is_named(recorder: Recorder, path: str) -> None:
    ophalen = annotate(objecten=persoon(path))
    with recording(recorder), pytest.raises(NotRecorded, match=rf'the path "{path}" leads nowhere in this str') as raised:
        ophalen("2308572")
    assert "2308572" not in str(raised.value)


def test_a_key_that_is_not_there_is_named_by_its_path(recorder: Recorder) -> None:
    @verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp-registratie", objecten=persoon("body.bsn"))
    def ophalen(body: dict[str, str]) -> None:
        raise AssertionError

    with recording(recorder), pytest.raises(NotRecorded, match=r"body\.bsn is not there"):
        ophalen({"naam": "Jansen"})


def test_peers_are_a_list() -> None:
    with pytest.raises(ConfigurationError, match=r'here: must be a list of addresses or networks; write it as \["10\.1\.0\.0/16"\]'):
        trust("10.1.0.0/16", where="here")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe\xff", "is not text"), (b"", "has fewer than 32 bytes"), (None, r"cannot be read \(No such file")],
)
def test_a_secret_file_that_is_wrong_is_named_with_its_variable(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"environment: VERWERKINGENLOGGING_CLIENT_SECRET_FILE: {file}: .*{message}"):
        ApiLog.from_env({**REGISTER, "VERWERKINGENLOGGING_CLIENT_SECRET_FILE": str(file)})
    if content != b"":
        with pytest.raises(ConfigurationError, match=rf"environment: VERWERKINGENLOGGING_SUBJECT_SECRET_FILE: {file}: .*{message}"):
            subjects_from_env({"VERWERKINGENLOGGING_SUBJECT_SECRET_FILE": str(file)})


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "VERWERKINGENLOGGING_REGISTER is missing; give the address of the Bewerking API"),
        ({**REGISTER}, "VERWERKINGENLOGGING_CLIENT_SECRET is missing; `verwerkingenlog client add`"),
        ({**REGISTER, "VERWERKINGENLOGGING_CLIENT_SECRET": "short"}, "VERWERKINGENLOGGING_CLIENT_SECRET: .*fewer than 32 bytes"),
        (
            {**REGISTER, "VERWERKINGENLOGGING_CLIENT_SECRET": 32 * "x", "VERWERKINGENLOGGING_REGISTER": "log.example.nl"},
            "VERWERKINGENLOGGING_REGISTER: ApiLog: url must be an https address",
        ),
    ],
)
def test_the_variable_that_is_wrong_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"environment: {message}"):
        ApiLog.from_env(environ)


def test_a_setting_that_the_environment_lacks_is_named_as_it_must_be_set() -> None:
    with pytest.raises(ConfigurationError, match="VERWERKINGENLOGGING_ACTIVITEITEN is missing"):
        Settings.from_env({"VERWERKINGENLOGGING_OIN": "00000001821002193000"})


def test_who_stops_reading_ends_an_export_without_a_traceback(tmp_path: Path) -> None:
    script = f"""
from verwerkingenlogging import MemoryLog, Verwerkingsactie
from verwerkingenlogging.commands.main import main
from verwerkingenlogging.logs.outbox import OutboxLog
class Away:
    def log(self, acties): raise OSError
actie = Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", actie_naam="Ophalen persoonsgegevens")
with OutboxLog({str(tmp_path / "outbox")!r}, Away(), safety="process") as log:
    log.log(2000 * [actie])
    log.close(0)
raise SystemExit(main(["outbox", "export", {str(tmp_path / "outbox")!r}, "--with-personal-data"]))
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    with process, process.stdout, process.stderr:
        assert process.stdout.readline().startswith('{"state":"waiting"')
        process.stdout.close()
        assert "Traceback" not in (told := process.stderr.read()), told
        assert "Broken pipe" not in told
        assert process.wait(60) == 1


@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp-registratie", objecten=persoon("bsn"))
def ophalen(bsn: str) -> str:
    """A person."""
    return bsn


def test_an_annotated_function_is_still_that_function(recorder: Recorder, log: MemoryLog) -> None:
    assert (ophalen.__name__, ophalen.__doc__, ophalen.__annotations__) == ("ophalen", "A person.", {"bsn": "str", "return": "str"})
    module = sys.modules[ophalen.__module__]
    assert module.ophalen is ophalen
    again = pickle.loads(pickle.dumps(ophalen))
    assert again is ophalen
    with recording(recorder):
        assert again("2308572") == "2308572"
    assert len(log.acties) == 1
