"""What the course cannot run on is said in one sentence, by the first cell."""
import sys

from helpers import ROOT, versions
from tests.tools.processes import python

import pytest

FIRST = "from helpers import runtime"


def first_import(before, *how, fits=False):
    """The lines that are said where the first import, after the code `before`, succeeds or fails."""
    done = python(*how, "-c", f"import sys; {before}; {FIRST}")
    assert done.returncode == (0 if fits else 1)
    return (done.stdout + done.stderr).strip().splitlines()


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("sys.version_info = (3, 9, 18)", ("needs Python 3.10 to 3.13, and this is Python 3.9", "`make lab`")),
        ("sys.version_info = (3, 14, 0)", ("and this is Python 3.14", "`make lab`", "On AI Studio")),
        ("sys.modules['paddle'] = None", ("needs PaddlePaddle", sys.executable, "`make lab`", "On AI Studio")),
        ("sys.modules['cv2'] = None", ("needs opencv-python-headless,", "`%pip install opencv-python-headless`")),
        ("sys.modules.update(sklearn=None, joblib=None)", ("`%pip install joblib scikit-learn`", "restart the kernel")),
        ("sys.modules.update(openpyxl=None, tqdm=None)", ("`%pip install openpyxl tqdm`", "restart the kernel")),
        ("import numpy; numpy.__version__ = '2.4.0'", ("older than 2.4; with this one, 2.4.0", 'install "numpy<2.4"`')),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_a_sentence(before, said):
    sentence = first_import(before)[-1]
    assert sentence.startswith("helpers.versions.Unsuitable: This course needs ")
    for part in said:
        assert part in sentence


@pytest.mark.parametrize(("version", "fits"), [("2.5.2", False), ("2.6.0", True), ("3.3.1", True), ("0.0.0", True)])
def test_the_version_of_paddle(tmp_path, version, fits):
    (tmp_path / "paddle.py").write_text(f"__version__ = {version!r}\n")
    said = first_import(f"sys.path.insert(0, {str(tmp_path)!r})", fits=fits)
    assert fits or "needs PaddlePaddle 2.6 or newer, and this is 2.5.2" in said[-1]


def test_a_notebook_shows_the_sentence_alone():
    shown = first_import("sys.modules['cv2'] = None", "-m", "IPython", "--colors=nocolor")
    assert len(shown) == 1
    assert shown[0].startswith("This course needs opencv-python-headless")


def test_what_fits_is_what_the_requirements_say():
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "numpy>=1.24,<{}.{}\n".format(*versions.BROKEN_NUMPY) in wanted
    assert "paddlepaddle>={}.{}.".format(*versions.OLDEST_PADDLE) in wanted
    assert "Python {}.{} to {}.{}".format(*versions.OLDEST_PYTHON, *versions.NEWEST_PYTHON) in wanted
    for package in versions.LIBRARIES.values():
        assert f"\n{package}>=" in wanted
