# Two commands: `make lab` opens the course, `make test` runs every test. Both make the environment in .venv first, once.
# For teachers: `make grading` prepares a course folder for nbgrader, `make grades` grades it (docs/teaching.md).
# PYTHON=python3.12 chooses an interpreter; JUPYTER_FLAGS="--port 9000 --no-browser" adds flags to JupyterLab.

PYTHON ?= $(firstword $(foreach name,python3 python python3.13 python3.12 python3.11 python3.10,\
	$(if $(shell $(name) -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo yes),$(name))))
VENV := .venv
BIN := $(VENV)/bin
FIRST := $(firstword $(sort $(wildcard notebooks/zh/*.ipynb)))

.PHONY: lab test clean grading grades

lab: $(VENV)/.installed
	$(BIN)/jupyter lab $(JUPYTER_FLAGS) $(FIRST)

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

# nbgrader starts alembic by its name, so the environment must be on the path.
NBGRADER := cd grading && PATH="$(CURDIR)/$(BIN):$$PATH" nbgrader

EDITION ?= zh
export EDITION

grading: $(VENV)/.installed-dev
	mkdir -p grading/source/homework
	cp docs/nbgrader_config.py grading/
	cp notebooks/$(EDITION)/solutions/04_homework.ipynb grading/source/homework/
	$(NBGRADER) generate_assignment homework --force

# A hand-in that cannot be graded is named in the log and must not keep the others from their feedback.
grades: $(VENV)/.installed-dev
	-$(NBGRADER) autograde homework $(GRADES_FLAGS)
	$(NBGRADER) generate_feedback homework --force
	$(NBGRADER) export

clean:
	rm -rf $(VENV)

# The stamps are touched last: an installation that was interrupted is taken up again by the next call.
$(VENV)/.installed: requirements.txt | $(VENV)/.made
	$(BIN)/python -m pip install -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt | $(VENV)/.made
	$(BIN)/python -m pip install -r requirements-dev.txt
	@touch $(VENV)/.installed $@

$(VENV)/.made:
	@if [ -z "$(PYTHON)" ]; then \
	  echo "This course needs Python 3.10 to 3.13 with the venv module, and none was found. Install one (Debian or Ubuntu: apt install python3 python3-venv; otherwise https://www.python.org), or name yours: make PYTHON=/path/to/python3.12 lab" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	  echo "PYTHON=$(PYTHON) is not a Python 3.10 to 3.13 with the venv module (Debian or Ubuntu: apt install python3-venv). Name another one: make PYTHON=/path/to/python3.12 lab" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@
