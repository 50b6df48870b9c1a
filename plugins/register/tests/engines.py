"""Engines for tests: a test that fails half-way leaves none of their connections open, to fail whichever test comes next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from verwerkingenlogging_register._database.engines import open_reader, open_writer
from verwerkingenlogging_register._database.location import Location
from verwerkingenlogging_register._keys.protection import Keys

__all__ = ["disposed", "reader", "writer"]


@contextmanager
def disposed(engine: Engine) -> Iterator[Engine]:
    """``engine``, without a connection afterwards, whatever happens meanwhile."""
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def reader(location: Location, keys: Keys | None = None) -> Iterator[Engine]:
    """An engine whose connections only read, as ``open_reader`` gives it."""
    with disposed(open_reader(location, keys)) as engine:
        yield engine


@contextmanager
def writer(location: Location, keys: Keys | None = None) -> Iterator[Engine]:
    """An engine with one connection that writes, as ``open_writer`` gives it."""
    with disposed(open_writer(location, keys)) as engine:
        yield engine
