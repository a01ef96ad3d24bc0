"""What the course cannot run on is said in one sentence, by the first cell."""
import subprocess
import sys

from helpers import versions
from helpers.runtime import ROOT

import pytest

FIRST = "from helpers import runtime"


def last_line(before, *, path="", python=("-c",)):
    """What the first import says at last, after the code `before`; `path` comes before all others."""
    code = f"import sys; sys.path.insert(0, {path!r}); {before}; {FIRST}"
    done = subprocess.run([sys.executable, *python, code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    return (done.stdout + done.stderr).strip().splitlines()


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("sys.version_info = (3, 9, 18)", ("needs Python 3.10 to 3.13, and this is Python 3.9", "`make lab`")),
        ("sys.version_info = (3, 14, 0)", ("and this is Python 3.14", "`make lab`", "On AI Studio")),
        ("sys.modules['paddle'] = None", ("needs PaddlePaddle", sys.executable, "`make lab`", "On AI Studio")),
        ("sys.modules['cv2'] = None", ("needs opencv-python-headless,", "`%pip install opencv-python-headless`")),
        ("sys.modules.update(sklearn=None, joblib=None)", ("`%pip install joblib scikit-learn`", "restart the kernel")),
        ("import numpy; numpy.__version__ = '2.4.0'", ("older than 2.4; with this one, 2.4.0", 'install "numpy<2.4"`')),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_a_sentence(before, said):
    sentence = last_line(before)[-1]
    assert sentence.startswith("helpers.versions.Unsuitable: This course needs ")
    for part in said:
        assert part in sentence


@pytest.mark.parametrize(("version", "fits"), [("2.5.2", False), ("2.6.0", True), ("3.3.1", True), ("0.0.0", True)])
def test_the_version_of_paddle(tmp_path, version, fits):
    (tmp_path / "paddle.py").write_text(f"__version__ = {version!r}\n")
    before = f"sys.path.insert(0, {str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {before}; {FIRST}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == (0 if fits else 1)
    assert fits or "needs PaddlePaddle 2.6 or newer, and this is 2.5.2" in done.stderr.splitlines()[-1]


def test_a_notebook_shows_the_sentence_alone():
    shown = last_line("sys.modules['cv2'] = None", python=("-m", "IPython", "--colors=nocolor", "-c"))
    assert len(shown) == 1
    assert shown[0].startswith("This course needs opencv-python-headless")


def test_what_fits_is_what_the_requirements_say():
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"numpy>=1.24,<{versions._dotted(versions.BROKEN_NUMPY)}\n" in wanted
    assert f"paddlepaddle>={versions._dotted(versions.OLDEST_PADDLE)}" in wanted
    assert "Python {}.{} to {}.{}".format(*versions.OLDEST_PYTHON, *versions.NEWEST_PYTHON) in wanted
    for package in versions.LIBRARIES.values():
        assert f"\n{package}>=" in wanted
