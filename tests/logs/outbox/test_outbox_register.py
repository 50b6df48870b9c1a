"""Delivery to a real register: everything, once, in order; through outages, cut connections, refusals and foreign registers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from crash.receivers import Sink
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.outbox import BSN, Keeper, actie, ask, delivered, namen, wait_until
from tests.proxy import Proxy, proxying

from verwerkingenlogging import (
    Doelbinding,
    LogRefused,
    LogUnavailable,
    OutsideContext,
    Recorder,
    Vertrouwelijkheid,
    Verwerkingsactie,
    persoon,
    recording,
    verwerkingsactie,
)
from verwerkingenlogging.context import current
from verwerkingenlogging.logs.api import ApiLog
from verwerkingenlogging.logs.delivery import backoff
from verwerkingenlogging.logs.outbox import OutboxLog
from verwerkingenlogging.logs.protocol import Entry, Receiver, Verwerkingenlog
from verwerkingenlogging.model import filled, wire_form
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon: how long it takes is not what is tested."""
    monkeypatch.setattr(backoff, "SECONDS", (0.01, 0.1))


@pytest.fixture
def proxy(sink: Sink) -> Iterator[Proxy]:
    with proxying(sink.address) as running:
        yield running


@pytest.fixture
def outbox(tmp_path: Path, proxy: Proxy, sink: Sink) -> Iterator[OutboxLog]:
    outbox = OutboxLog(tmp_path / "outbox", ApiLog(proxy.address, token=sink.token, timeout=60))
    yield outbox
    outbox.close(timeout=0)


def test_ten_thousand_requests_while_the_register_is_away_are_all_there_in_order(sink: Sink, tmp_path: Path, recorder: Recorder) -> None:
    def verwerking(request: Request) -> str:
        return str(request.path_params["verwerking"])

    @verwerkingsactie(
        "Ophalen",
        activiteit="brp-registratie",
        objecten=persoon("request.path_params.bsn"),
        verwerking_id=verwerking,
    )
    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse("")

    verwerkingen = [uuid4() for _ in range(100)]
    recorder.log = outbox = OutboxLog(tmp_path / "outbox", ApiLog(sink.address, token=sink.token, timeout=60), safety="process")
    # What the register has of each is told apart by its place in the order.
    number = iter(range(10_000))
    recorder_actie = recorder.actie
    recorder.actie = lambda *given, **more: filled(recorder_actie(*given, **more), actie_naam=str(next(number)))  # type: ignore[method-assign]
    app = Starlette(routes=[Route("/{bsn}/{verwerking}", read)])
    app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder)

    async def ask_all() -> Counter[int]:
        return Counter([await ask(app, f"/{BSN}/{verwerkingen[turn % 100]}") for turn in range(10_000)])

    sink.stop()
    assert asyncio.run(ask_all()) == {200: 10_000}
    assert outbox.status().waiting == 10_000
    sink.start()
    delivered(outbox)
    outbox.close()
    found: dict[str, list[str]] = {str(one): [] for one in verwerkingen}
    for one, naam in sink.recorded():
        found[one].append(naam)
    for place, many in enumerate(found.values()):
        assert many == [str(turn) for turn in range(place, 10_000, 100)]


class WithoutKeys:
    """The same register, but nobody tells it which record it had before: the control that doubles can be seen."""

    def __init__(self, log: ApiLog) -> None:
        self._log = log

    def log(self, acties: Sequence[Verwerkingsactie]) -> None:
        self._log.log(acties)

    async def alog(self, acties: Sequence[Verwerkingsactie]) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("keys", [True, False])
