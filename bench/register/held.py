"""How long one request keeps the register's event loop from everybody else, whatever is sent."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bench.budget import HELD
from bench.harness.load import PLACEHOLDER
from bench.harness.machine import cores, pinned
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio, Result
from bench.harness.spread import Spread
from bench.harness.work import NotDoneError
from bench.register.places import kinds, token
from bench.register.record import BODY
from bench.register.server import started
from bench.register.variants import HELD_PATH, PROBED

__all__ = ["measure"]

_ROUNDS = 5
_QUICK_ROUNDS = 2
_ALLOWED_MS = 25.0
_ACTIES = "/api/v1/verwerkingsacties"
_JSON = "application/json"
_PROTOBUF = "application/x-protobuf"
_PERSON = b'{"objecttype":"persoon","soortObjectId":"BSN","objectId":"900000012"}'
_BODY_MAX = 1024 * 1024
_BATCH_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A request that might hold the loop, and the status of its answer."""

    name: str
    content: bytes = b""
    status: int
    path: str = _ACTIES
    method: str = "POST"
    media_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def measure(plan: Plan) -> Result:
    """Send each request to a register whose loop is watched. Raises NotDoneError when one is not answered as it should be."""
    rounds = _QUICK_ROUNDS if plan.quick else _ROUNDS
    with pinned(cores()[-1:]), kinds() as found:
        lite = found[0]
        with started(PROBED, lite.new(), lite.scratch, "--no-log-inzage") as server:
            server.wait()
            outcome = [each for case in _cases(quick=plan.quick) for each in _measured(server.port, case, rounds)]
    return Result(
        part="register-held",
        title="The register: how long one request holds up all others",
        figures=tuple(each for each in outcome if isinstance(each, Figure)),
        ratios=tuple(each for each in outcome if isinstance(each, Ratio)),
        settings={"rounds": rounds},
        notes=(
            "Held: the longest that a task on the event loop, which wakes every millisecond, was late by in a round; no more than",
            "the processor time that the register used meanwhile, so that what other processes do is not counted. SQLite.",
            "Ratios: of the 25 ms that a request may hold the loop. Whole: from the first byte sent to the last byte of the answer.",
        ),
    )


def _measured(port: int, case: _Case, rounds: int) -> Iterator[Figure | Ratio]:
    held, whole = [], []
    for _ in range(rounds):
        _asked(port, "GET", HELD_PATH, b"", {})  # what came before does not count
        began = time.perf_counter()
        headers = {"Content-Type": case.media_type, "Authorization": f"Bearer {token()}", **case.headers}
        status, answer = _asked(port, case.method, case.path, case.content, headers)
        whole.append(time.perf_counter() - began)
        if status != case.status:
            raise NotDoneError(f"{case.name}: {status} instead of {case.status}: {answer[:300]!r}")
        held.append(json.loads(_asked(port, "GET", HELD_PATH, b"", {})[1])["seconds"] * 1000)
    yield Figure(group="held", name=case.name, unit="ms", spread=Spread.of(held))
    yield Figure(group="whole", name=case.name, unit="ms", spread=Spread.of(each * 1000 for each in whole))
    yield Ratio(group="held", name=case.name, spread=Spread.of(each / _ALLOWED_MS for each in held), budget=HELD)


def _asked(port: int, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, content or None, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _actie(objecten: bytes) -> bytes:
    given = BODY.replace(PLACEHOLDER, "900000012").encode()
    begin, end = given.index(b'"verwerkteObjecten":[') + len(b'"verwerkteObjecten":['), given.rindex(b"]")
    return given[:begin] + objecten + given[end:]


def _filled(begin: bytes, each: bytes, end: bytes, size: int) -> bytes:
    """As many of ``each`` as fit in ``size`` bytes."""
    number = (size - len(begin) - len(end)) // (len(each) + 1)
    return begin + b",".join([each] * number) + end


def _batch(acties: int, objecten: int) -> bytes:
    return b'{"acties":[' + b",".join([_actie(b",".join([_PERSON] * objecten))] * acties) + b"]}"


def _span(number: int, attributes: int = 20) -> Span:
    texts = {"dpl.core.processing_activity_id": "urn:x", "dpl.core.data_subject_id": "900000012", "dpl.core.data_subject_id_type": "BSN"}
    texts.update({f"dpl.x.{place}": "y" * 20 for place in range(attributes)})
    pairs = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in texts.items()]
    return Span(
        name="Ophalen",
        trace_id=number.to_bytes(16),
        span_id=number.to_bytes(8),
        start_time_unix_nano=time.time_ns(),
        end_time_unix_nano=time.time_ns(),
        attributes=pairs,
    )


def _spans(*spans: Span) -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return bytes(request.SerializeToString())


