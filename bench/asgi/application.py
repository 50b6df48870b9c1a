"""The application that is measured: one route with a person's id in its path and a small answer, in Starlette and in FastAPI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

__all__ = ["FRAMEWORKS", "Annotate", "Framework"]

F = TypeVar("F", bound=Callable[..., object])
Annotate = Callable[[F], F]


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """How the same application is made in one framework.

    Attributes:
        name: of the framework.
        build: makes it, with a decorator for its route.
        bsn: where the person's id is among the arguments of the route, as our annotation names it.
        trace: adds the framework's own OpenTelemetry instrumentation, which makes spans with the given provider.
    """

    name: str
    build: Callable[[Annotate[Callable[..., object]]], Starlette]
    bsn: str
    trace: Callable[[Starlette, TracerProvider], None]


def _answer(bsn: str) -> dict[str, str]:
    return {"burgerservicenummer": bsn, "naam": "Jansen"}


def _starlette(annotate: Annotate[Callable[..., object]]) -> Starlette:
    async def ophalen(request: Request) -> JSONResponse:
        return JSONResponse(_answer(request.path_params["bsn"]))

    return Starlette(routes=[Route("/personen/{bsn}", annotate(ophalen))])


def _fastapi(annotate: Annotate[Callable[..., object]]) -> FastAPI:
    async def ophalen(bsn: str) -> dict[str, str]:
        return _answer(bsn)

    # Its native telemetry starts by itself when the process has a global provider. Off in every variant: the peer is the
    # instrumentation package, and the bare one must be bare.
    application = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False}, openapi_url=None)
    application.get("/personen/{bsn}")(annotate(ophalen))
    return application


def _trace_starlette(application: Starlette, provider: TracerProvider) -> None:
    StarletteInstrumentor.instrument_app(application, tracer_provider=provider)


def _trace_fastapi(application: Starlette, provider: TracerProvider) -> None:
    if not isinstance(application, FastAPI):
        raise TypeError(type(application).__name__)
    FastAPIInstrumentor.instrument_app(application, tracer_provider=provider)


FRAMEWORKS = {
    "starlette": Framework(name="Starlette", build=_starlette, bsn="request.path_params.bsn", trace=_trace_starlette),
    "fastapi": Framework(name="FastAPI", build=_fastapi, bsn="bsn", trace=_trace_fastapi),
}