def test_a_connection_that_is_cut_before_the_answer_doubles_nothing(sink: Sink, proxy: Proxy, tmp_path: Path, keys: bool) -> None:
    register = ApiLog(proxy.address, token=sink.token, timeout=60)
    deliver_to: Verwerkingenlog = register if keys else WithoutKeys(register)
    asked: list[str] = []

    def every_other(path: str) -> bool:
        asked.append(path)
        return len(asked) % 2 == 1

    proxy.cuts = every_other
    verwerking = uuid4()
    with OutboxLog(tmp_path / "outbox", deliver_to, batch=1) as outbox:
        for number in range(50):
            outbox.log([actie(number, verwerking)])
        delivered(outbox)
    register.close()
    stored = Counter(namen(sink, verwerking))
    assert len(asked) == 100
    assert stored.keys() == {str(number) for number in range(50)}
    assert set(stored.values()) == ({1} if keys else {2})


def test_a_record_that_is_refused_is_kept_apart_with_the_reason_and_can_be_put_back(
    sink: Sink, outbox: OutboxLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    verwerking = uuid4()
    confidential = filled(actie("geheim", verwerking), vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK)
    outbox.log([actie(1, verwerking), confidential, actie(2, verwerking)])
    delivered(outbox)
    assert namen(sink, verwerking) == ["1", "2"]
    assert "1 records were refused and are kept in" in caplog.text
    assert "the register answered 403" in caplog.text
    assert BSN not in caplog.text
    assert outbox.status().alarms == ("1 records were refused",)
    outbox.close()

    from verwerkingenlogging.logs.outbox._storage.dead_letters import dead_letters, put_back
    from verwerkingenlogging.logs.outbox._storage.folder import Folder

    folder = Folder(tmp_path / "outbox")
    (kept,) = dead_letters(folder)
    assert kept.reason.startswith("the register answered 403")
    assert put_back(folder) == 1
    keeper = Keeper()  # one that may have it
    with OutboxLog(tmp_path / "outbox", keeper) as again:
        again.start()
        delivered(again)
    assert list(keeper.entries) == [kept.key]
    assert [entry.actie for entry in keeper.entries.values()] == [confidential]
    assert put_back(folder) == 0


def test_a_token_that_is_wrong_keeps_nothing_apart_and_is_told(sink: Sink, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    token = "x.y.z"
    verwerking = uuid4()
    register = ApiLog(sink.address, token=lambda: token, timeout=60)
    with OutboxLog(tmp_path / "outbox", register) as outbox:
        outbox.log([actie(1, verwerking)])
        wait_until(lambda: "the register answered 401; see to the client's id and secret" in caplog.text)
        assert outbox.status().refused == 0
        token = sink.token
        delivered(outbox)
    assert namen(sink, verwerking) == ["1"]


@pytest.mark.parametrize("status", [404, 405])
def test_a_register_without_batches_gets_one_record_at_a_time(sink: Sink, outbox: OutboxLog, proxy: Proxy, status: int) -> None:
    proxy.instead = lambda path, body: (status, b"") if path.endswith("_batch") else None
    verwerking = uuid4()
    outbox.log([actie(number, verwerking) for number in range(3)])
    delivered(outbox)
    outbox.log([actie(3, verwerking)])
    delivered(outbox)
    assert namen(sink, verwerking) == ["0", "1", "2", "3"]
    assert proxy.paths == ["_batch"] + ["verwerkingsacties"] * 4
    keys = [headers.get("idempotency-key") for _, headers, _ in proxy.requests]
    assert keys[0] is None
    assert len(set(keys)) == 5


def test_what_a_register_without_batches_and_keys_took_is_not_sent_again_because_a_later_one_failed(
    sink: Sink, proxy: Proxy, tmp_path: Path
) -> None:
    fails = [True, True]

    def instead(path: str, body: bytes) -> tuple[int, bytes] | None:
        if path.endswith("_batch"):
            return 405, b""
        return (503, b"") if b'"2"' in body and fails and fails.pop() else None

    proxy.instead = instead
    verwerking = uuid4()
    with OutboxLog(tmp_path / "outbox", ApiLog(proxy.address, token=sink.token, timeout=60)) as outbox:
        outbox.log([actie(number, verwerking) for number in range(4)])
        delivered(outbox)
    sent = [msgspec.json.decode(body)["actieNaam"] for path, _, body in proxy.requests if not path.endswith("_batch")]
    assert sent == ["0", "1", "2", "2", "2", "3"]


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_batch_that_is_refused_whole_is_judged_one_by_one(sink: Sink, outbox: OutboxLog, proxy: Proxy, status: int) -> None:
    proxy.instead = lambda path, body: (status, b"{}") if path.endswith("_batch") or b'"2"' in body else None
    verwerking = uuid4()
    outbox.log([actie(number, verwerking) for number in range(4)])
    if status == 415:  # of one: it is about how we send, not about that record
        assert not outbox.flush(0.5)
        assert outbox.status().refused == 0
        return
    delivered(outbox)
    assert namen(sink, verwerking) == ["0", "1", "3"]
    assert outbox.status().refused == 1
    proxy.instead = lambda path, body: None
    outbox.log([actie(4, verwerking)])
    delivered(outbox)
    assert proxy.paths[-1] == "_batch"


def test_a_batch_that_is_too_large_is_cut_in_two_rather_than_into_single_records(sink: Sink, api: ApiLog, proxy: Proxy) -> None:
    """A proxy before the register may let less through than the register takes."""
    limit = 3_000
    proxy.instead = lambda path, body: (413, b"<html>") if len(body) > limit else None
    verwerking = uuid4()
    some = [actie(number, verwerking) for number in range(40)]
    huge = filled(actie("huge", verwerking), verwerkte_objecten=some[0].verwerkte_objecten * 100)
    results = api.deliver(entries(*some[:25], huge, *some[25:]))
    assert [place for place, result in enumerate(results) if result is not None] == [25]
    assert results[25] is not None
    assert results[25].status == 413
    assert namen(sink, verwerking) == [str(number) for number in range(40)]
    assert proxy.paths.count("verwerkingsacties") == 1
    assert len(proxy.paths) < 25


def test_a_proxy_without_a_register_behind_it_does_not_end_batches(sink: Sink, api: ApiLog, proxy: Proxy) -> None:
    """An ingress answers 404 while what stands behind it starts."""
    proxy.instead = lambda path, body: (404, b"<html>default backend</html>")
    some = entries(actie(1), actie(2))
    with pytest.raises(LogUnavailable, match="404"):
        api.deliver(some)
    proxy.instead = lambda path, body: None
    wait_until(lambda: _takes(api))
    proxy.requests.clear()
    assert api.deliver(some) == [None] * 2
    assert proxy.paths == ["_batch"]


def test_a_refusal_for_thousands_of_reasons_names_some_of_them(api: ApiLog, proxy: Proxy) -> None:
    params = [{"name": f"verwerkteObjecten.{place}.objectId", "code": "invalid"} for place in range(2000)]
    problem = {"results": [{"status": 400, "problem": {"invalidParams": params}}]}
    proxy.instead = lambda path, body: (200, msgspec.json.encode(problem))
    (refused,) = api.deliver(entries(actie()))
    assert str(refused).endswith("verwerkteObjecten.19.objectId: invalid, and 1980 more)")


def entries(*acties: Verwerkingsactie) -> list[Entry]:
    return [Entry(key=f"test-{uuid4()}", body=wire_form(one)) for one in acties]


@pytest.fixture
def api(proxy: Proxy, sink: Sink) -> Iterator[ApiLog]:
    log = ApiLog(proxy.address, token=sink.token, timeout=60)
    yield log
    log.close()


def test_it_is_a_receiver(api: ApiLog, sink: Sink) -> None:
    assert isinstance(api, Receiver)
    wait_until(lambda: _takes(api))
    verwerking = uuid4()
    many = entries(*(actie(number, verwerking) for number in range(1500)))
    assert api.deliver(many) == [None] * 1500
    assert api.deliver(many[:2]) == [None] * 2
    assert namen(sink, verwerking) == [str(number) for number in range(1500)]


def _takes(api: ApiLog) -> bool:
    try:
        return api.deliver(entries(actie())) == [None]
    except LogUnavailable:
        return False


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, b""), "401; see to the client's id and secret"),
        ((403, b""), "403; see to what the client may do"),
        ((409, b""), "409"),
        ((429, b""), "429"),
        ((500, BSN.encode()), "500"),
        ((302, b""), "302"),
        ((201, b'{"actieId": "x"}'), "201"),
        ((200, b"<html>"), "did not say of each"),
        ((200, b'{"results": []}'), "did not say of each"),
        ((200, b'{"results": [{"status": 201}]}'), "201 for a verwerkingsactie in a batch"),
        ((200, b'{"results": [{"status": 409}]}'), "409 for a verwerkingsactie in a batch"),
        ((200, b'{"results": [{"status": 503, "problem": {"detail": "230857266"}}]}'), "503 for a verwerkingsactie in a batch"),
    ],
)
def test_an_answer_that_does_not_judge_each_record_means_all_again(
    api: ApiLog, proxy: Proxy, answer: tuple[int, bytes], message: str
) -> None:
    proxy.instead = lambda path, body: answer
    with pytest.raises(LogUnavailable, match=message) as caught:
        api.deliver(entries(actie()))
    assert BSN not in str(caught.value)
    assert proxy.paths == ["_batch"]


