"""What a Celery task records belongs to whoever sent it: with a real broker, Redis, and a real worker of two processes."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from celery import Celery, chain, chord, group, signals  # type: ignore[import-untyped]  # it has no types
from celery.app.trace import trace_task  # type: ignore[import-untyped]
from tests.outbox import wait_until
from tests.servers import free_port, serving

from verwerkingenlogging import Doelbinding, NotRecorded, OutsideContext, Recorder, Vertrouwelijkheid, log_actie, recording, verwerking
from verwerkingenlogging.celery import HEADER, carry_context
from verwerkingenlogging.context import current
from verwerkingenlogging.model.trace import new_trace

REDIS = shutil.which("redis-server")
pytestmark = [
    pytest.mark.skipif(REDIS is None, reason="there is no redis-server here, the broker of these tests; .ci/run installs it"),
    pytest.mark.timeout(180),
]
ROOT = Path(__file__).parents[2]
BSN = "2308572"
DERDE, ANDERE = "00000001804770694000", "00000099000000001000"
VERWERKING = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")
CALLER = Doelbinding(oin=DERDE, verwerking_id=UUID("40fc7068-050d-45cc-8f60-770cd6d9de64"), bewaartermijn="P9Y")
Tasks = Any


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("celery")


@pytest.fixture(scope="module")
def tasks(folder: Path) -> Iterator[Tasks]:
    """The tasks, as who sends them sees them."""
    port = free_port()
    environ = {"BROKER": f"redis://127.0.0.1:{port}/0", "RECORDED": str(folder / "recorded")}
    (folder / "recorded").touch()
    redis = [str(REDIS), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), "--loglevel", "warning"]
    with serving(redis, port, folder=folder):
        with pytest.MonkeyPatch.context() as patched:  # each test answers for an environment that it leaves changed
            for name, value in environ.items():
                patched.setenv(name, value)
            patched.delitem(sys.modules, "tests.celery_app", raising=False)
            module: Tasks = importlib.import_module("tests.celery_app")
        module.environ = environ
        yield module
        module.app.close()
        for signal in (signals.before_task_publish, signals.task_prerun, signals.task_postrun):
            signal.disconnect(dispatch_uid="verwerkingenlogging.celery")


def celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "tests.celery_app:app", *arguments, "--loglevel", "error"]


@pytest.fixture(scope="module")
def worker(tasks: Tasks, folder: Path) -> Iterator[Tasks]:
    with serving(celery("worker", "--pool", "prefork", "--concurrency", "2"), folder=ROOT, environ=tasks.environ):
        tasks.lees.delay("999990019").get(timeout=60)
        yield tasks


@pytest.fixture
def eager(tasks: Tasks) -> Iterator[Tasks]:
    """Tasks that run where they are sent."""
    tasks.app.conf.task_always_eager = True
    yield tasks
    tasks.app.conf.task_always_eager = False


@pytest.fixture
def acties(folder: Path) -> Callable[[], list[dict[str, Any]]]:
    """What was recorded since the test began."""
    before = len((folder / "recorded").read_text().splitlines())
    return lambda: [json.loads(line) for line in (folder / "recorded").read_text().splitlines()[before:]]


@contextmanager
def request(recorder: Recorder, **more: Any) -> Iterator[None]:
    """A request of another organisation's user, at our other organisation, in the middle of a confidential verwerking."""
    with (
        recording(recorder, oin=ANDERE, caller=CALLER, gebruiker="een-sleutel", trace=new_trace()),
        verwerking("Huwelijk", id=VERWERKING, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK, bewaartermijn="P5Y"),
    ):
        yield


def of_request(actie: Mapping[str, Any]) -> bool:
    return {key: value for key, value in actie.items() if key not in {"naam", "trace"}} == {
        "verwerking": str(VERWERKING),
        "verwerking_naam": "Huwelijk",
        "activiteit": "4f6db294-a3c0-4ac1-8d4e-d42d4ea4b4d6",
        "vertrouwelijkheid": "vertrouwelijk",
        "bewaartermijn": "P9Y",
        "gebruiker": "een-sleutel",
        "afnemer": DERDE,
        "verwerking_afnemer": "40fc7068-050d-45cc-8f60-770cd6d9de64",
    }


