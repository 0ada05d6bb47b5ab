# Every target does the set-up it needs. `make demo` and `make test` work on a fresh machine with Python 3.11 or newer.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
LOCKED := .venv/.locked
STAMP := .venv/.installed
ASSETS := blueprints/assets
BUILT := blueprints/static/dist/manifest.json
PACKAGES := $(ASSETS)/node_modules/.package-lock.json
JOBS ?= 2
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv assets demo test lint format bench audit chaos lock clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

venv: $(STAMP) ## the virtual environment .venv with the locked dependencies

$(STAMP): $(LOCKED) pyproject.toml
	@$(BIN)/pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(LOCKED): requirements.lock
	@test -n "$(PYTHON)" || { echo "Metaloom needs Python 3.11 or newer; name it with PYTHON=/path/to/python."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || test "$$METALOOM_INSTALL" != 1 || \
		{ apt-get update -q && apt-get install -y -q python3-venv; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing: apt-get install -y python3-venv"; exit 1; }
	@echo "Setting up .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@touch $@

assets: $(BUILT) ## the pages' styles and scripts, built from blueprints/assets

$(BUILT): $(PACKAGES) $(shell find $(ASSETS) -name node_modules -prune -o -type f -print 2>/dev/null)
	@$(ASSETS)/with-node build
	@touch $@

$(PACKAGES): $(ASSETS)/package-lock.json $(ASSETS)/package.json
	@echo "Fetching the pages' libraries"
	@$(ASSETS)/with-node ci

demo: venv assets ## a running site with a business in it, and people to sign in as
	@$(BIN)/metaloom demo $(ARGS)

test: venv assets ## the whole suite, with its own PostgreSQL and Redis
	@$(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: venv ## formatting, style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: venv ## put the source into the agreed format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: venv assets ## measure against the bars
	@$(BIN)/python -m tests.bench $(ARGS)

audit: venv assets ## every page in a real Chromium, expressions four ways, hostile input, foreign tenants
	@$(BIN)/python -m tests.audit $(ARGS)

chaos: venv ## the whole system under kills, flushes and crashes; then with ten mistakes put into it
	@$(BIN)/python -m tests.chaos $(ARGS)

lock: ## resolve the dependencies again; needs uv on the path
	@uv pip compile --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --quiet pyproject.toml --output-file requirements.lock

clean: ## remove what the other targets made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist \
		$(ASSETS)/node_modules blueprints/static/dist
