"""What belongs to one process belongs to it alone, also where a server in C forks and tells Python nothing.

``ctypes.PyDLL(None).fork()`` is what such a server does: a fork in C by the thread that has the interpreter.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import ModuleType
from uuid import RFC_4122

import pytest

from verwerkingenlogging.logs._http.name_lookup import addresses_of
from verwerkingenlogging.support import process
from verwerkingenlogging.support.ids import new_id, new_ordered_id

FORK = """
import ctypes, os, sys, threading

def in_children(number, do):
    '''What each child printed, forked in C, of which Python hears nothing.'''
    for _ in range(number):
        sys.stdout.flush()
        child = ctypes.PyDLL(None).fork()
        if child == 0:
            failed = 1
            try:
                do()
                sys.stdout.flush()
                failed = 0
            finally:
                os._exit(failed)
        assert os.waitpid(child, 0)[1] == 0
"""


def printed(script: str, *arguments: str) -> list[str]:
    """The lines that a Python of its own prints. One that hangs fails."""
    code = FORK + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("kind", ["new_id", "new_ordered_id"])
@pytest.mark.parametrize("first", ["the thread that forked", "another thread"])
def test_no_two_processes_give_the_same_id(kind: str, first: str) -> None:
    script = """
        from verwerkingenlogging.support import ids
        kind, first = sys.argv[1:]
        make = getattr(ids, kind)
        make()  # while it loads

        def show(number=100):
            for _ in range(number):
                print(f"{make().int & (1 << 60) - 1:x}")

        def do():
            if first == "another thread":
                thread = threading.Thread(target=show)
                thread.start()
                thread.join()
            show()

        in_children(3, do)
        show()
        """
    ids = printed(script, kind, first)
    assert len(ids) == len(set(ids)) == (700 if first == "another thread" else 400)


def test_a_verwerking_is_never_shared_by_two_processes() -> None:
    script = """
        from datetime import UTC, datetime
        from uuid import UUID
        from verwerkingenlogging import *
        from verwerkingenlogging.context import current

        settings = Settings(oin="00000001821002193000", activiteiten=Activiteiten(
            {"00000001821002193000": [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}))
        recorder = Recorder(MemoryLog(), settings)

        def request():
            with recording(recorder), verwerking("Ophalen", activiteit="brp") as under:
                log_actie("Ophalen", objecten="230857266")
                print(under.id)

        request()
        in_children(4, request)
        """
    ids = printed(script)
    assert len(ids) == len(set(ids)) == 5


@pytest.mark.parametrize("given", ["a new id", "an id of the application"])
def test_a_lock_that_a_thread_held_at_the_fork_holds_up_no_child(given: str) -> None:
    script = """
        import uuid
        from uuid import UUID
        from verwerkingenlogging import *
        from verwerkingenlogging import _context

        settings = Settings(oin="00000001821002193000", activiteiten=Activiteiten(
            {"00000001821002193000": [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}))
        recorder = Recorder(MemoryLog(), settings)
        held = threading.Event()

        def hold():
            with _context._deciding:
                held.set()
                threading.Event().wait()

        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        with recording(recorder):
            step = {} if sys.argv[1] == "a new id" else {"verwerking_id": uuid.uuid4()}
            in_children(1, lambda: print(log_actie("Ophalen", activiteit="brp", objecten="230857266", **step)))
        """
    assert printed(script, given) == ["None"]


def test_nor_does_the_lock_of_who_looks_up_an_address() -> None:
    script = """
        from verwerkingenlogging.logs._http import name_lookup as addresses
        held = threading.Event()

        def hold():
            with addresses._lock:
                held.set()
                threading.Event().wait()

        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        in_children(1, lambda: print("127.0.0.1" in addresses.addresses_of("localhost", 80, 30)))
        """
    assert printed(script) == ["True"]


def test_an_address_is_looked_up_by_no_thread_while_uwsgi_loads(uwsgi: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Thread", None)
    assert "127.0.0.1" in addresses_of("localhost", 80, 30)


def test_without_a_thread_to_spare_an_address_is_not_found_and_the_next_time_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        with pytest.raises(OSError, match="no thread to look up"):
            addresses_of("localhost", 80, 30)
    assert "127.0.0.1" in addresses_of("localhost", 80, 30)


def test_an_outbox_that_a_process_loaded_is_used_by_its_children_each_for_itself(tmp_path: Path) -> None:
    script = """
        from pathlib import Path
        from uuid import UUID
        from verwerkingenlogging import *
        from verwerkingenlogging.logs.outbox import OutboxLog

        settings = Settings(oin="00000001821002193000", activiteiten=Activiteiten(
            {"00000001821002193000": [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}))

        class Away:
            def log(self, acties): raise LogUnavailable("away")
            async def alog(self, acties): raise LogUnavailable("away")

        recorder = Recorder(OutboxLog(Path(sys.argv[1]), Away()), settings)

        def request():
            with recording(recorder):
                log_actie("Ophalen", activiteit="brp", objecten="230857266")

        sys.modules["uwsgi"] = uwsgi = type(sys)("uwsgi")  # so that no thread starts here, as in the process of uWSGI that loads
        uwsgi.has_threads, uwsgi.worker_id, uwsgi.mule_id, uwsgi.i_am_the_spooler = 1, lambda: 0, lambda: 0, lambda: None
        request()
        assert threading.active_count() == 1
        del sys.modules["uwsgi"]
        in_children(3, request)
        print(*sorted(path.stem for path in Path(sys.argv[1]).glob("*.log")))
        """
    assert len(printed(script, str(tmp_path / "outbox"))) == 4


class Owner:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.gate = threading.Event()

    def after_fork(self) -> None:
        self.begun.append(threading.current_thread().name)
        self.gate.wait(60)


def test_all_begins_anew_once_and_nobody_goes_on_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this were the child, whose threads all come at the same moment."""
    owner, passed = Owner(), []
    process.register(owner)
    monkeypatch.setattr(process, "known", 0)

    def come() -> None:
        process.check()
        passed.append(len(owner.begun))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert not passed
    owner.gate.set()
    for thread in threads:
        thread.join(60)
    assert passed == [1, 1, 1, 1]
    process.check()
    assert len(owner.begun) == 1


def test_who_is_gone_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner()
    begun = owner.begun
    process.register(owner)
    del owner
    monkeypatch.setattr(process, "known", 0)
    process.check()
    assert not begun


def test_ids_are_what_they_say() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {(one.version, one.variant) for one in ids} == {(4, RFC_4122)}
    bits = [sum(one.int >> bit & 1 for one in ids) for bit in range(128)]
    assert sum(not 300 < count < 700 for count in bits) == 6  # version and variant are the same in all, and nothing else is
    ordered = [new_ordered_id() for _ in range(1000)]
    assert len(set(ordered)) == 1000
    assert {(one.version, one.variant) for one in ordered} == {(7, RFC_4122)}
    assert sorted(ordered, key=lambda one: one.int >> 64) == ordered


@pytest.mark.parametrize(
    ("shown", "why_not"),
    [
        ({}, process.NoThreads.LOADING),
        ({"has_threads": 0}, process.NoThreads.LOADING),
        ({"worker_id": lambda: 2}, None),
        ({"mule_id": lambda: 1}, None),
        ({"i_am_the_spooler": lambda: True}, None),
        ({"worker_id": lambda: 2, "has_threads": 0}, process.NoThreads.STILL),
    ],
)
def test_no_thread_is_started_where_uwsgi_loads_or_holds_it_still(
    uwsgi: ModuleType, shown: object, why_not: process.NoThreads | None
) -> None:
    vars(uwsgi).update(shown)  # type: ignore[call-overload]  # a dict
    assert process.no_threads() is why_not


def test_a_module_of_that_name_is_not_yet_uwsgi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uwsgi", ModuleType("uwsgi"))
    assert process.no_threads() is None


def test_outside_uwsgi_threads_start() -> None:
    assert process.no_threads() is None
