"""A real browser: Debian's Chromium, without a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from needs import required

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from web_jam import WebJam

CHANGES = "Dm7 | G7 | Cmaj7 | A7"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    required("chromium", package="chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("playwright is not installed (pip install playwright)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def jam(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebJam]:
    """One jam for the tests of a file, over changes."""
    from web_jam import WebJam

    jam = WebJam(tmp_path_factory.mktemp("jam"), "--changes", CHANGES)
    yield jam
    jam.close()


@pytest.fixture
def own_jam(browser: Browser, tmp_path: Path) -> Iterator[WebJam]:
    """A jam for one test alone."""
    from web_jam import WebJam

    jam = WebJam(tmp_path, "--changes", CHANGES)
    yield jam
    jam.close()
