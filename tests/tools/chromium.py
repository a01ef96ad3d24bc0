"""The browser of the tests, and which notebooks are run in it instead of by nbval."""
from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

PATIENCE = 300_000  # ms, for what hangs; Playwright's own limits, 5 and 30 s, are too short for a busy machine
NOTEBOOKS = (
    "notebooks/zh/01_batch_norm.ipynb",
    "notebooks/en/02_normalization_variants.ipynb",
    "notebooks/zh/03_dropout.ipynb",
    "notebooks/en/04_homework.ipynb",
    "notebooks/zh/04_homework.ipynb",
    "notebooks/zh/05_eye_disease_resnet.ipynb",
    "notebooks/zh/solutions/04_homework.ipynb",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def path() -> str | None:
    """Where Chromium or Chrome is installed, or None."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A new profile, as `Browser.new_context` makes it, in which everything may take its time."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    return context


def why_not() -> str:
    """What is missing for tests in a browser; "" if nothing is."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed (requirements-dev.txt)"
    return "" if path() else f"no browser: none of {', '.join(_NAMES)} is installed"
