"""POST of one actie: the register beside itself without storage, and beside a transaction per request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from sqlalchemy import func, select

from bench.budget import POSTED
from bench.harness.load import Request, own, wrk
from bench.harness.plan import Loads, Plan
from bench.harness.result import Figure, Ratio
from bench.harness.spread import Spread
from bench.harness.work import NotDoneError
from bench.register.places import Kind, Place, token
from bench.register.record import BODY
from bench.register.server import Round, started
from bench.register.variants import EACH, LEFT_OUT, OURS
from verwerkingenlogging_register._database.engines import open_reader
from verwerkingenlogging_register._model.tables import verwerkingsactie, verwerkt_object

__all__ = ["CONNECTIONS", "measure_post"]

CONNECTIONS = (32, 128)
_MICRO = 1e6


_FULL = Loads(rounds=10, seconds=0.5, warm_up=0.5)
_VARIANTS = (OURS, LEFT_OUT, EACH)
_QUICK = Loads(rounds=2, seconds=0.2, warm_up=0.4)


def measure_post(kind: Kind, plan: Plan) -> Iterator[Figure | Ratio]:
    """Each variant in interleaved rounds. Raises NotDoneError when one did not store what it answered."""
    size = _QUICK if plan.quick else _FULL
    load = wrk if plan.wrk else own
    request = Request(path="/api/v1/verwerkingsacties", method="POST", body=BODY, token=token(), status=201)
    with ExitStack() as running:
        places = {name: kind.new() for name in _VARIANTS}
        servers = {name: running.enter_context(started(name, place, kind.scratch)) for name, place in places.items()}
        for server in servers.values():
            server.wait()
        every = {name: [server.round(own, request, CONNECTIONS[0], size.warm_up)] for name, server in servers.items()}
        rounds: dict[tuple[str, int], list[Round]] = {}
        names = list(_VARIANTS)
        for number in range(size.rounds):
            for connections in CONNECTIONS:
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    done = servers[name].round(load, request, connections, size.seconds)
                    rounds.setdefault((name, connections), []).append(done)
                    every[name].append(done)
    for name, place in places.items():
        _verify(name, place, sum(each.count for each in every[name]), unanswered=sum(each.unanswered for each in every[name]))
    for connections in CONNECTIONS:
        yield from _outcome(kind, connections, {name: rounds[name, connections] for name in _VARIANTS})


def _verify(name: str, place: Place, answered: int, *, unanswered: int) -> None:
    """A record and an object for each answer; when a load stops, some are under way."""
    engine = open_reader(place.location)
    with engine.connect() as connection:
        stored = [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (verwerkingsactie, verwerkt_object)]
    engine.dispose()
    expected = range(1) if name == LEFT_OUT else range(answered, answered + unanswered + 1)
    if not all(count in expected for count in stored):
        raise NotDoneError(f"{name}: stored {stored} of {answered} verwerkingsacties")


def _outcome(kind: Kind, connections: int, rounds: dict[str, list[Round]]) -> Iterator[Figure | Ratio]:
    group = f"{kind.name}, POST at {connections}"
    for name, many in rounds.items():
        yield Figure(group=group, name=name, unit="requests/s", spread=Spread.of(each.seen for each in many))
    for name, many in rounds.items():
        yield Figure(group=group, name=name, unit="µs processor", spread=Spread.of(each.busy * _MICRO for each in many))
    for other in (LEFT_OUT, EACH):
        budget = POSTED.get((kind.cluster is not None, other))
        seen = Spread.of(a.seen / b.seen for a, b in zip(rounds[OURS], rounds[other], strict=True))
        yield Ratio(group=group, name=f"requests/s, {OURS} / {other}", spread=seen, budget=budget)
        busy = Spread.of(b.busy / a.busy for a, b in zip(rounds[OURS], rounds[other], strict=True))
        yield Ratio(group=group, name=f"requests per second of processor, {OURS} / {other}", spread=busy)