def test_a_refusal_in_a_batch_names_attributes_and_no_values(api: ApiLog, proxy: Proxy) -> None:
    problem = {"invalidParams": [{"name": "acties.0.tijdstip", "code": "invalid", "reason": BSN}, {"name": BSN, "code": "x"}]}
    proxy.instead = lambda path, body: (200, msgspec.json.encode({"results": [{"status": 400, "problem": problem}, {"status": 422}]}))
    first, second = api.deliver(entries(actie(), actie()))
    assert isinstance(first, LogRefused)
    assert (str(first), first.status) == ("the register answered 400 (acties.0.tijdstip: invalid)", 400)
    assert str(second) == "the register answered 422"


@pytest.mark.parametrize("status", [401, 404, 409, 503])
def test_an_answer_that_does_not_judge_one_record_means_that_one_again(api: ApiLog, proxy: Proxy, status: int) -> None:
    proxy.instead = lambda path, body: (404 if path.endswith("_batch") else status, b"")
    with pytest.raises(LogUnavailable, match=str(status)):
        api.deliver(entries(actie()))


def test_a_key_with_quotes_in_it_is_a_key(api: ApiLog, sink: Sink) -> None:
    wait_until(lambda: _takes(api))
    verwerking = uuid4()
    entry = Entry(key='a"b\\c' + str(uuid4()), body=wire_form(actie(1, verwerking)))
    assert api.deliver([entry]) == api.deliver([entry]) == [None]
    assert namen(sink, verwerking) == ["1"]


def test_a_delivery_is_part_of_no_request_and_of_no_trace(
    sink: Sink, outbox: OutboxLog, proxy: Proxy, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry import context as telemetry

    seen: list[tuple[bool, bool]] = []
    deliver = ApiLog.deliver

    def look(self: ApiLog, given: Any) -> Any:
        try:
            current()
            inside = True
        except OutsideContext:
            inside = False
        seen.append((inside, bool(telemetry.get_value("suppress_instrumentation"))))
        return deliver(self, given)

    monkeypatch.setattr(ApiLog, "deliver", look)
    with recording(recorder, caller=Doelbinding(oin="00000001821002193000")):
        outbox.log([actie()])
    delivered(outbox)
    assert set(seen) == {(False, True)}
    ((_, headers, _), *_) = proxy.requests
    assert headers.keys() - {"x-request-id"} <= {
        *("host", "accept", "accept-encoding", "connection", "user-agent", "authorization", "content-type", "content-length")
    }


def test_where_opentelemetry_is_not_used_it_is_not_missed() -> None:
    code = (
        "import sys\n"
        "from verwerkingenlogging.logs.delivery.untraced import untraced\n"
        "with untraced():\n    pass\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
