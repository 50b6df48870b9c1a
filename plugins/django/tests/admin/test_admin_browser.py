"""The pages of the log's admin in a real browser: WCAG 2.2 AA by axe, and all that can be done with them by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from django.contrib.auth.models import User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import Page, expect, sync_playwright
from plugins.django.tests.admin.test_admin_databases import OTHER, both, here
from plugins.django.tests.admin.test_record_admin import BSN, LIST, Here, detail
from plugins.django.tests.conftest import Project

from verwerkingenlogging_django import DjangoLog
from verwerkingenlogging_django.models import Record

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_DJANGO = {
    ("link-in-text-block", ".breadcrumbs"): "links in the path above a list are told from its last part by colour only",
    ("target-size", "#changelist-filter"): "the choices of a filter are 17 px high, and close together",
}
"""What the frame of Django's own admin does wrong: the rule, and the part of the frame. Nothing of ours stands in these."""

expect.set_options(timeout=60_000)  # on a busy machine a page takes longer than the five seconds that it gives

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here, in which the pages are looked at; .ci/run installs it")

__all__ = ["here"]  # a fixture


@pytest.fixture
def page(transactional_db: None, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A browser that is logged in to a project with one record that waits and one that was refused."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the browser is spoken to by an event loop in this thread
    here = Here(project, log=DjangoLog(), admin_activiteit="brp", django={"ALLOWED_HOSTS": ["127.0.0.1"]})
    here.waits()
    here.waits(refused=True, actie_naam="Opslaan persoonsgegevens")
    with browsing() as page:
        yield page


@contextmanager
def browsing() -> Iterator[Page]:
    """A browser that is logged in to the project that is set up."""
    client = Client()
    client.force_login(User.objects.create_superuser("beheer"))
    shared = {alias: connections[alias] for alias in connections}
    for connection in shared.values():
        connection.inc_thread_sharing()
    server = LiveServerThread("127.0.0.1", static_handler=StaticFilesHandler, connections_override=shared)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    assert server.error is None
    address = f"http://127.0.0.1:{server.port}"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            context = browser.new_context(base_url=address, locale="nl-NL")
            context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])
            yield context.new_page()
            browser.close()
    finally:
        server.terminate()
        server.join()
        for connection in shared.values():
            connection.dec_thread_sharing()


def faults(page: Page) -> list[tuple[str, str]]:
    found: dict[str, Any] = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}}).response
    assert found["passes"]
    nodes = [(one["id"], node) for one in found["violations"] for node in one["nodes"]]
    return [(rule, node["html"]) for rule, node in nodes if not _is_of_django(page, rule, node["target"][0])]


def _is_of_django(page: Page, rule: str, target: str) -> bool:
    frames = [frame for known, frame in OF_DJANGO if known == rule]
    return any(
        page.evaluate("([target, frame]) => document.querySelector(target).closest(frame) !== null", [target, frame]) for frame in frames
    )


def open_page(page: Page, address: str) -> None:
    response = page.goto(address)
    assert response is not None
    assert response.status == 200


def test_the_list_is_accessible_and_dutch(page: Page) -> None:
    open_page(page, LIST)
    assert page.locator("html").get_attribute("lang") == "nl"
    standing = page.get_by_role("heading", name="Stand van de bezorging")
    expect(standing).to_be_visible()
    title, section = page.locator("#content h1").bounding_box(), standing.bounding_box()
    assert title is not None
    assert section is not None
    assert section["y"] >= title["y"] + title["height"]  # under it: each Django has its own place for what stands beside a title
    assert faults(page) == []
    open_page(page, LIST + "?toestand=geweigerd")
    assert faults(page) == []


def test_so_is_the_page_of_a_record(page: Page) -> None:
    record = Record.objects.earliest("id")
    open_page(page, detail(record))
    expect(page.get_by_text(BSN)).to_be_visible()
    assert faults(page) == []


def test_so_is_that_of_one_whose_persons_are_hidden(page: Page, project: Project) -> None:
    Here(project, django={"ALLOWED_HOSTS": ["127.0.0.1"]})
    open_page(page, detail(Record.objects.earliest("id")))
    expect(page.get_by_text("Verborgen.")).to_be_visible()
    assert faults(page) == []


def test_so_is_a_list_without_records(page: Page) -> None:
    Record.objects.all().delete()
    open_page(page, LIST)
    assert faults(page) == []


@both
def test_so_is_the_list_of_another_database(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with browsing() as page:
        open_page(page, LIST)
        focus(page, "#changelist-filter a[href='?database=tweede']")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Database tweede (hieronder getoond)")).to_be_visible()
        assert faults(page) == []
        page.get_by_role("link", name="Archiveren persoonsgegevens").click()
        expect(page.get_by_text(OTHER)).to_be_visible()
        assert faults(page) == []


def focus(page: Page, wanted: str, most: int = 60) -> None:
    """Go on with the Tab key until the element that ``wanted`` selects has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"{wanted} cannot be reached by keyboard")


def test_a_record_is_opened_and_a_list_is_filtered_by_keyboard(page: Page) -> None:
    open_page(page, LIST)
    focus(page, ".field-actie a, th.field-actie a")
    page.keyboard.press("Enter")
    expect(page.get_by_text(BSN)).to_be_visible()
    open_page(page, LIST)
    focus(page, "#changelist-filter a[href='?toestand=geweigerd']")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


def test_what_was_refused_is_offered_again_by_keyboard(page: Page) -> None:
    open_page(page, LIST + "?toestand=geweigerd")
    focus(page, "select[name=action]")
    page.keyboard.type("Gew")
    focus(page, "#result_list tbody input.action-select")
    page.keyboard.press("Space")
    # Back to the button that stands above the list.
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('button[name=index]')"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Opnieuw aangeboden: 1.")).to_be_visible()
    assert faults(page) == []
    assert not Record.objects.filter(refused__isnull=False).exists()
