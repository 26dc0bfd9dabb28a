# Everything runs in .venv, which the first target that needs it makes. PYTHON=python3.12 picks another interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test test-all check format lint types layers bench bench-estimators clean

demo: $(VENV)/.demo  ## the main job: pictures and reports in demo-output/
	$(BIN)/dsflow demo

test: export OMP_NUM_THREADS = 1
test: $(VENV)/.dev  ## all laws, fixed samples; under 10 minutes on two cores
	$(BIN)/coverage erase
	$(BIN)/pytest -m "not slow and not untraced" -n 2 --dist loadfile --cov --cov-report= --cov-fail-under=0
	$(BIN)/pytest -m "untraced and not slow" -n 2
	$(BIN)/coverage report

test-all: $(VENV)/.dev  ## everything
	$(BIN)/pytest

check: format lint types layers test  ## what CI runs

format: $(VENV)/.dev
	$(BIN)/ruff format --check --quiet .

lint: $(VENV)/.dev
	$(BIN)/ruff check --quiet .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.dev  ## the figures of the README, each side by side with its peer; Ray too, if it is installed
	$(BIN)/python benchmarks/tasks.py --quick
	$(BIN)/python benchmarks/honest.py --quick
	$(BIN)/python benchmarks/metg.py --quick
	$(BIN)/python benchmarks/growth.py --quick
	$(BIN)/python benchmarks/moved.py --quick
	$(BIN)/python benchmarks/arrays.py --quick
	$(BIN)/python benchmarks/kmeans.py
	$(BIN)/python benchmarks/cascade_svm.py

bench-estimators: $(VENV)/.dev  ## time and memory of estimators beside scikit-learn's; dask-ml's too, if it is installed
	$(BIN)/python benchmarks/learning.py

clean:
	rm -rf $(VENV) demo-output .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed; name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is older than Python 3.11; name another: make PYTHON=python3.12"; exit 1; }
	@echo "making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	@echo "installing dsflow and what the demo draws with (once)"
	@$(PIP) install --editable ".[demo]"
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@echo "installing dsflow and what the checks need (once)"
	@$(PIP) install --editable ".[dev]"
	@$(PIP) install --retries 0 --extra-index-url https://download.pytorch.org/whl/cpu "torch==2.13.0+cpu" || \
		echo "no PyTorch for processors alone to be had here: the tests of estimators.neural will be skipped"
	@touch $@ $(VENV)/.demo
