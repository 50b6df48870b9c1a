"""The part ``register``: all that is measured of it, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.machine import cores, pinned
from bench.plan import Plan
from bench.register.batch import measure_batches
from bench.register.places import Kind, absent, kinds
from bench.register.post import measure_post
from bench.result import Figure, Ratio, Result

__all__ = ["measure"]

_MEASURES: tuple[Callable[[Kind, Plan], Iterator[Figure | Ratio]], ...] = (measure_post, measure_batches)


def measure(plan: Plan) -> Result:
    """Everything, on each database that can run here. Raises NotDoneError or LoadError."""
    missing = absent()
    with pinned(cores()[-1:]), kinds() as found:
        outcome = [each for part in _MEASURES for kind in found for each in part(kind, plan)]
    return Result(
        part="register",
        title="The register: keeping a record, and finding it again",
        figures=tuple(each for each in outcome if isinstance(each, Figure)),
        ratios=tuple(each for each in outcome if isinstance(each, Ratio)),
        settings={"load": "wrk" if plan.wrk else "own generator", "rows": plan.rows},
        notes=(*([missing] if missing else []),),
    )
