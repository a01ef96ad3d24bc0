"""`make compat`: the notebooks in two more environments, the oldest and the newest that the course promises.

    python -m tests.tools.compat [old] [new] [--only TEXT]     all by default; a whole run writes docs/compatibility.md

nbval runs in the environment of the tests; only the notebook's kernel is one of these, which hold nothing else.
The interpreters are python3.10 and python3.13, or what the variables COMPAT_OLD and COMPAT_NEW name.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers import ROOT
from helpers.commands import upload
from helpers.fundus import render, sheets
from tests.tools import editions, palm_builder

BUILD = ROOT / "build" / "compat"
MODULES = {"Paddle": "paddlepaddle", "NumPy": "numpy", "OpenCV": "opencv-python-headless", "Matplotlib": "matplotlib",
           "scikit-learn": "scikit-learn", "SciPy": "scipy", "tqdm": "tqdm", "openpyxl": "openpyxl"}  # fmt: skip
DOCUMENT = "docs/compatibility.md"
WORDS = {"zh": {"passed": "通过", "FAILED": "**失败**"}, "en": {"passed": "passed", "FAILED": "**failed**"}}
TABLES = re.compile(r"(<!-- (versions|results) -->\n).*?(<!-- end -->)", re.DOTALL)
LINES_OF_A_FAILURE = 60
COURSE = Path("work", "course")  # below the home folder; on AI Studio ~/work is what is kept


@dataclass(frozen=True)
class Environment:
    """One environment to be made: its name, its Python, what pip installs, and whether it is like AI Studio's.

    As on AI Studio means: the kernel starts in the home folder, below which the repository lies, and the data set is
    mounted. Otherwise it starts in the notebook's folder, and there is no data set.
    """

    name: str
    python: str
    packages: tuple[str, ...]
    as_on_ai_studio: bool

    @property
    def interpreter(self) -> Path:
        return BUILD / self.name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@dataclass(frozen=True)
class Here(Environment):
    """The environment of the tests themselves."""

    interpreter: Path = Path(sys.executable)


ENVIRONMENTS = [
    Environment(
        "old", "3.10",
        # ipykernel is what any kernel needs; SciPy and joblib come with scikit-learn.
        ("paddlepaddle==2.6.2", "numpy==1.26.*", "opencv-python-headless==4.*", "matplotlib==3.8.*",
         "scikit-learn==1.3.*", "openpyxl==3.1.*", "tqdm==4.65.*", "ipykernel"),
        as_on_ai_studio=True,
    ),
    Environment("new", "3.13", ("-r", str(ROOT / "requirements.txt")), as_on_ai_studio=False),
]  # fmt: skip


# --- environments -----------------------------------------------------------------------------------------------------


def find_python(environment: Environment) -> str:
    """The interpreter to make an environment with: what its variable names, or python3.10 on the path, say.

    Where that is not a Python of this version with the venv module, the command ends and says how to install one.
    """
    variable = f"COMPAT_{environment.name.upper()}"
    name = os.environ.get(variable) or f"python{environment.python}"
    show = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
    try:
        # pyenv's python3.10 needs to be told that it is meant; to other interpreters the variable means nothing.
        given = {**os.environ, "PYENV_VERSION": environment.python}
        done = subprocess.run([name, "-c", show], capture_output=True, text=True, env=given)
        said = done.stdout.strip()
    except OSError:
        said = ""
    version, _, path = said.partition(" ")
    if version != environment.python:
        raise SystemExit(
            f"make compat needs Python {environment.python} with the venv module, and {name} is "
            f"{f'Python {version}' if version else 'no such Python'}. Install it (Debian, Ubuntu: apt install "
            f"python{environment.python}-venv; elsewhere: uv python install {environment.python}, or "
            f"https://www.python.org), or name yours: make compat {variable}=/path/to/python"
        )
    return path


def make(environment: Environment) -> None:
    """Make the environment in build/compat, unless it is there and was made from the same packages."""
    folder = BUILD / environment.name
    stamp = folder / ".installed"  # written last: an installation that was interrupted begins again
    packages = list(environment.packages)
    listed = [Path(name).read_text(encoding="utf-8") for name in packages if name.endswith(".txt")]
    wanted = "\n".join([environment.python, *packages, *listed])
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    subprocess.run([find_python(environment), "-m", "venv", "--clear", folder], check=True)
    print(f"{environment.name}: installing {' '.join(packages)}", flush=True)
    subprocess.run([environment.interpreter, "-m", "pip", "install", "-q", *packages], check=True)
    stamp.write_text(wanted)


def versions(environment: Environment) -> dict[str, str]:
    """What the environment really holds: versions by name, "-" for what it does not hold."""
    code = (
        "import importlib.metadata as m, json, platform, sys\n"
        "held = {d.metadata['Name'].lower(): d.version for d in m.distributions()}\n"
        "print(json.dumps([platform.python_version(), held]))"
    )
    done = subprocess.run([environment.interpreter, "-c", code], check=True, capture_output=True, text=True)
    python, held = json.loads(done.stdout)
    return {"Python": python, **{title: held.get(package, "-") for title, package in MODULES.items()}}


# --- the place they run in --------------------------------------------------------------------------------------------


def mount(folder: Path) -> None:
    """Write a rendered data set as the three archives of iChallenge-PM, the way AI Studio mounts it."""
    with tempfile.TemporaryDirectory() as scratch:
        rendered = render.render(
            Path(scratch) / "rendered", count=(400, 200), size=128, seed=7, progress=False, both_sides=False
        )
        images = {path.relative_to(rendered).as_posix(): path.read_bytes() for path in rendered.rglob("*.jpg")}
        labels = sheets.read_sheet(rendered / "labels.csv")
    part = {letter: {name: data for name, data in images.items() if (Path(name).name[0] == "V") is (letter == "V")}
            for letter in "TV"}  # fmt: skip
    palm_builder.write(folder, {
        "training.zip": palm_builder.packed({"PALM-Training400/PALM-Training400.zip": palm_builder.packed(part["T"])}),
        "validation.zip": palm_builder.packed(part["V"]),
        "valid_gt.zip": palm_builder.packed(
            {"PALM-Validation-GT/PM_Label_and_Fovea_Location.xlsx": palm_builder.xlsx(labels)}
        ),
    })  # fmt: skip


def home(folder: Path, as_on_ai_studio: bool) -> None:
    """Fill a home folder: the course below it, as its upload unpacks, and, as on AI Studio, the mounted data set."""
    archive = folder / "course.zip"
    upload.pack(archive)
    shutil.unpack_archive(archive, folder / COURSE.parent)
    archive.unlink()
    if as_on_ai_studio:
        mount(folder / "data" / "data19065")


def run(environment: Environment, notebook: Path, folder: Path) -> tuple[bool, str]:
    """Run a notebook below the home folder by nbval with the environment's kernel; gives whether it passed, and why."""
    kernel = folder / "jupyter" / "kernels" / environment.name / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    command = [str(environment.interpreter), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": environment.name, "language": "python"}))
    if environment.as_on_ai_studio:
        # nbval starts the kernel where the notebook lies; AI Studio starts it in the home folder.
        notebook = Path(shutil.copy(notebook, folder / notebook.name))
    own = {"HOME": str(folder), "USERPROFILE": str(folder), "JUPYTER_PATH": str(folder / "jupyter")}
    unwanted = {"PYTHONPATH", "PALM_DIR", "VIRTUAL_ENV", "MPLBACKEND"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-cell-timeout=1800",
         "--nbval-kernel-name", environment.name, notebook],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
        env={**{name: value for name, value in os.environ.items() if name not in unwanted}, **own},
    )  # fmt: skip
    return done.returncode == 0, done.stdout


