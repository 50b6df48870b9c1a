"""Caches above what records: found among the routes and below them, when an application starts and when it is checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from verwerkingenlogging.routes.caches import cache_of, inner_of

APP = """
import functools, threading
from pathlib import Path
import cachetools
from aiocache import cached
from async_lru import alru_cache
from django.utils import functional
from fastapi import FastAPI
from fastapi_cache import FastAPICache
from fastapi_cache.backends.inmemory import InMemoryBackend
from fastapi_cache.decorator import cache
from verwerkingenlogging import MemoryLog, Recorder, Settings, persoon, verwerkingsactie
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

log = MemoryLog()
app = FastAPI()
app.add_middleware(VerwerkingenloggingMiddleware, recorder=Recorder(log, Settings.from_file(Path(__file__).parent / "verwerkingenlogging.toml")))
ophalen = verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("bsn"))
FastAPICache.init(InMemoryBackend())
"""
ASK = """
import logging
from starlette.testclient import TestClient
from verwerkingenlogging.commands.main import main
logging.basicConfig(format="%(message)s")
import checked
with TestClient(checked.app) as client:
    for route in checked.app.routes[4:]:
        checked.log.acties.clear()
        print([client.get(route.path.replace("{bsn}", "1")).status_code for _ in range(3)], len(checked.log.acties))
print(main(["check", "checked:app"]))
"""
AT_ROUTE = """
@app.get("/{name}/{{bsn}}")
{cache}
@ophalen
{kind}def {name}(bsn: str):
    return bsn
"""
BELOW = """
{cache}
@ophalen
{kind}def {name}(bsn):
    return bsn

@app.get("/{name}/{{bsn}}")
async def route(bsn: str):
    return {wait}{name}(bsn)
"""
PROPERTY = """
class Dossier:
    bsn = "1"

    @{cache}
    @verwerkingsactie("Ophalen", activiteit="brp", objecten=persoon("self.bsn"))
    def {name}(self):
        return self.bsn

{name} = Dossier()

@app.get("/{name}/{{bsn}}")
async def route(bsn: str):
    return {name}.{name}
"""
CACHES = {
    "lru": ("functools.lru_cache", "@functools.lru_cache", ""),
    "forever": ("functools.lru_cache", "@functools.cache", ""),
    "tools": ("cachetools", "@cachetools.cached({})", ""),
    "locked": ("cachetools", "@cachetools.cached(cachetools.TTLCache(9, 9), lock=threading.Lock())", ""),
    "awaited": ("async_lru", "@alru_cache", "async "),
    "aio": ("aiocache", "@cached()", "async "),
    "fast": ("fastapi_cache", "@cache()", "async "),
}


def run(folder: Path, *code: str) -> subprocess.CompletedProcess[str]:
    (folder / "verwerkingenlogging.toml").write_text('oin = "00000001821002193000"\nactiviteiten = "activiteiten.toml"\n')
    (folder / "activiteiten.toml").write_text('["00000001821002193000"]\nbrp = { id = "5f0bef4c-f66f-4311-84a5-19e8bf359eaf" }\n')
    (folder / "checked.py").write_text("\n".join([APP, *code]))
    return subprocess.run([sys.executable, "-c", ASK], cwd=folder, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("place", [AT_ROUTE, BELOW], ids=["at the route", "below it"])
def test_a_cache_above_what_records_is_found_at_the_start_and_by_check(tmp_path: Path, place: str) -> None:
    code = [place.format(name=name, cache=cache, kind=kind, wait="await " if kind else "") for name, (_, cache, kind) in CACHES.items()]
    done = run(tmp_path, *code)
    assert done.returncode == 0, done.stderr
    *asked, status = (line for line in done.stdout.splitlines() if line[0] in "[01")
    assert asked == ["[200, 200, 200] 1"] * len(CACHES)  # which is what it is about
    for name, (package, *_) in CACHES.items():
        message = f"checked.{name}: a cache ({package}) stands above what records, and answers without a record; do not cache personal data"
        started, checked = (line for line in done.stderr.splitlines() if message in line)
        assert (started.startswith("checked"), checked.startswith("verwerkingenlogging: ")) == (True, True)
    assert status == "1"


def test_a_property_that_is_read_once_is_found(tmp_path: Path) -> None:
    kinds = {"std": "functools.cached_property", "django": "functional.cached_property"}
    done = run(tmp_path, *(PROPERTY.format(name=name, cache=cache) for name, cache in kinds.items()))
    assert done.stdout.splitlines()[:2] == ["[200, 200, 200] 1"] * 2
    assert done.stderr.count("checked.Dossier.std: a cache (functools.cached_property) stands above what records") == 2
    assert done.stderr.count("checked.Dossier.django: a cache (django.utils.functional.cached_property) stands above what records") == 2


RIGHT = """
@app.get("/right/{bsn}")
@ophalen
@functools.lru_cache
def get(bsn: str):
    return bsn

@functools.lru_cache
def tarief(jaar):
    return jaar
"""


def test_a_cache_below_what_records_is_fine(tmp_path: Path) -> None:
    done = run(tmp_path, RIGHT)
    assert done.stdout.splitlines()[0] == "[200, 200, 200] 3"
    assert (done.stdout.splitlines()[-1], done.stderr) == ("0", "")


def test_what_is_no_cache_is_not_known_as_one() -> None:
    assert [cache_of(one) for one in (run, APP, Path, len)] == [None] * 4
    assert inner_of(run) is None
