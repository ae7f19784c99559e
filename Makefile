# `make demo` runs the main job, `make quick` the fast tests, `make test` every check. Each sets up what it needs.
# ARGS goes to pytest: make quick ARGS="tests/cds_service/records -k feedback"
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
QUICK  := $(addprefix tests/,cards coverage_policies fhir_mappings cds_service/hooks cds_service/http)

.PHONY: demo quick test endure conformance clean

demo: $(VENV)/.run
	$(BIN)/cds-service demo

quick: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/pytest -m "not slow and not process and not postgres" --ignore-glob="*_fuzz.py" $(or $(ARGS),$(QUICK) tests/test_*docs.py tests/test_examples.py tests/test_layout.py)

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cds-service policies lint --strict
	$(BIN)/pytest -n auto $(ARGS)

endure: $(VENV)/.dev
	CDS_TEST_PROFILE=endure $(BIN)/pytest -n auto

conformance: $(VENV)/.dev
	$(BIN)/python tests/conformance.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
