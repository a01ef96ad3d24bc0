"""What the tests in a browser share."""
from tests.tools import chromium

import pytest


@pytest.fixture(scope="module")
def browser():
    """The installed Chromium or Chrome, without a window; a test that needs it is skipped where there is none."""
    if missing := chromium.why_not():
        pytest.skip(missing)
    from playwright import sync_api

    sync_api.expect.set_options(timeout=chromium.PATIENCE)
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium.path())
        yield running
        running.close()
