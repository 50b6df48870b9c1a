"""The running register, as requests use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import Request

from verwerkingenlogging_register._access.client_lookup import Clients
from verwerkingenlogging_register._access.quotas import InFlight, RateLimit
from verwerkingenlogging_register._acties.repository import Repository
from verwerkingenlogging_register._keys.issuers import KeySet
from verwerkingenlogging_register._keys.subject_secrets import SubjectSecrets
from verwerkingenlogging_register._metrics import Metrics
from verwerkingenlogging_register._requests.offload import Offload
from verwerkingenlogging_register._requests.recent_refusals import RecentRefusals
from verwerkingenlogging_register._rules.acceptance import Rules
from verwerkingenlogging_register._rules.bsn_places import SpellingWatch
from verwerkingenlogging_register._rules.flags import Flags
from verwerkingenlogging_register._wire.answers import Answers
from verwerkingenlogging_register.settings import Settings

__all__ = ["Register", "attach", "register_of"]


@dataclass(frozen=True, slots=True)
class Register:
    """One running register: its settings, database, answers, clients, quotas and metrics."""

    settings: Settings
    repository: Repository
    clients: Clients
    answers: Answers
    issuers: Mapping[str, KeySet]
    rate_limit: RateLimit
    in_flight: InFlight
    subject_secrets: SubjectSecrets
    metrics: Metrics
    refusals: RecentRefusals
    spellings: SpellingWatch
    rules: Rules
    flags: Flags
    offload: Offload


def attach(app: FastAPI, register: Register) -> None:
    """Let the requests of ``app`` be served by ``register``."""
    app.state.register = register


def register_of(request: Request) -> Register:
    """The register that serves this request."""
    register: Register = request.app.state.register
    return register
