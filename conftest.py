"""What all tests share: how long an example of Hypothesis takes on a machine with other work says nothing about it."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

pytest.register_assert_rewrite("tests.conformance", "tests.middleware_conformance")  # they say what was not so, as tests do
