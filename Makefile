# Two commands: `make lab` opens the course, `make test` runs the tests. Both make the environment in .venv first, once.
# `make test-all` runs besides what is slow and hardly ever fails.
# For teachers: `make grading` prepares the homework for release, `make grades` marks what was handed in (docs/teaching.md).
# `make compat` runs the notebooks in the oldest and the newest environment that the course promises (docs/compatibility.md).
# `make browser` opens, runs and answers the notebooks in JupyterLab in a real browser.
# `make hub` walks the homework through a JupyterHub, from release to grades (docs/jupyterhub.md); it needs npm.
# `make site` builds the course as web pages in build/site; `make aistudio` packs it for AI Studio (docs/aistudio.md).
# For contributors: `make check-fast` takes under a minute, `make pictures` draws those of the README; `make hooks`
# checks every commit, `make notebooks` runs the notebooks again, `make measure` runs their
# experiments with 20 seeds (CONTRIBUTING.md).
# EDITION=en or EDITION=zh chooses the language; `make lab` otherwise goes by the environment's (LANG), `make grading` takes zh.
# PYTHON=python3.12 chooses an interpreter; JUPYTER_FLAGS="--port 9000 --no-browser" adds flags to JupyterLab.

PYTHON ?= $(firstword $(foreach name,python3 python python3.13 python3.12 python3.11 python3.10,\
	$(if $(shell $(name) -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo yes),$(name))))
VENV := .venv
BIN := $(VENV)/bin
SITE_VENV := build/venv-site
PROXY := build/hub/node_modules/.bin/configurable-http-proxy
# Of the reader: what EDITION says, else Chinese where the environment's language is, else English.
READERS := $(or $(EDITION),$(if $(filter zh%,$(firstword $(LC_ALL) $(LC_MESSAGES) $(LANG))),zh,en))
FIRST := $(firstword $(sort $(wildcard notebooks/$(READERS)/*.ipynb)))

.PHONY: lab test test-all browser hub clean grading grades hooks notebooks measure compat site aistudio pictures check-fast

# The whole course is served, not the first notebook's folder alone: the notebooks link to their twins, neighbours and docs/.
lab: $(VENV)/.installed
	@[ -n "$(FIRST)" ] || { echo "EDITION=$(READERS): there is none; make lab EDITION=zh or make lab EDITION=en" >&2; exit 1; }
	$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url="/lab/tree/$(FIRST)" $(JUPYTER_FLAGS)

# Two processes with a thread each need half of the time of one with two. conftest.py says what stays together.
test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --no-loadscope-reorder $(PYTEST_FLAGS)

test-all: test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --no-loadscope-reorder -m all $(PYTEST_FLAGS)

# Under a minute: the rules for code, notebooks, both editions and claims, and the tests of tests/quick.txt.
check-fast: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.tools.notebook_rules
	$(BIN)/python -m tests.tools.pairing
	$(BIN)/python -m tests.tools.claims
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -p no:nbval -o addopts= -q -n 2 @tests/quick.txt

browser: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -p no:nbval -o addopts= -v tests/course/test_browser.py

hub: $(VENV)/.installed-hub $(PROXY)
	$(BIN)/python -m pytest -p no:nbval -o addopts= -v tests/course/test_hub.py

# It makes its environments in build/compat, from python3.10 and python3.13 or what these two name.
export COMPAT_OLD COMPAT_NEW

compat: $(VENV)/.installed-dev
	$(BIN)/python -m tests.tools.compat $(COMPAT_FLAGS)

# An environment of its own: without Paddle it is small, and the site is published from a bare machine in a minute.
site: $(SITE_VENV)/.installed
	$(SITE_VENV)/bin/python docs/site/build.py

# Nothing is installed for it: who goes to AI Studio need not have the course's environment.
aistudio:
	$(or $(wildcard $(BIN)/python),$(PYTHON)) -m helpers.commands.upload

pictures: $(VENV)/.installed-dev
	$(BIN)/python -m tests.tools.pictures

hooks: $(VENV)/.installed-dev
	$(BIN)/pre-commit install

# NOTEBOOKS="notebooks/zh/03_dropout.ipynb notebooks/en/03_dropout.ipynb" runs these only.
notebooks: $(VENV)/.installed-dev
	$(BIN)/python -m tests.tools.rerun $(NOTEBOOKS)

# MEASURE_FLAGS="01" measures this notebook only; "--check --seeds 100:120 01" tries its asserts on other seeds and keeps nothing.
measure: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.tools.measure $(MEASURE_FLAGS)

# nbgrader starts alembic by its name, so the environment must be on the path.
NBGRADER := cd grading && PATH="$(CURDIR)/$(BIN):$$PATH" nbgrader

# The homework's edition is the teacher's choice and not his machine's.
grading grades: export EDITION := $(or $(EDITION),zh)

# With ROSTER=roster.csv each student of it gets numbers of his own; the secret they are drawn from stays in grading/.
grading: $(VENV)/.installed-dev
	mkdir -p grading/source/homework
	cp docs/nbgrader_config.py grading/
	cp notebooks/$(EDITION)/solutions/04_homework.ipynb grading/source/homework/
	$(if $(ROSTER),$(BIN)/python -m helpers.commands.variants --roster "$(ROSTER)" --secret-file grading/secret.txt \
	  --output grading/source/homework/variants.json)
	$(NBGRADER) generate_assignment homework --force

# Nothing of a hand-in is run. GRADES_FLAGS="--gradebook grading/gradebook.db" writes the marks into nbgrader's too.
HANDINS ?= grading/submitted
GRADES ?= grading/grades

grades: $(VENV)/.installed
	$(BIN)/python -m helpers.commands.grade "$(HANDINS)" --roster "$(or $(ROSTER),grading/roster.csv)" \
	  --output "$(GRADES)" --language $(EDITION) \
	  $(if $(wildcard grading/secret.txt),--secret-file grading/secret.txt) $(GRADES_FLAGS)

clean:
	rm -rf $(VENV) build

# The stamps are touched last: an installation that was interrupted is taken up again by the next call.
$(VENV)/.installed: requirements.txt | $(VENV)/.made
	$(BIN)/python -m pip install -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt requirements-site.txt | $(VENV)/.made
	$(BIN)/python -m pip install -r requirements-dev.txt
	@touch $(VENV)/.installed $@

$(VENV)/.installed-hub: requirements-hub.txt $(VENV)/.installed-dev
	$(BIN)/python -m pip install -r requirements-hub.txt
	@touch $@

$(PROXY):
	@command -v npm >/dev/null || { \
	  echo "make hub needs npm for JupyterHub's proxy (Debian or Ubuntu: apt install npm; otherwise https://nodejs.org)" >&2; exit 1; }
	npm install --no-audit --no-fund --prefix build/hub configurable-http-proxy@4

$(SITE_VENV)/.installed: requirements-site.txt | $(SITE_VENV)/.made
	$(SITE_VENV)/bin/python -m pip install -r requirements-site.txt
	@touch $@

$(VENV)/.made $(SITE_VENV)/.made:
	@if [ -z "$(PYTHON)" ]; then \
	  echo "This course needs Python 3.10 to 3.13 with the venv module, and none was found. Install one (Debian or Ubuntu: apt install python3 python3-venv; otherwise https://www.python.org), or name yours: make PYTHON=/path/to/python3.12 lab" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	  echo "PYTHON=$(PYTHON) is not a Python 3.10 to 3.13 with the venv module (Debian or Ubuntu: apt install python3-venv). Name another one: make PYTHON=/path/to/python3.12 lab" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	@touch $@
