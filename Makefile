# Every target sets up .venv by itself, once: the stamps are renewed when pyproject.toml or constraints.txt change.
# ARGS goes to the command: make film ARGS="--backend tensorflow --out film-tf"

BIN := .venv/bin
EXTRAS ?= all,baselines,test
FILM_EXTRAS := torch,film,character,render
PYTHON ?= $(firstword $(foreach python,python3.11 python3.12 python3.13 python3,\
	$(shell $(python) -c 'import sys; sys.version_info >= (3, 11) and print("$(python)")' 2>/dev/null)))
TORCH_INDEX := https://download.pytorch.org/whl/cpu
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=120 --nbval-sanitize-with=tests/notebooks/sanitize.cfg

# $(call execute,notebooks,which). Runs them in the first or the last framework that is installed; with one, in that.
execute = framework=$$($(BIN)/python -c 'import rlfilm_lib; print((rlfilm_lib.backends() or [""])[$(2)])') && \
	echo "$(1) with $$framework" && RLFILM_BACKEND=$$framework $(BIN)/pytest -n 2 --dist loadfile $(NBVAL) $(1)

.PHONY: help lab film test lessons check course bench

help:
	@echo "make film    train an agent and write the film to film/ (again, if there is one)"
	@echo "make lab     open the lessons in JupyterLab"
	@echo "make test    the whole test suite, then every lesson with its solutions, in one framework"
	@echo "make lessons every lesson as students open it, in the other framework"
	@echo "make check   lint, types and the quick tests"
	@echo "make course  build the notebooks from course/lessons"
	@echo "make bench   measure speeds"

film: .venv/.film
	$(BIN)/rlfilm film --force $(ARGS)

lab: .venv/.all
	$(BIN)/rlfilm lab $(ARGS)

# One thread per test process: two processes share two cores, and sums do not depend on the number of cores.
test lessons check bench: export OMP_NUM_THREADS = 1
test lessons check: export TF_NUM_INTRAOP_THREADS = 1
test lessons check: export TF_NUM_INTEROP_THREADS = 1

test: .venv/.all
	$(BIN)/pytest -n 2 --dist worksteal $(ARGS)
	@$(call execute,course/solutions,-1)

lessons: .venv/.all
	@$(call execute,notebooks,0)

check: .venv/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not browser" $(ARGS)

course: .venv/.all
	$(BIN)/python course/build.py $(ARGS)

bench: .venv/.all
	$(BIN)/rlfilm bench $(ARGS)

# $(call install,extras). On Linux plain pip brings about 3 GB of CUDA packages with PyTorch: without an NVIDIA GPU its
# CPU build is installed first, if PyTorch's own index answers one short try.
define install
	@echo "setting up .venv ($(1)): a few minutes the first time"
	$(if $(filter torch all baselines,$(subst $(comma), ,$(1))),@if [ "$$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null && $(ANSWERS); \
		then $(PIP) --no-deps --index-url $(TORCH_INDEX) torch; fi)
	$(PIP) --editable '.[$(1)]'
endef
comma := ,
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
ANSWERS := $(BIN)/python -c 'import urllib.request; urllib.request.urlopen("$(TORCH_INDEX)/torch/", timeout=3)' 2>/dev/null

# A film needs one framework and no notebooks.
.venv/.film: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,$(FILM_EXTRAS))
	@touch $@

.venv/.all: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,$(EXTRAS))
	@touch .venv/.film $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer found: install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "$(PYTHON) is not Python 3.11 or newer: name one that is: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