def notebooks(folder: Path = ROOT) -> list[str]:
    """What is run: the Chinese edition, and of the English one, which has the same code, the homework."""
    every = [path.relative_to(folder).as_posix() for path in editions.committed(folder / "notebooks")]
    return [name for name in every if editions.language_of(name) == "zh" or "homework" in name]


def run_all(environment: Environment, only: str) -> dict[str, str]:
    """Run the notebooks whose names hold `only`, a line for each; gives "passed" or "FAILED" by name."""
    results = {}
    # Not below the repository: the first cell would find that one, above the home folder, before the copy below it.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch).resolve()
        home(folder, environment.as_on_ai_studio)
        for name in notebooks(folder / COURSE):
            if only in name:
                start = time.perf_counter()
                passed, said = run(environment, folder / COURSE / name, folder)
                results[name] = "passed" if passed else "FAILED"
                seconds = time.perf_counter() - start
                print(f"{environment.name}  {name:50s} {results[name]}  {seconds:4.0f} s", flush=True)
                if not passed:
                    print(*said.splitlines()[-LINES_OF_A_FAILURE:], sep="\n", flush=True)
    return results


# --- docs/compatibility.md --------------------------------------------------------------------------------------------


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def document(text: str, found: dict[str, dict[str, str]], results: dict[str, dict[str, str]], words: dict) -> str:
    """The document with new tables of versions and results, both by environment, in the language of `words`."""
    names = list(found)
    some = next(iter(found.values()))
    tables = {
        "versions": table(["", *names], [[title, *(found[name][title] for name in names)] for title in some]),
        "results": table(["", *names], [
            [f"`{notebook}`", *(words[results[name][notebook]] for name in names)] for notebook in results[names[0]]
        ]),
    }  # fmt: skip
    return TABLES.sub(lambda place: place[1] + "\n" + tables[place[2]] + "\n" + place[3], text)


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit code is 1 if a notebook failed."""
    names = [environment.name for environment in ENVIRONMENTS]
    parser = argparse.ArgumentParser("python -m tests.tools.compat", description=__doc__.split("\n")[0])
    parser.add_argument("environments", nargs="*", metavar="old|new", help="which environments (default: both)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only notebooks whose path holds this")
    options = parser.parse_args(arguments)
    if unknown := set(options.environments) - set(names):
        parser.error(f"no such environment: {', '.join(unknown)}")
    chosen = [environment for environment in ENVIRONMENTS if environment.name in (options.environments or names)]
    for environment in chosen:
        make(environment)
    found = {environment.name: versions(environment) for environment in chosen}
    for name, held in found.items():
        print(f"{name}  " + ", ".join(f"{title} {version}" for title, version in held.items()), flush=True)
    results = {environment.name: run_all(environment, options.only) for environment in chosen}
    outcomes = [outcome for of_one in results.values() for outcome in of_one.values()]
    if not outcomes:
        parser.error(f"no notebook's path holds {options.only!r}")
    if len(chosen) == len(ENVIRONMENTS) and not options.only:
        for language, words in WORDS.items():
            path = ROOT / editions.page(DOCUMENT, language)
            path.write_text(document(path.read_text(encoding="utf-8"), found, results, words), encoding="utf-8")
    print(f"{outcomes.count('passed')} of {len(outcomes)} passed")
    return int("FAILED" in outcomes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
