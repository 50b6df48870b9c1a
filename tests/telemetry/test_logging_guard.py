"""What servers, frameworks and the application log holds no BSN, by one line; proved on what real servers write."""

from __future__ import annotations

import copy
import io
import json
import logging
import logging.config
import logging.handlers
import pickle
import queue
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers import BIN, free_port, serving, until

from verwerkingenlogging import guard_logging
from verwerkingenlogging.model.bsn import is_bsn
from verwerkingenlogging.telemetry.logging_guard import without_bsns

BSN, SHORT = "999990019", "11122146"
NO_BSN = "999990018"

Write = Callable[..., str]


@pytest.fixture
def guarded() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    guard_logging()
    yield
    logging.setLogRecordFactory(before)


@pytest.fixture
def write(guarded: None) -> Write:
    """Logs with a logger of its own, and gives what its handler wrote."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logger = logging.Logger("own")  # noqa: LOG001  # of this test alone
    logger.addHandler(handler)

    def log(message: object, *args: object, fmt: str = "%(message)s", **more: object) -> str:
        handler.setFormatter(logging.Formatter(fmt))
        written.seek(0)
        written.truncate()
        logger.error(message, *args, **more)  # type: ignore[arg-type]  # what logging takes
        return written.getvalue().rstrip("\n")

    return log


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"/personen/{BSN}?bsn={SHORT}", "/personen/***?bsn=***"),
        ("/personen/%39%39%39%39%39%30%30%31%39", "/personen/***"),
        ("/personen/99999001%39", "/personen/***"),
        ("/personen/%2539%2539%2539990019", "/personen/***"),
        (f"/zoek?q=%22{BSN}%22", "/zoek?q=%22***%22"),
        (f"/zoek?q=%20{BSN}", "/zoek?q=%20***"),
        (f"/zoek?q=%20{SHORT}", "/zoek?q=%20***"),
        (f"/zoek?q=%2C{BSN}%2C{SHORT}", "/zoek?q=%2C***%2C***"),
        (f"/zoek?q=%2522{BSN}", "/zoek?q=%2522***"),
        (f"/zoek?q=%25{BSN}%25", "/zoek?q=%25***%25"),
        (f"LIKE '%{BSN}%'", "LIKE '%***%'"),
        (f"LIKE '%%{BSN}%%'", "LIKE '%%***%%'"),
        (f"\x1b[32m{BSN}\x1b[0m", "\x1b[32m***\x1b[0m"),
        (f"/personen/{NO_BSN}?q=%20{NO_BSN}", f"/personen/{NO_BSN}?q=%20{NO_BSN}"),
        ("%39%39%39%39%39%30%30%31%38", "%39%39%39%39%39%30%30%31%38"),
        (f"/%5f{BSN}-f66f", "/%5f***-f66f"),
    ],
)
def test_a_bsn_in_an_address_is_taken_away_however_it_is_escaped(text: str, left: str) -> None:
    assert without_bsns(text) == left


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="0123456789"), max_size=5), st.sampled_from([BSN, SHORT]))
def test_whatever_stands_before_it_in_a_query_hides_no_bsn(before: str, bsn: str) -> None:
    assert bsn not in without_bsns(f"/zoek?q={quote(before)}{bsn}")
    assert bsn not in without_bsns(f"/zoek?q={quote(quote(before))}{bsn}{quote(before)}")


@given(st.integers(0, 999_999_999))
def test_only_numbers_that_pass_the_test_go(number: int) -> None:
    for text in (f"{number:08}", f"{number:09}"):
        assert (without_bsns(f"/x/{text}") == "/x/***") is is_bsn(text)


def test_messages_arguments_and_numbers_are_guarded(write: Write) -> None:
    assert write(f"reading {BSN}") == "reading ***"
    assert write("reading %s of %d", BSN, 5) == "reading *** of 5"
    assert write("reading %s", int(BSN)) == "reading ***"
    assert write("reading %(bsn)s", {"bsn": BSN}) == "reading ***"
    assert write({"event": "read", "bsn": BSN}) == "{'event': 'read', 'bsn': '***'}"
    assert write("%s", ValueError(f"no person {BSN}")) == "no person ***"
    assert write("%r", [BSN, {"deep": BSN}]) == "['***', {'deep': '***'}]"
    assert write("nothing") == "nothing"
    assert write("%s %s", "nothing", 5, fmt="%(levelname)s %(args)s") == "ERROR ('nothing', 5)"


def test_the_text_of_an_exception_is_guarded_and_the_exception_itself_stays(write: Write) -> None:
    def fail() -> None:
        raise KeyError(BSN)

    try:
        fail()
    except KeyError:
        written = write("failed for %s", BSN, exc_info=True)
        assert "KeyError: '***'" in written
        assert "in fail" in written
        assert BSN not in written
        record = logging.getLogRecordFactory()("n", logging.ERROR, __file__, 1, "m", (), sys.exc_info())
    assert record.exc_info is not None
    assert record.exc_info[1].args == (BSN,)  # type: ignore[union-attr]  # it is the one above
    assert record.exc_text is None


@pytest.mark.usefixtures("guarded")
def test_a_record_still_goes_through_queues_copies_and_pickles() -> None:
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    logger = logging.Logger("own")  # noqa: LOG001  # of this test alone
    logger.addHandler(logging.handlers.QueueHandler(waiting))
    logger.error("reading %s", BSN)
    record = waiting.get_nowait()
    for other in (record, copy.copy(record), pickle.loads(pickle.dumps(record))):
        assert other.getMessage() == "reading ***"
    sent = logging.handlers.SocketHandler("nowhere", 1).makePickle(logging.getLogRecordFactory()("n", 20, "f", 1, "%s", (BSN,), None))
    assert BSN.encode() not in sent
    assert logging.makeLogRecord(pickle.loads(sent[4:])).getMessage() == "***"


@pytest.mark.usefixtures("guarded")
def test_arguments_keep_their_kind() -> None:
    class Atoms(dict[str, object]):
        """As gunicorn's: what is not there is a dash."""

        def __missing__(self, name: str) -> str:
            return "-"

    atoms = Atoms(r=f"GET /personen/{BSN}", s=200)
    make = logging.getLogRecordFactory()
    record = make("gunicorn.access", 20, "f", 1, '"%(r)s" %(s)s %(x)s', (atoms,), None)
    assert record.getMessage() == '"GET /personen/***" 200 -'
    assert type(record.args) is Atoms
    assert atoms["r"] == f"GET /personen/{BSN}"
    five = make("uvicorn.access", 20, "f", 1, '%s "%s %s %s" %d', ("127.0.0.1:1", "GET", f"/personen/{BSN}", "1.1", 200), None)
    assert five.args == ("127.0.0.1:1", "GET", "/personen/***", "1.1", 200)


