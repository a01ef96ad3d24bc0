"""What contributors meet: each hook fails when it should, and the forms, pages and workflow name what there is."""
import importlib.util
import re
import shutil
import subprocess
import sys

from helpers import ROOT
from tests.tools import editions
from tests.tools.processes import python
from tests.tools.rerun import git

import pytest
import yaml

GITHUB = ROOT / ".github"
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("data/*.md"), *editions.committed()]
HEAVY = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", "data", "build", "grading")


def read_yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A repository with the files as they are here, and this environment as its .venv."""
    if not shutil.which("git") or not shutil.which("bash") or importlib.util.find_spec("pre_commit") is None:
        pytest.skip("git, bash or pre-commit is not installed")
    folder = tmp_path_factory.mktemp("contributor") / "clone"
    shutil.copytree(ROOT, folder, ignore=HEAVY)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return folder


def replace(old, new):
    """Puts `new` at the first place of `old` in a text, which must be there."""
    return lambda text: text.replace(old, new, 1) if old in text else pytest.fail(f"{old!r} is not there")


FORMS = ".github/ISSUE_TEMPLATE"
BREAKS = [  # the hook, the file, what is done to its text, what the hook says
    ("ruff", "helpers/training/metrics.py", lambda text: text + "import this\n", "unused-import"),
    ("ruff", "notebooks/en/03_dropout.ipynb", replace("import math", "import math, this"), "unused-import"),
    ("layers", "helpers/runtime.py", lambda text: text + "from helpers import files\n", "not allowed to import"),
    ("notebook-rules", "notebooks/en/03_dropout.ipynb", replace('_count": 1', '_count": null'), "it was not run once"),
    ("claims", "notebooks/en/03_dropout.ipynb", replace("<!-- shown: ", "<!-- show: "), "a comment that is no mark"),
    ("pairing", "README.md", lambda text: text + "\n## More\n", "README.md, "),
    ("pairing", "CONTRIBUTING.md", replace("make hooks", "make hoks"), "CONTRIBUTING.md, section"),
    ("large-files", "new.bin", lambda _: "x" * 1_600_000, "new.bin (1563 KB) exceeds"),
    ("merge-conflict", "Makefile", lambda text: text + "<<<<<<< HEAD\n", "Makefile:"),
    ("yaml", ".github/workflows/ci.yml", lambda text: text + "  - [\n", "while parsing"),
    ("workflows", ".github/workflows/ci.yml", replace("runs-on", "runs-off"), "runs-off"),
    ("issue-forms", f"{FORMS}/bug.yml", replace("name:", "title:"), "'name' is a required"),
    ("issue-config", f"{FORMS}/config.yml", replace("url:", "link:"), "'url' is a required"),
]


@pytest.mark.parametrize(("hook", "name", "change", "said"), BREAKS, ids=[f"{row[0]}-{row[1]}" for row in BREAKS])
def test_each_hook_fails_when_it_should(clone, hook, name, change, said):
    path = clone / name
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(change(before), encoding="utf-8")
    broken = python("-m", "pre_commit", "run", hook, "--files", name, cwd=clone)
    path.unlink() if before is None else path.write_text(before, encoding="utf-8")
    assert broken.returncode == 1 and said in broken.stdout, broken.stdout + broken.stderr


def test_every_hook_is_broken_once():
    [local] = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    assert {hook["id"] for hook in local["hooks"]} == {hook for hook, *_ in BREAKS}


def test_without_an_environment_the_hooks_say_what_to_do(tmp_path):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/venv", tmp_path / ".ci")
    done = subprocess.run(["bash", tmp_path / ".ci/venv", "true"], capture_output=True, text=True)
    assert done.returncode == 1 and "make hooks" in done.stderr


def test_the_bug_form_offers_the_notebooks_there_are():
    fields = {field.get("id"): field for field in read_yaml(GITHUB / "ISSUE_TEMPLATE/bug.yml")["body"]}
    offered = fields["notebook"]["attributes"]["options"]
    assert offered[:-1] == sorted(path.stem for path in editions.folder("zh").glob("*.ipynb"))


def test_the_workflow_runs_the_same_script():
    workflow = read_yaml(GITHUB / "workflows/ci.yml")
    steps = [step.get("run") for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in steps


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )?make(?: [A-Z_]+=\S+)* ([a-z-]+)", text, re.MULTILINE)
    assert sorted(set(named) - set(targets)) == []
    modules = re.findall(r"-m ((?:tests|helpers)(?:\.\w+)+)", text)
    assert [name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").exists()] == []
