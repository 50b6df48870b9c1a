"""The part ``outbox``: all that is measured of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.harness.plan import Plan
from bench.harness.result import Figure, Ratio, Result
from bench.outbox.deliver import measure_backlog, measure_keeping_up, measure_sent
from bench.outbox.emit import measure_disk, measure_emit

__all__ = ["measure"]

_MEASURES: tuple[Callable[[Plan], Iterator[Figure | Ratio]], ...] = (
    measure_emit,
    measure_disk,
    measure_sent,
    measure_keeping_up,
    measure_backlog,
)


def measure(plan: Plan) -> Result:
    """Everything. Raises NotDoneError."""
    outcome = [each for part in _MEASURES for each in part(plan)]
    return Result(
        part="outbox",
        title="The outbox: safe on the disk, delivered, and with a backlog",
        figures=tuple(each for each in outcome if isinstance(each, Figure)),
        ratios=tuple(each for each in outcome if isinstance(each, Ratio)),
        notes=(
            "One record: with every field, of one person. Build: what the recorder makes of annotation, verwerking and settings.",
            "Processor of the thread that logs; delivery, in another thread, is left out.",
            "64 waiting: each logs again as soon as it is safe. One wait: a bare write and fdatasync, one after the other, the same bytes.",
            "A delivered record: all processor time of the sending process, from the record at hand until it is acknowledged, by somebody",
            "who answers at once, in another process. OpenTelemetry: a span with an attribute for each field, the defaults of the SDK but",
            "for a queue in which all of a round fit, over HTTP.",
            "Under uvicorn: one worker on a core of its own, 32 connections that ask again at once; what is not yet delivered when that",
            "ends counts against it. Without a server: the application is called as fast as it answers, more than any server lets it.",
            "Memory: the most that the process had, less the most that it had before, while it took a backlog and delivered it.",
        ),
    )
