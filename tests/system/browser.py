"""A real Chromium that shows the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
_PAGE = Path(__file__).parents[2] / "dashboards" / "web" / "dist"


@contextmanager
def launched(*flags: str) -> Iterator[Browser]:
    """A browser with a fresh profile; skips where there is none, or no page to show."""
    if not _CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    if not _PAGE.is_dir():
        pytest.skip("the page is not built: make web")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_CHROMIUM, args=[*_FLAGS.split(), *flags]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, *expected: str) -> Iterator[Page]:
    """A page; what it logs as an error fails the test, but for what has an ``expected`` part."""
    page, complaints = browser.new_page(viewport={"width": 1280, "height": 800}), list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    page.close()
    left = [text for text in complaints if not any(part in text for part in expected)]
    assert left == [], "\n".join(left)


def sign_in(page: Page, password: str) -> None:
    page.get_by_test_id("user").fill("admin")
    page.get_by_test_id("password").fill(password)
    page.get_by_test_id("sign-in-button").click()
