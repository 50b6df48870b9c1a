"""What a project did not install is not imported: the core with nothing but what it depends on, and each extra apart."""

from __future__ import annotations

import pytest
from tests.optional import without

EXTRAS = (
    "anyio",
    "celery",
    "cryptography",
    "django",
    "fastapi",
    "google",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "jwt",
    "opentelemetry",
    "pydantic",
    "pytest",
)
OTHERS = ("_pytest", "requests", "rich", "sqlalchemy", "starlette", "uvicorn")
FOR_EXTRAS = {
    "api": ("api", "confirmed", *(f"_http.{name}" for name in ("client_token", "connections", "exchange", "http_library", "name_lookup"))),
    "otel": ("_exporter", "otlp", "spans"),
}
FOR_AN_EXTRA = [
    *(f"verwerkingenlogging.logs.{name}" for names in FOR_EXTRAS.values() for name in names),
    *(f"verwerkingenlogging.{name}" for name in ("celery", "pytest_plugin", "telemetry.otel_guard", "telemetry.otel_propagator")),
]


def test_the_core_needs_no_extra() -> None:
    script = f"""
        imported("verwerkingenlogging", but={FOR_AN_EXTRA!r})
        from verwerkingenlogging.logs.outbox import OutboxLog
        import pathlib, tempfile
        from verwerkingenlogging import *
        import uuid
        settings = Settings(oin="00000001821002193000", activiteiten=Activiteiten(
            {{"00000001821002193000": [Activiteit(naam="brp", id=uuid.UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}}))
        kept = MemoryLog()
        with OutboxLog(pathlib.Path(tempfile.mkdtemp()), kept) as log, recording(Recorder(log, settings)):
            log_actie("Ophalen", activiteit="brp", objecten="230857266")
            assert log.flush(30)
        print(len(kept.acties))
        """
    assert without((*EXTRAS, *OTHERS), script) == "1"


@pytest.mark.parametrize(
    ("missing", "module"), [(("opentelemetry", "cryptography"), "api"), (("httpcore", "httpcore2", "jwt", "cryptography"), "otel")]
)
def test_an_extra_needs_no_other(missing: tuple[str, ...], module: str) -> None:
    names = [f"verwerkingenlogging.logs.{name}" for name in FOR_EXTRAS[module]]
    assert without(missing, f"for name in {names!r}: importlib.import_module(name)\nprint('all')") == "all"


def test_an_outbox_without_the_extra_says_what_to_install(tmp_path: object) -> None:
    script = f"""
        from verwerkingenlogging import ConfigurationError
        from verwerkingenlogging.commands.main import main
        from verwerkingenlogging.logs.outbox import OutboxLog
        try:
            OutboxLog.from_env(environ={{"VERWERKINGENLOGGING_OUTBOX": {str(tmp_path)!r}}})
        except ConfigurationError as error:
            print(error)
        sys.stderr = sys.stdout
        print(main(["outbox", "flush", {str(tmp_path)!r}]))
        """
    first, second, status = without(("jwt",), script).splitlines()
    assert first == "outbox: it is to deliver to a register, but jwt is not installed: pip install 'verwerkingenlogging[api]'"
    assert first in second
    assert int(status) > 0


def test_the_plugin_for_starlette_needs_no_fastapi_nor_an_extra() -> None:
    script = """
        imported("verwerkingenlogging_starlette", but=["verwerkingenlogging_starlette.fastapi"])
        import asyncio, uuid
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route
        from verwerkingenlogging import *
        from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

        @verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("request.path_params.bsn"))
        async def read(request):
            return PlainTextResponse("recorded")

        settings = Settings(oin="00000001821002193000", activiteiten=Activiteiten(
            {"00000001821002193000": [Activiteit(naam="brp", id=uuid.UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}))
        app = Starlette(routes=[Route("/{bsn}", read)])
        app.add_middleware(VerwerkingenloggingMiddleware, recorder=Recorder(MemoryLog(), settings))

        async def ask():
            async def send(message): print(message.get("status") or message["body"].decode())
            async def receive(): return {"type": "http.request"}
            scope = {"type": "http", "method": "GET", "path": "/230857266", "headers": [], "query_string": b"", "root_path": ""}
            await app(scope, receive, send)
        asyncio.run(ask())
        """
    blocked = tuple(name for name in (*EXTRAS, *OTHERS) if name not in {"anyio", "starlette"})
    assert without((*blocked, "itsdangerous", "jinja2", "multipart", "python_multipart", "yaml"), script).split() == ["200", "recorded"]
