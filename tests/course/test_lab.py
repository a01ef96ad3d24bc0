"""`make lab` opens the reader's edition, with the whole course in reach."""
import os
import re
import shlex
import shutil
import subprocess
import sys

from helpers import ROOT
from tests.tools import editions
from tests.tools.waiting import SECONDS

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="no make here")
LANGUAGE_OF_A_MACHINE = {"LC_ALL", "LC_MESSAGES", "LANG", "EDITION", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}


def make(*arguments, **variables):
    """What make would run, or says, in an environment with these variables; nothing is installed."""
    env = {name: value for name, value in os.environ.items() if name not in LANGUAGE_OF_A_MACHINE} | variables
    command = ["make", "-o", ".venv/.installed", "-o", ".venv/.installed-dev", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS)


@pytest.mark.parametrize(("variables", "arguments", "edition"), [
    ({}, (), "en"),
    ({"LANG": "C.UTF-8"}, (), "en"),
    ({"LANG": "zh_CN.UTF-8"}, (), "zh"),
    ({"LANG": "zh_TW"}, (), "zh"),
    ({"LANG": "de_DE.UTF-8"}, (), "en"),
    ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, (), "en"),
    ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, (), "zh"),
    ({"LANG": "en_GB.UTF-8", "LC_ALL": ""}, (), "en"),
    ({"LANG": "zh_CN.UTF-8"}, ("EDITION=en",), "en"),
    ({"LANG": "en_GB.UTF-8", "EDITION": "zh"}, (), "zh"),
])  # fmt: skip
def test_lab_opens_the_edition_of_the_reader(variables, arguments, edition):
    done = make("-n", "lab", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    opened = re.findall(r"notebooks/[^\s\"]+", done.stdout.splitlines()[-1])
    assert opened == [f"notebooks/{edition}/01_batch_norm.ipynb"]


def test_lab_names_the_editions_where_there_is_no_such_one():
    done = make("lab", "EDITION=de")
    assert done.returncode != 0 and "EDITION=zh or make lab EDITION=en" in done.stderr, done.stdout


@pytest.mark.parametrize("lang", ["en_GB.UTF-8", "zh_CN.UTF-8"])
def test_the_homework_is_in_the_edition_that_the_teacher_names(lang):
    assert "notebooks/zh/solutions/04_homework.ipynb" in make("-n", "grading", LANG=lang).stdout
    assert "notebooks/en/solutions/04_homework.ipynb" in make("-n", "grading", "EDITION=en", LANG=lang).stdout


def windows_command(language):
    """The line of the README for a machine without make, in this machine's form."""
    text = (ROOT / editions.page("README.md", language)).read_text(encoding="utf-8")
    [line] = re.findall(r"^\.venv\\Scripts\\jupyter (lab .*)$", text, re.MULTILINE)
    return line.replace("\\", "/").split()


@pytest.mark.parametrize("language", editions.LANGUAGES)
@pytest.mark.parametrize("with_make", [True, False])
def test_jupyterlab_serves_the_whole_course(language, with_make):
    """A notebook's links lead to its twin and to docs/, above its own folder."""
    arguments = windows_command(language)
    if with_make:
        arguments = shlex.split(make("-n", "lab", f"EDITION={language}").stdout.splitlines()[-1])[1:]
    code = (
        "import sys; from jupyter_server.serverapp import ServerApp; app = ServerApp();"
        "app.parse_command_line(sys.argv[1:]); print(app.root_dir);"
        "print(app.file_to_run or app.config.LabApp.default_url)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments[1:]], cwd=ROOT, capture_output=True, text=True)
    first = f"notebooks/{language}/01_batch_norm.ipynb"
    # With make, the address that is printed leads to the notebook, too, where no browser opens by itself.
    opened = f"/lab/tree/{first}" if with_make else str(ROOT / first)
    assert done.stdout.splitlines() == [str(ROOT), opened], done.stderr
