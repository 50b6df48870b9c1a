"""What a request needs of the running register, and the dependency that gives it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request

from verwerkingenlogging_register.answers import Answers
from verwerkingenlogging_register.settings import Settings
from verwerkingenlogging_register.store import Store

__all__ = ["Register", "attach", "register_of"]


@dataclass(frozen=True, slots=True)
class Register:
    """One running register: its settings, its database and how it answers."""

    settings: Settings
    store: Store
    answers: Answers


def attach(app: FastAPI, register: Register) -> None:
    """Let the requests of ``app`` be served by ``register``."""
    app.state.register = register


async def register_of(request: Request) -> Register:
    """The register that serves this request. A dependency."""
    register: Register = request.app.state.register
    return register
