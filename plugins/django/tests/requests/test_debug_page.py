"""Django's page of an error shows the variables of functions: an object of ours among them tells on nobody."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from tests.support.test_representation import BSN, OBJECTS, OTHER, SECRET, failing


@pytest.mark.parametrize("name", OBJECTS)
def test_the_page_of_an_error_shows_no_person_or_secret_of_ours(name: str) -> None:
    error = failing(OBJECTS[name])
    reporter = ExceptionReporter(RequestFactory().get("/"), type(error), error, error.__traceback__)
    page = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert type(OBJECTS[name]).__name__ in page
    assert [number for number in (BSN, OTHER, SECRET) if number in page] == []
