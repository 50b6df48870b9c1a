"""What all tests share: how long an example of Hypothesis takes on a machine with other work says nothing about it."""

import sys
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

pytest_plugins = ["tests.left_open"]
pytest.register_assert_rewrite("tests.conformance", "tests.middleware_conformance")  # they say what was not so, as tests do


@pytest.fixture
def uwsgi(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What uWSGI shows of itself in the process that loads; plugins/django/tests/servers/test_uwsgi.py runs the real one."""
    module = ModuleType("uwsgi")
    vars(module).update(has_threads=1, worker_id=lambda: 0, mule_id=lambda: 0, i_am_the_spooler=lambda: None)
    monkeypatch.setitem(sys.modules, "uwsgi", module)
    return module
