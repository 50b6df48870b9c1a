"""A receiver of OTLP on loopback, over HTTP or gRPC, that keeps what it acknowledged; and the collector rotel in front of it."""

from __future__ import annotations

import gzip
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # it has no types
import rotel  # type: ignore[import-untyped]  # it has no types
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.servers import free_port, serving
from verwerkingenlogging import Verwerkingsactie
from verwerkingenlogging.ldv import LdvSpan, actie_of, is_part


@dataclass
class Receiver:
    """What was received. Set ``down``, and nothing is taken; set ``rejects``, and one span of each request is not."""

    address: str = ""
    down: bool = False
    rejects: bool = False
    spans: list[LdvSpan] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[trace_pb2.Span] = field(default_factory=list)
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acties(self) -> list[Verwerkingsactie]:
        """The acties in them, in order, each once."""
        return list({span.span_id: actie_of(span) for span in self.spans if not is_part(span)}.values())

    def take(self, request: ExportTraceServiceRequest, headers: dict[str, str]) -> ExportTraceServiceResponse:
        """Keep a request, as a receiver that is up does."""
        with self.lock:
            self.calls += 1
            self.headers.append(headers)
            for group in request.resource_spans:
                resource = {each.key: value_of(each.value) for each in group.resource.attributes}
                for span in (span for scope in group.scope_spans for span in scope.spans):
                    self.raw.append(span)
                    self.spans.append(
                        LdvSpan(
                            name=span.name,
                            trace_id=span.trace_id,
                            span_id=span.span_id,
                            parent_span_id=span.parent_span_id or None,
                            start=span.start_time_unix_nano,
                            end=span.end_time_unix_nano,
                            attributes={each.key: value_of(each.value) for each in span.attributes},
                            resource=resource,
                        )
                    )
        answer = ExportTraceServiceResponse()
        if self.rejects:
            answer.partial_success.rejected_spans = 1
        return answer


def value_of(value: AnyValue) -> Any:
    """A value of OTLP in Python."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


@contextmanager
def otlp_http() -> Iterator[Receiver]:
    """Over HTTP; ``address`` is the whole address of the traces."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            body = gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
            request = ExportTraceServiceRequest.FromString(body)
            if receiver.down:
                self.send_response(400)  # final, so that the exporter does not try again by itself
                body = b""
            else:
                body = receiver.take(request, {name.lower(): value for name, value in self.headers.items()}).SerializeToString()
                self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.address = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def otlp_grpc() -> Iterator[Receiver]:
    """Over gRPC."""
    receiver = Receiver()

    class Servicer(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: ExportTraceServiceRequest, context: grpc.ServicerContext) -> ExportTraceServiceResponse:  # noqa: N802
            if receiver.down:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "")
            return receiver.take(request, {})

    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Servicer(), server)  # type: ignore[no-untyped-call]  # generated
    receiver.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(None).wait()


@contextmanager
def collector(deliver_to: str, folder: Path) -> Iterator[tuple[int, int, subprocess.Popen[bytes]]]:
    """The collector rotel, which passes on over HTTP to ``deliver_to``: its ports for gRPC and HTTP, and its process."""
    grpc_port, http_port = free_port(), free_port()
    command = [
        str(Path(rotel.__file__).parent / "rotel-agent"),
        "start",
        *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc_port}", "--otlp-http-endpoint", f"127.0.0.1:{http_port}"),
        *("--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", deliver_to),
        *("--pid-file", str(folder / "rotel.pid"), "--log-file", str(folder / "rotel.log")),
    ]
    with serving(command, grpc_port, http_port, folder=folder) as process:
        yield grpc_port, http_port, process
