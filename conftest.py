"""What all tests share: the runtime before Paddle, and rendered images unless a test asks for real ones."""
import os
import tempfile
from pathlib import Path

from helpers import ROOT, runtime  # before paddle, here as in every notebook
from tests.tools import chromium

import hypothesis
import pytest

# The processes of pytest-xdist inherit what the first one has set, so it is kept under another name.
_REAL = os.environ.setdefault("REAL_PALM_DIR", os.environ.get("PALM_DIR", ""))
# The committed notebooks show rendered images, so the kernels that nbval starts must not find real ones.
os.environ["PALM_DIR"] = "rendered"
# Every kernel writes IPython's history, and one that is locked for long says so in the output of a cell.
_HISTORY = tempfile.TemporaryDirectory(prefix="ipython-", ignore_cleanup_errors=True)
os.environ["IPYTHONDIR"] = _HISTORY.name
# A slow example is no fault on a busy machine, and every run draws the same ones.
hypothesis.settings.register_profile("course", deadline=None, derandomize=True)
hypothesis.settings.load_profile("course")


@pytest.fixture(scope="session")
def palm_dir() -> Path:
    """The folder with real images that PALM_DIR named when the tests were started."""
    if not _REAL or _REAL == "rendered":
        pytest.skip("PALM_DIR does not name the real images")
    return Path(_REAL).resolve()


@pytest.fixture(autouse=True)
def seeded():
    """Each test draws the same random numbers, whichever tests the process has run before it."""
    runtime.seed(0)


# What takes longest comes first: two processes then end at about the same time, and not one long after the other.
_LONGEST = ("test_browser.py", "05_eye_disease_resnet.ipynb", "test_site.py", "test_notebooks.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first; leave out what is tested twice."""
    if any(item.path.name == "test_browser.py" for item in items) and not chromium.why_not():
        there = {ROOT / name for name in chromium.NOTEBOOKS}
        config.hook.pytest_deselected(items=[item for item in items if item.path in there])
        items[:] = [item for item in items if item.path not in there]
    items.sort(key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST))


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, which other environments than the tests' own lack
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Keep the tests of a file in one process, and both editions of a notebook: they write the same files in data/."""
    from xdist.scheduler import LoadFileScheduling

    class ByName(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return Path(nodeid.split("::")[0]).name

    return ByName(config, log)