def test_it_is_put_on_once_and_around_the_factory_that_is_there(write: Write) -> None:
    ours = logging.getLogRecordFactory()
    guard_logging()
    assert logging.getLogRecordFactory() is ours

    class Traced(logging.LogRecord):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self.trace = "abc"

    logging.setLogRecordFactory(Traced)
    guard_logging()
    assert write("reading %s", BSN, fmt="%(trace)s %(message)s") == "abc reading ***"
    error = ValueError(BSN)
    assert write("failed", exc_info=error, fmt="%(trace)s %(message)s") == "abc failed\nValueError: ***"
    assert error.args == (BSN,)


@pytest.mark.usefixtures("guarded")
def test_logging_that_is_set_up_afterwards_is_guarded_too(capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"here": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
            "loggers": {"later": {"handlers": ["here"], "propagate": False}},
        }
    )
    logging.getLogger("later.child").error("reading %s", BSN)
    logging.getLogger("later").handlers.clear()
    assert capsys.readouterr().out == "reading ***\n"


def test_a_formatter_of_ones_own_is_guarded_as_the_page_says() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "how-to", "keep-numbers-out-of-logs.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"<!-- python: formatter -->\n```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    record = logging.LogRecord("n", 20, "f", 1, "m", (), None)
    record.extra = {"bsn": BSN}
    assert names["Guarded"]("%(message)s %(extra)s").format(record) == "m {'bsn': '***'}"


APP = """
import logging, os
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from verwerkingenlogging import guard_logging

if os.environ["GUARDED"] == "yes":
    guard_logging()

logger = logging.getLogger("uvicorn.error")

async def read(request):
    logger.warning("reading %s", request.path_params["bsn"])
    return PlainTextResponse("read")

async def fail(request):
    raise KeyError(request.path_params["bsn"])

app = Starlette(routes=[Route("/personen/{bsn}", read), Route("/mislukt/{bsn}", fail)])

def wsgi(environ, start_response):
    if environ["PATH_INFO"].startswith("/mislukt"):
        raise KeyError(environ["PATH_INFO"].rpartition("/")[2])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"read"]
"""
# Each with a format that has all of the address, where it can be chosen.
SERVERS = {
    "uvicorn": "uvicorn app:app --port {port}",
    "uvicorn, one process of two": "uvicorn app:app --port {port} --workers 2",
    "uvicorn, its own configuration of logging": "uvicorn app:app --port {port} --log-config logging.json",
    "gunicorn": "gunicorn app:wsgi --bind 127.0.0.1:{port} --access-logfile -",
    "gunicorn, preloaded": "gunicorn app:wsgi --bind 127.0.0.1:{port} --access-logfile - --preload --worker-class gthread --threads 2",
    "granian": "granian app:app --interface asgi --port {port} --access-log --access-log-fmt '%(method)s %(path)s?%(query_string)s'",
}
CONFIGURATION = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["out"], "level": "INFO"},
    "loggers": {"uvicorn.access": {"level": "INFO"}},
}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("guarded", ["yes", "no"])
def test_no_server_writes_a_bsn(tmp_path: Path, server: str, guarded: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "logging.json").write_text(json.dumps(CONFIGURATION))
    port = free_port()
    command = f"exec {BIN}/{SERVERS[server].format(port=port)} >output 2>&1"
    output = tmp_path / "output"
    with serving(["bash", "-c", command], port, folder=tmp_path, environ={"GUARDED": guarded, "PYTHONUNBUFFERED": "1"}):
        address = f"http://127.0.0.1:{port}"
        assert httpx2.get(f"{address}/personen/{BSN}?bsn={SHORT}&q=%22{BSN}%22", timeout=30).text == "read"
        assert httpx2.get(f"{address}/mislukt/{BSN}", timeout=30).status_code == 500
        assert httpx2.get(f"{address}/personen/einde?laatste", timeout=30).status_code == 200
        until(lambda: "einde" in output.read_text() and "KeyError" in output.read_text())
    written = output.read_text()
    if guarded == "yes":
        assert [number for number in (BSN, SHORT) if number in written] == []
        assert "/personen/***" in written
        assert "'***'" in written
    else:
        assert BSN in written  # there was something to take away
