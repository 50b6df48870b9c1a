"""uvicorn or gunicorn with OpenTelemetry switched on: every span and every log record goes to stdout, with all its attributes."""

from __future__ import annotations

import os
import runpy
import sys

from opentelemetry._logs import set_logger_provider
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import set_tracer_provider

if __name__ == "__main__":
    traces, logs = TracerProvider(), LoggerProvider()
    traces.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    logs.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter()))
    set_tracer_provider(traces)
    set_logger_provider(logs)
    if "gunicorn" in sys.argv:
        os.environ["DJANGO_SETTINGS_MODULE"] = "burgerzaken.settings"
        DjangoInstrumentor().instrument()
    runpy.run_module(sys.argv.pop(1), run_name="__main__")
