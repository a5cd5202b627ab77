# make setup — from a bare machine with Python 3.11 and make to a built checkout
# make demo  — set up, load the sample dossiers through the pipeline, serve http://127.0.0.1:8000
# make test  — set up and prove everything; the steps can be run one by one, see `make help`
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8000
BIN := $(CURDIR)/.venv/bin
PY := $(BIN)/python
TESTING := env LANTAI_HOME=$(CURDIR)/var/test-home
PYTEST := $(TESTING) $(PY) -m pytest -q
NPM := $(BIN)/npm
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Byte code is kept: reading source again costs every start several seconds.
export PYTHONDONTWRITEBYTECODE :=
export npm_config_cache ?= $(CURDIR)/var/npm-cache
# Which lock: requirements.lock leaves the tools of development and the tests' browser out. The demo
# asks for no more than that; what is installed for the tests serves it too.
LOCK ?= requirements-dev.lock
RUN := requirements.lock
COMPILE := --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11

.PHONY: help setup demo test check pure judges services postgres web browser faults fix migrations locks messages clean

help: ## show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: var/.built ## install and build everything, start nothing

demo: ## load the samples through the pipeline and serve them
	@$(MAKE) --no-print-directory setup LOCK=$(if $(wildcard .venv/.ready-requirements-dev.lock),$(LOCK),$(RUN))
	$(BIN)/lantai demo --port $(PORT)

test: setup check pure judges services postgres web browser faults ## everything that must hold

check: setup ## format, lint, layers, types, migrations, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(TESTING) $(PY) -m django makemigrations --check --dry-run --settings lantai.settings
	$(BIN)/codespell src tests docs frontend Makefile *.md
	$(PYTEST) tests/architecture

pure: setup ## lib, rules and sample: no database; every branch of the rules
	$(BIN)/coverage erase
	$(TESTING) $(BIN)/coverage run --parallel-mode -m pytest -q tests/rules tests/lib/test_*.py
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --include='src/lantai/cases/rules/*,src/lantai/lib/idnumber.py,src/lantai/lib/catalogue.py,src/lantai/lib/dates.py' --fail-under=100
	$(PYTEST) -n 2 tests/lib/imagery tests/lib/tlog tests/lib/ocfl tests/lib/reading tests/sample tests/crashes

judges: setup ## programs nobody here wrote look at the log; who is absent is named
	tests/judges/install
	$(PYTEST) tests/judges

services: setup ## verbs and questions on SQLite
	$(PYTEST) -n 2 tests/services

postgres: setup ## the same on PostgreSQL
	$(PY) tests/with_postgres.py $(PYTEST) -n 2 tests/services

web: setup ## pages, commands, the witness and an S3 store, as a client
	$(PYTEST) -n 2 tests/web tests/ops tests/witness tests/s3

browser: setup ## journeys in a real browser; those of a module are chapters of one day, in order
	$(PYTEST) -n 2 --dist loadfile -p no:randomly tests/browser

faults: setup ## writers killed half-way, on both databases
	$(PYTEST) -n 2 tests/faults
	$(PY) tests/with_postgres.py $(PYTEST) -n 2 tests/faults

fix: setup ## format and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrations: setup ## write the migrations the models ask for
	$(TESTING) $(PY) -m django makemigrations --settings lantai.settings

locks: ## write the locks that pyproject.toml asks for; what is locked already stays
	$(BIN)/uv pip compile -q $(COMPILE) --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q $(COMPILE) --group build --group dev pyproject.toml -o requirements-dev.lock

messages: ## gather the sentences to translate
	$(BIN)/pybabel -q extract -F babel.cfg -k gettext_lazy -o var/django.pot src
	$(BIN)/pybabel -q update -D django -i var/django.pot -d src/lantai/locale --no-fuzzy-matching

clean: ## remove what was installed and built; data in var/home stays
	rm -rf .venv node_modules frontend/dist var/.built var/static var/npm-cache

.venv/.ready-$(LOCK): $(LOCK)
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install -q --require-hashes --no-deps -r bootstrap.lock
	$(BIN)/uv pip sync -q --python $(PY) --compile-bytecode --require-hashes $(LOCK)
	$(PY) tools/link.py
	@touch .venv/.ready-$(RUN) $@

node_modules/.ready-$(LOCK): package-lock.json .npmrc .venv/.ready-$(LOCK)
	$(NPM) ci --silent $(if $(filter $(RUN),$(LOCK)),--omit=dev)
	@touch node_modules/.ready-$(RUN) $@

var/.built: node_modules/.ready-$(LOCK) package.json $(wildcard frontend/*.css frontend/*.js frontend/*.mjs frontend/verifier/*) \
		$(shell find src/lantai/web src/lantai/locale -name '*.html' -o -name '*.po' -o -name '*.py')
	$(NPM) run --silent build
	$(BIN)/pybabel -q compile -D django -d src/lantai/locale
	$(TESTING) $(PY) -m django collectstatic --noinput --clear -v 0 --settings lantai.settings
	@mkdir -p var && touch $@