def _field(number: int, content: bytes) -> bytes:
    length, size = [], len(content)
    while size > 0x7F:  # noqa: PLR2004  # seven bits a byte
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def _cases(*, quick: bool) -> Iterator[_Case]:
    """Honest and hostile; a quick run has the small ones."""
    size = _BODY_MAX if quick else _BATCH_MAX
    acties = 50 if quick else 1000
    yield _Case(name="a record of one person", content=_actie(_PERSON), status=201)
    yield _Case(name="a record of 5,000 persons", content=_actie(b",".join([_PERSON] * 5000)), status=201)
    yield _Case(name="honest batch of 14 persons each", content=_batch(acties, 14 if quick else 190), status=200, path=f"{_ACTIES}/_batch")
    yield _Case(name="lists only", content=_filled(b"[", b"[]", b"]", 900_000), status=400)
    yield _Case(name="lists only, as persons", content=_actie(_filled(b"", b"[]", b"", 900_000)), status=400)
    yield _Case(name="lists only, as a batch", content=_filled(b'{"acties":[', b"[]", b"]}", size), status=400, path=f"{_ACTIES}/_batch")
    yield _Case(name="empty persons", content=_actie(_filled(b"", b"{}", b"", 1_000_000)), status=400)
    yield _Case(name="20,000 empty persons", content=_actie(b",".join([b"{}"] * 20_000)), status=400)
    yield _Case(name="numbers as persons", content=_actie(_filled(b"", b"1", b"", 300_000)), status=400)
    yield _Case(name="empty acties", content=_filled(b'{"acties":[', b"{}", b"]}", size), status=400, path=f"{_ACTIES}/_batch")
    yield _Case(
        name="unknown properties", content=_filled(b'{"acties":[{"x":[', b'{"y":1}', b"]}]}", size), status=200, path=f"{_ACTIES}/_batch"
    )
    yield _Case(name="escapes without end", content=b'{"x":"' + b"\\n" * (size // 2 - 10) + b'"}', status=400, path=f"{_ACTIES}/_batch")
    yield _Case(name="braces in a text", content=b'{"x":"' + b"{}" * (size // 2 - 10) + b'"}', status=400, path=f"{_ACTIES}/_batch")
    yield _Case(name="a text just short enough", content=b'{"x":"' + b"\\n" * 150_000 + b'"}', status=400, path=f"{_ACTIES}/_batch")
    yield _Case(
        name="one name twice, often", content=_filled(b'{"acties":[', b'{"a":1,"a":1}', b"]}", size), status=400, path=f"{_ACTIES}/_batch"
    )
    yield _Case(name="nesting without end", content=b"[" * size, status=400, path=f"{_ACTIES}/_batch")
    yield _Case(
        name="a question with much behind it", content=_filled(b'{"x":[', b'{"y":1}', b"]}", _BODY_MAX), status=400, path=f"{_ACTIES}/_zoek"
    )
    yield _Case(name="more than the limit", content=b" " * (_BATCH_MAX + 1_000_000), status=413, path=f"{_ACTIES}/_batch")
    yield _Case(name="description", status=200, path="/api/v1/openapi.json", method="GET")
    some = [_span(number) for number in range(1, 200 if quick else 15_000)]
    yield _Case(name="honest spans", content=_spans(*some), status=200, path="/v1/traces", media_type=_PROTOBUF)
    yield _Case(
        name="empty spans", content=_field(1, _field(2, b"\x12\x00" * 190_000)), status=200, path="/v1/traces", media_type=_PROTOBUF
    )
    yield _Case(
        name="too many spans",
        content=_field(1, _field(2, b"\x12\x00" * (size // 2 - 10))),
        status=413,
        path="/v1/traces",
        media_type=_PROTOBUF,
    )
    yield _Case(
        name="empty attributes",
        content=_field(1, _field(2, _field(2, b"\x4a\x00" * (size // 2 - 10)))),
        status=200,
        path="/v1/traces",
        media_type=_PROTOBUF,
    )
    yield _Case(name="many resources", content=b"\x0a\x00" * (size // 2 - 10), status=413, path="/v1/traces", media_type=_PROTOBUF)
    spans = _filled(b'{"resourceSpans":[{"scopeSpans":[{"spans":[', b'{"name":"x"}', b"]}]}]}", size // 4)
    yield _Case(name="spans in JSON", content=spans, status=200 if quick else 413, path="/v1/traces")
    bomb = gzip.compress(b"\0" * 64 * 1024 * 1024)
    yield _Case(name="gzip bomb", content=bomb, status=413, path="/v1/traces", media_type=_PROTOBUF, headers={"Content-Encoding": "gzip"})
    question = f"{_ACTIES}?objecttype=persoon&soortObjectId=BSN&objectId=900000012&pageSize="
    yield _Case(name="a search of 500 results", status=200, path=f"{question}500", method="GET")
    yield _Case(name="a search for one result", status=200, path=f"{question}1", method="GET")
    verwerking = f"89aa7a9a-1f79-44de-b32e-8e3{'900000012'}"
    yield _Case(name="500 acties of a verwerking", status=200, path=f"{_ACTIES}?verwerkingId={verwerking}&pageSize=500", method="GET")
