"""Health checks, for a process manager and a load balancer. They need no token and show no data."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request

from verwerkingenlogging.errors import LogUnavailable
from verwerkingenlogging_register._requests.register import register_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_PATIENCE_SECONDS = 5.0


@router.get("/gezondheid")
async def alive() -> dict[str, str]:
    """It answers: it lives."""
    return {"status": "gezond"}


@router.get("/gereed")
async def ready(request: Request) -> dict[str, str]:
    """It can write and read. Raises LogUnavailable, which is 503, when it cannot, or when the last commit failed a moment ago."""
    register = register_of(request)
    if register.repository.failing:
        raise LogUnavailable("the last commit failed")
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await register.repository.check()
    except TimeoutError:
        raise LogUnavailable(f"the database did not answer within {_PATIENCE_SECONDS:.0f} seconds") from None
    return {"status": "gereed"}
