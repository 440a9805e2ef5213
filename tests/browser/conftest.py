"""A real browser on the served pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from psycopg import Connection

from acceptance.installation import Installation
from browser.library import fill
from support.builders import World
from web.site import served

Open = Callable[..., Page]


# Playwright keeps an event loop running in the thread of the tests: it ends before other
# tests of this process start one.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, where there is one: $BIBLE_PROGRESS_CHROMIUM, or on PATH."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("BIBLE_PROGRESS_CHROMIUM") or next(
        filter(None, map(shutil.which, names)), None
    )
    if found is None:
        pytest.skip("there is no Chromium (Debian: apt install chromium)")
    flags = [
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    # Chromium's own isolation does not work for root.
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Open]:
    """Opens pages; fails the test for anything that a page complains about."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def open_one(*, width: int = 1440, scheme: str = "light", javascript: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on(
            "console",
            # A page that is not there is named so whatever it shows.
            lambda said: (
                complaints.append(said.text)
                if said.type in ("error", "warning") and "404" not in said.text
                else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                None
                if "//127.0.0.1" in asked.url or asked.url.startswith("data:")
                else complaints.append(f"asked {asked.url}")
            ),
        )
        return page

    yield open_one
    # What a page is just asking for when it is closed fails, and is no fault of its.
    told = list(complaints)
    for context in contexts:
        context.close()
    assert told == []


@pytest.fixture
def site(connect: Callable[..., Connection[Any]]) -> Installation:
    """The installed database of this test."""
    return Installation(connect())


@pytest.fixture
def library(connect: Callable[..., Connection[Any]]) -> World:
    """Builds what is committed at once."""
    return World(connect())


@pytest.fixture
def versions(library: World) -> dict[str, Any]:
    """The small library of browser.library, by name."""
    return fill(library)


@pytest.fixture
def address(database: str, versions: dict[str, Any]) -> Iterator[str]:
    """Where it is served."""
    with served(database) as client:
        yield str(client.base_url)
