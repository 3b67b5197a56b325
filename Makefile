# Each target makes .venv when it is absent; uv is used where it is found.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
INSTALL := $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet)
HOME_DIR ?= demo-home

.PHONY: demo test check bench serve format lock clean

.venv/pyvenv.cfg:
	$(PYTHON) scripts/require_python.py
	$(PYTHON) -m venv .venv

.venv/product: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(INSTALL) --constraint constraints.txt --editable '.[demo]'
	touch $@

.venv/everything: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(INSTALL) --constraint constraints.txt --editable '.[dev]'
	touch $@ .venv/product

# The demo's frames are small and many: more threads than one cost more than they give.
demo: .venv/product
	POLARS_MAX_THREADS=1 $(BIN)/courtesy --home $(HOME_DIR) demo --report report.html

test: .venv/everything
	scripts/test.sh

check: .venv/everything
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/everything
	$(BIN)/python bench/run.py

serve: .venv/product
	$(BIN)/courtesy --home $(HOME_DIR) init
	$(BIN)/courtesy --home $(HOME_DIR) serve

format: .venv/everything
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/everything
	scripts/lock.sh

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