WAYS: dict[str, tuple[Callable[[Tasks], Any], int]] = {
    "delay": (lambda t: t.lees.delay(BSN), 1),
    "by its name": (lambda t: t.app.send_task("tests.celery_app.lees", [BSN]), 1),
    "later": (lambda t: t.lees.apply_async([BSN], countdown=0.2), 1),
    "with a header of its own": (lambda t: t.lees.apply_async([BSN], headers={"eigen": 1}), 1),
    "chain": (lambda t: chain(t.lees.s(BSN), t.verstuur.s(BSN), t.verstuur.s(BSN)).delay(), 3),
    "group": (lambda t: group(t.lees.s(BSN), t.lees.s(BSN), t.lees.s(BSN)).delay(), 3),
    "chord": (lambda t: chord([t.lees.s(BSN), t.lees.s(BSN)], t.verstuur.s(BSN)).delay(), 3),
    "group in a chain": (lambda t: chain(t.lees.s(BSN), group(t.verstuur.s(BSN), t.verstuur.s(BSN)), t.verstuur.s(BSN)).delay(), 4),
    "callback": (lambda t: t.lees.apply_async([BSN], link=t.verstuur.s(BSN)), 2),
    "a task that sends one": (lambda t: t.verdeel.delay(BSN), 1),
    "retry": (lambda t: t.probeer.delay(BSN), 2),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_task_records_belongs_to_the_request_that_sent_it(
    worker: Tasks, acties: Callable[[], list[dict[str, Any]]], way: str
) -> None:
    send, number = WAYS[way]
    with request(worker.recorder):
        trace = current().trace
        sent = send(worker)
    sent.get(timeout=60)
    wait_until(lambda: len(acties()) == number)
    assert all(map(of_request, acties())), acties()
    assert trace is not None
    assert {actie["trace"] for actie in acties()} == {trace.trace_id.hex()}


@pytest.mark.parametrize("way", [way for way in WAYS if way not in {"by its name"}])  # by its name is never eager
def test_so_it_is_in_eager_mode_and_the_request_goes_on_as_it_was(
    eager: Tasks, acties: Callable[[], list[dict[str, Any]]], way: str
) -> None:
    send, number = WAYS[way]
    with request(eager.recorder):
        mine = current()
        send(eager)
        assert current() is mine
        log_actie("Daarna", objecten=BSN, activiteit="brp")
    assert len(acties()) == number + 1
    assert all(map(of_request, acties())), acties()
    with pytest.raises(OutsideContext):
        current()


def test_in_eager_mode_outside_a_request_a_task_has_a_context_of_its_own(eager: Tasks, acties: Callable[[], list[dict[str, Any]]]) -> None:
    assert eager.lees.delay(BSN).get() == BSN
    assert [(actie["afnemer"], actie["gebruiker"]) for actie in acties()] == [(None, None)]
    with pytest.raises(OutsideContext):
        current()


def test_all_that_is_sent_before_the_first_record_is_one_verwerking(worker: Tasks, acties: Callable[[], list[dict[str, Any]]]) -> None:
    with recording(worker.recorder):
        sent = group(worker.lees.s(BSN), worker.lees.s(BSN)).delay()
        alone = worker.lees.delay(BSN)
        sent.get(timeout=60)
        alone.get(timeout=60)
        log_actie("Daarna", objecten=BSN, activiteit="brp")
    assert len(acties()) == 4
    assert len({actie["verwerking"] for actie in acties()}) == 1


def test_what_is_on_a_schedule_records_for_the_organisation_itself(
    worker: Tasks, acties: Callable[[], list[dict[str, Any]]], folder: Path
) -> None:
    with serving(celery("beat", "--schedule", str(folder / "schedule")), folder=ROOT, environ=worker.environ):
        wait_until(lambda: len(acties()) >= 2)
    worker.app.control.purge()
    inspect = worker.app.control.inspect()
    wait_until(lambda: not any(any(waiting.values()) for waiting in (inspect.active(), inspect.reserved())))
    first, second = acties()[:2]
    for actie in (first, second):
        assert actie["activiteit"] == "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
        assert (actie["afnemer"], actie["gebruiker"], actie["vertrouwelijkheid"]) == (None, None, "normaal")
    assert first["verwerking"] != second["verwerking"]


def test_what_cannot_be_recorded_fails_and_can_be_tried_again(
    worker: Tasks, acties: Callable[[], list[dict[str, Any]]], folder: Path
) -> None:
    down = folder / "down"
    down.touch()
    try:
        with request(worker.recorder):
            with pytest.raises(NotRecorded, match="it is down"):
                worker.lees.delay(BSN).get(timeout=60)
            again = worker.houd_vol.delay(BSN)
        wait_until(lambda: again.state == "RETRY")
        assert acties() == []
    finally:
        down.unlink()
    assert again.get(timeout=60) == BSN
    assert [of_request(actie) for actie in acties()] == [True]


def test_a_task_that_fails_or_is_not_run_leaves_nothing_to_the_next(worker: Tasks, acties: Callable[[], list[dict[str, Any]]]) -> None:
    with request(worker.recorder):
        for _ in range(4):
            with pytest.raises(ValueError, match=BSN):
                worker.mislukt.delay().get(timeout=60)
        expired = worker.lees.apply_async([BSN], expires=-1)
    wait_until(lambda: expired.state == "REVOKED")
    others = [worker.lees.delay(BSN) for _ in range(4)]
    for other in others:
        other.get(timeout=60)
    assert [of_request(actie) for actie in acties()] == [True] * 4 + [False] * 4
    assert {actie["afnemer"] for actie in acties()[4:]} == {None}
    assert len({actie["verwerking"] for actie in acties()[4:]}) == 4


@pytest.mark.parametrize("header", [{"verwerking": {"id": "999990019"}}, {"caller": "999990019"}, "999990019", {"known": False}])
def test_with_a_header_that_says_nothing_sure_a_task_records_nothing_and_does_nothing(
    worker: Tasks, acties: Callable[[], list[dict[str, Any]]], header: Any
) -> None:
    sent = worker.lees.apply_async([BSN], headers={HEADER: header})
    with pytest.raises(NotRecorded, match="no verwerkingenlogging context"):
        sent.get(timeout=60)
    assert acties() == []


def test_a_worker_says_of_a_header_that_it_cannot_read_it_and_not_what_is_in_it(tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    request = {"id": "1", "is_eager": False, "ignore_result": True, HEADER: {"verwerking": {"id": "999990019"}}}
    traced = trace_task(tasks.lees, "1", [BSN], {}, request, app=tasks.app)  # what each process of a worker does, here
    assert f"a task came whose header {HEADER} cannot be read" in caplog.text
    assert "999990019" not in caplog.text
    assert isinstance(traced.info.retval, NotRecorded)


def test_a_task_that_nobody_of_us_sent_records_for_the_organisation_itself(
    tasks: Tasks, acties: Callable[[], list[dict[str, Any]]]
) -> None:
    request = {"id": "1", "is_eager": False, "ignore_result": True}  # as of an application without this library
    assert trace_task(tasks.lees, "1", [BSN], {}, request, app=tasks.app).retval == BSN
    assert [(actie["afnemer"], actie["gebruiker"]) for actie in acties()] == [(None, None)]


def no_user() -> str:
    raise KeyError("999990019")


class TestUnknownSender:
    """Who sent a task must be known, or it would be recorded as somebody else's work."""

    def test_whose_user_cannot_be_told(
        self, worker: Tasks, acties: Callable[[], list[dict[str, Any]]], caplog: pytest.LogCaptureFixture
    ) -> None:
        with recording(worker.recorder) as context:
            context.gebruiker = no_user
            sent = worker.lees.delay(BSN)
        with pytest.raises(NotRecorded):
            sent.get(timeout=60)
        assert acties() == []
        assert "the user is not known: KeyError was raised" in caplog.text
        assert "999990019" not in caplog.text

    def test_who_runs_on_after_the_request_of_one_of_several_organisations(
        self, worker: Tasks, acties: Callable[[], list[dict[str, Any]]], caplog: pytest.LogCaptureFixture
    ) -> None:
        with recording(worker.recorder, oin=ANDERE) as context:
            pass
        from verwerkingenlogging.context import enter, leave

        token = enter(context)
        try:
            sent = worker.lees.delay(BSN)
        finally:
            leave(token)
        with pytest.raises(NotRecorded):
            sent.get(timeout=60)
        assert acties() == []
        assert "code runs on after its request" in caplog.text

    def test_nor_is_it_run_in_eager_mode(self, eager: Tasks, acties: Callable[[], list[dict[str, Any]]]) -> None:
        with recording(eager.recorder) as context:
            context.gebruiker = no_user
            with pytest.raises(NotRecorded):
                eager.lees.delay(BSN).get()
        assert acties() == []


def test_a_message_holds_ids_and_terms_and_no_more(tasks: Tasks) -> None:
    memory = Celery("memory", broker="memory://")
    seen: list[Any] = []

    def look(headers: Mapping[str, Any], **_: Any) -> None:
        seen.append(headers.get(HEADER))

    signals.before_task_publish.connect(look)
    try:
        with request(tasks.recorder):
            log_actie("Eerst", objecten="999990019", activiteit="brp")
            memory.send_task("een", ["999990019"])
        memory.send_task("twee")
    finally:
        signals.before_task_publish.disconnect(look)
        memory.close()
    header, nothing = seen
    assert nothing is None
    assert "999990019" not in json.dumps(header)
    assert set(header) == {"caller", "oin", "gebruiker", "verwerking", "trace"}
    assert set(header["caller"]) <= set(Doelbinding.__struct_fields__)
    assert header["gebruiker"] == "een-sleutel"


def test_the_example_of_the_page_records_as_the_request_that_sent_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "how-to" / "celery.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"<!-- example: app -->\n```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "log.py").write_text("from verwerkingenlogging import MemoryLog\nlog = MemoryLog()\n")
    (tmp_path / "personen.py").write_text(example)
    run = """
        from personen import app, log, recorder, verstuur
        from verwerkingenlogging import Doelbinding, recording
        app.conf.task_always_eager = True
        with recording(recorder, caller=Doelbinding(oin="00000001804770694000")):
            verstuur.delay("2308572")
        print([(actie.actie_naam, actie.afnemer_id) for actie in log.acties])
    """
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "BROKER": "memory://"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(run)], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "[('Versturen brief', '00000001804770694000')]\n", done.stderr


def test_the_recorder_may_be_asked_for_at_each_task(eager: Tasks) -> None:
    asked: list[Recorder] = []

    def give() -> Recorder:
        asked.append(eager.recorder)
        return asked[-1]

    carry_context(give)
    try:
        for _ in range(2):
            eager.lees.delay(BSN).get()
    finally:
        carry_context(eager.recorder)
    eager.lees.delay(BSN).get()
    assert len(asked) == 2
