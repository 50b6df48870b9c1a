"""``python -m bench``: run the parts, show their tables, keep their results."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from bench.asgi import inprocess, server
from bench.django import part as django
from bench.harness import machine
from bench.harness.plan import Plan
from bench.harness.report import document, table
from bench.harness.result import Result
from bench.outbox import part as outbox
from bench.register import held, purge, slow
from bench.register import part as register

PARTS: dict[str, Callable[[Plan], Result]] = {
    "inprocess": inprocess.measure,
    "server": server.measure,
    "django": django.measure,
    "outbox": outbox.measure,
    "register": register.measure,
    "purge": purge.measure,
    "register-held": held.measure,
    "register-slow": slow.measure,
}
_ROWS = 200_000
_QUICK_ROWS = 2_000
_RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the parts that the command line names, or all. A missed budget is shown; it is no error."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What we cost beside our peers, in one run.")
    parser.add_argument("parts", nargs="*", help=f"parts to run: {', '.join(PARTS)}; all when left out")
    parser.add_argument("--quick", action="store_true", default=bool(os.environ.get("BENCH_QUICK")), help="a few seconds; or BENCH_QUICK=1")
    parser.add_argument("--load", choices=("wrk", "own"), help="load generator for the server; wrk where it is installed, when left out")
    parser.add_argument("--results", type=Path, help="folder for the JSON files; a quick run keeps none when left out")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")

    wrk = options.load == "wrk" or (options.load is None and not options.quick and shutil.which("wrk") is not None)
    rows = int(os.environ.get("BENCH_ROWS") or (_QUICK_ROWS if options.quick else _ROWS))
    plan = Plan(quick=options.quick, wrk=wrk, rows=rows)
    results = options.results or (None if options.quick else _RESULTS)
    where = machine.describe()
    print(f"{where['python']}, {where['cpu']}, {where['cores']} cores, load average {where['load_average']}")
    missed = 0
    for part in options.parts or PARTS:
        result = PARTS[part](plan)
        print(table(result), flush=True)
        missed += sum(ratio.verdict == "MISSED" for ratio in result.ratios)
        if results is not None:
            results.mkdir(parents=True, exist_ok=True)
            text = json.dumps(document(result, where, quick=plan.quick), indent=2, ensure_ascii=False)
            (results / f"{result.part}.json").write_text(text + "\n", encoding="utf-8")
    print(f"\n{missed} budget(s) MISSED" if missed else "\nEvery budget met")


if __name__ == "__main__":
    main()
