"""The part ``register``: all that is measured of it, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.harness.machine import cores, pinned
from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio, Result
from bench.register.batch import measure_batches
from bench.register.places import Kind, absent, kinds
from bench.register.post import measure_post
from bench.register.search import measure_search

__all__ = ["measure"]

_MEASURES: tuple[Callable[[Kind, Plan], Iterator[Figure | Ratio]], ...] = (measure_post, measure_batches, measure_search)


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
        notes=(
            "requests/s: as the load sees them. On a busy machine look at the processor: that of the register's process, which has the",
            "first core; PostgreSQL and the load have the last.",
            "POST: the command 'verwerkingenlog serve' itself; a record of one person, another in each request. Storage left out: the same",
            "checks and the same answer. A transaction per request: one connection on SQLite, eight on PostgreSQL.",
            "Batches: the register's own insert at storage level, with sealing, beside rows that are sealed and numbered already, through",
            "the bare driver into the same tables with the same settings. One commit for each batch, on both sides.",
            "Disk: tables and indexes as they grow by inserts, without the write-ahead log; JSON: a record as a client posts it.",
            "Search: everybody has eighteen records, spread over two years, which on PostgreSQL are 28 partitions; no period is asked for.",
            "Bare query: the same rows through the bare driver, neither opened nor judged. No inspection is logged.",
            "Over HTTP: beside a fixed answer for anybody, and beside the same behind the token, client and doelbinding of a search.",
            "Inspection recorded: a read commits a record of its own, on both sides; on a copy of the smaller database.",
            "Processor: of the process that searches, and of PostgreSQL's process that works for it.",
            *([missing] if missing else []),
        ),
    )
