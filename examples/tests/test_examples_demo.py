"""``python -m demo`` as people run it: what it prints, its exit status, and that nothing of it is left behind."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from demo.cases import CASES, CLOSING_CASES
from demo.processes import Service, ServiceFailed, started

OTHER_ACTIVITEITEN = """
["00000001821002193000"]
brp-registratie = { id = "b777af73-4c84-4823-841a-838a6ed46c14", bewaartermijn = "P150Y" }
huwelijksceremonie = { id = "b777af73-4c84-4823-841a-838a6ed46c14", url = "https://var.gemeente.nl/b777af73-4c84-4823-841a-838a6ed46c14" }
fraudeonderzoek = { id = "a3a9c5a5-2f53-4d0c-9a37-0b4a3f0f2f7e", url = "https://var.gemeente.nl/a3a9c5a5-2f53-4d0c-9a37-0b4a3f0f2f7e", bewaartermijn = "P5Y" }
leveringen = { id = "4f6db294-830d-4d14-b9bd-3c6d17c40d65", url = "https://var.gemeente.nl/4f6db294-830d-4d14-b9bd-3c6d17c40d65" }
"""


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "demo", *arguments]
    # Coverage would take all its processes twice the time.
    environment = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"} | environment
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def lines_until(process: subprocess.Popen[str], last: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if last in line:
            return


def ports_in(output: str) -> set[int]:
    return {int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", output)}


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_cases_run_the_log_is_exact_and_keep_leaves_it_running_until_ctrl_c() -> None:
    with start("--keep") as demo:
        output = "".join(lines_until(demo, "verwerkte-objecten?"))
        answers = [from_curl(line) for line in output.splitlines() if line.startswith("curl ")]
        listened = {port for port in ports_in(output) if listening(port)}
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=30)

    assert demo.returncode == 0, output + rest
    assert "OK  the log holds exactly what the cases prescribe" in output
    assert "DIFFERS" not in output
    for case in CASES:
        assert f"OK  {len(case.acties)} acties of 19 attributes each, exactly as {case.code} prescribes" in output
    for case in CLOSING_CASES:
        assert f"OK  1 acties of 19 attributes each, and {len(case.changed)} changed, exactly as {case.code} prescribes" in output
    # While the investigation is under way it is hidden, afterwards nothing is.
    assert "OK  all acties of the cases about this person but the 3 confidential ones; no systeem" in output
    assert output.count("OK  all acties of the cases about this person; no systeem") == 2
    assert [seen.count("Fraudeonderzoek sociale zekerheid") for seen in looks(output)] == [0, 3, 0]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[1].json()["count"] >= sum(len(case.acties) for case in CASES) + 2
    assert "gebruiker" in answers[1].text
    assert "gebruiker" not in answers[2].text
    assert listened == ports_in(output)
    assert not any(listening(port) for port in ports_in(output))


def looks(output: str) -> list[str]:
    """What the citizens saw, each time they looked."""
    return re.findall(r"^C3677  Inzage door betrokkene: .*?^  OK ", output, re.DOTALL | re.MULTILINE)


def from_curl(line: str) -> httpx2.Response:
    """The answer to a line for curl, which need not be installed."""
    words = iter(shlex.split(line))
    url, headers, body = "", {}, None
    for word in words:
        if word == "--header":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "--data":
            body = next(words)
        elif word.startswith("http"):
            url = word
    return httpx2.request("POST" if body else "GET", url, headers=headers, content=body, trust_env=False)


def test_a_log_that_deviates_gives_status_1_and_names_case_actie_and_attribute(tmp_path: Path) -> None:
    activiteiten = tmp_path / "activiteiten.toml"
    activiteiten.write_text(OTHER_ACTIVITEITEN, encoding="utf-8")
    with start(VERWERKINGENLOGGING_ACTIVITEITEN=str(activiteiten)) as demo:
        output, _ = demo.communicate(timeout=110)
    assert demo.returncode == 1, output
    wrong = "prescribed is 5f0bef4c-f66f-4311-84a5-19e8bf359eaf, logged is b777af73-4c84-4823-841a-838a6ed46c14"
    assert f'DIFFERS  C9172: actie 1 "Ophalen persoonsgegevens": verwerkingsactiviteitId: {wrong}' in output
    assert f'DIFFERS  C3472: actie 2 "Ophalen gegevens": verwerkingsactiviteitIdAfnemer: {wrong}' in output
    assert f'DIFFERS  C4084: actie 1 "Opvoeren partners": verwerkingsactiviteitId: {wrong}' in output
    assert 'DIFFERS  C3079: actie 1 "Zoeken persoon": bewaartermijn: prescribed is P10Y, logged is P5Y' in output
    assert 'DIFFERS  C3079: changed: actie 2 "Zoeken gegevens": bewaartermijn: prescribed is P10Y, logged is P5Y' in output
    assert not any(listening(port) for port in ports_in(output))


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such table')"]
    service = Service("gegevensmagazijn", command, url="http://127.0.0.1:9", health="/health", environment={}, folder=tmp_path)
    with started([service]), pytest.raises(ServiceFailed, match=r"(?s)^gegevensmagazijn ended before it answered;.* no such table$"):
        service.wait()
    assert not service.alive


def test_an_application_that_cannot_start_gives_status_2_and_says_why() -> None:
    with start(VERWERKINGENLOGGING_OIN="123") as demo:
        output, _ = demo.communicate(timeout=110)
    assert demo.returncode == 2
    assert "-m burgerzaken migrate` failed" in output
    assert 'settings.VERWERKINGENLOGGING["OIN"]: must be an OIN of exactly 20 digits' in output
    assert not any(listening(port) for port in ports_in(output))
