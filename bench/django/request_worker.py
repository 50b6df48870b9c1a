"""The rounds of one variant: ``python -m bench.django.request_worker <wsgi or asgi> <variant> <file of the database>``.

For each line on its standard input, which says how many requests, it asks that many and prints as JSON how many seconds of
processor each took. It stops at the end of that input, so it never outlives who started it.
"""

from __future__ import annotations

import gc
import json
import sys

from bench.django import project
from bench.django.direct_calls import Asgi, DirectCalls, Wsgi
from bench.django.variants import VARIANTS
from bench.harness.direct import path_of
from bench.harness.work import NotDoneError, Work, verify_done

__all__ = ["main"]

_WARM_UP = 300
_RUN_IN = 20


def main(mode: str, name: str, path: str) -> None:
    """Measure until standard input ends. Raises NotDoneError when the variant did not do its work for each request."""
    made = VARIANTS[name]()
    database = project.sqlite(path)
    asked: DirectCalls = Wsgi(project.wsgi(made, database)) if mode == "wsgi" else Asgi(project.asgi(made, database))
    _check(name, asked, made.work)
    asked.seconds([path_of("999999990")] * _WARM_UP)
    gc.collect()
    gc.freeze()
    print(json.dumps(None), flush=True)
    for line in sys.stdin:
        print(json.dumps(_round(name, asked, made.work, int(line))), flush=True)


def _round(name: str, asked: DirectCalls, work: Work | None, requests: int) -> float:
    """Seconds of processor per request. No garbage collection falls into it."""
    paths = [path_of(f"{number:09}") for number in range(requests)]
    asked.seconds(paths[:_RUN_IN])
    if work is not None:
        work.take()
    gc.collect()
    gc.disable()
    try:
        seconds = asked.seconds(paths)
    finally:
        gc.enable()
    _check(name, asked, work, requests)
    return seconds / requests


def _check(name: str, asked: DirectCalls, work: Work | None, requests: int = 0) -> None:
    """Raises NotDoneError when the work was not done for each of ``requests``, and for one more."""
    headers = asked.headers(path_of("999999990"))
    if headers != {"content-type"}:
        raise NotDoneError(f"{name}: an answer with the headers {sorted(headers)}")
    verify_done(name, requests=requests + 1, done=work.take() if work is not None else None)


if __name__ == "__main__":
    main(*sys.argv[1:4])
