# make run    the whole site on this machine, at HOST:PORT (127.0.0.1:8000)
# make test   every test; installs what it needs
# make lint   ruff, mypy, and whether all that is installed has wheels
# make bench  the benchmark, half an hour, into docs/benchmark.md; BENCH="--quick" and others: python -m bench --help

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
PYTHON ?= $(firstword $(foreach python,$(PYTHONS),$(shell $(python) -c 'import sys, venv; print("$(python)" if (3, 11) <= sys.version_info < (3, 15) else "")' 2>/dev/null)))
BIN := .venv/bin
# Settings for tools that read them but reach no database.
LINT_ENV := ENV_FILE=/dev/null DATABASE_URL=postgres:///lint SECRET_KEY=lint FIELD_ENCRYPTION_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

.PHONY: run test lint bench
.DELETE_ON_ERROR:

run: .venv/embedded
	@exec $(BIN)/python manage.py run

test: .venv/dev
	@.ci/browser
	@exec $(BIN)/python -m pytest

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(LINT_ENV) $(BIN)/mypy .
	$(BIN)/python .ci/wheels

bench: .venv/dev
	@ENV_FILE=/dev/null $(BIN)/python -m bench --write docs/benchmark.md $(BENCH)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Voiceproject needs Python 3.11 to 3.14, with its venv module." >&2; exit 1; }
	@$(PYTHON) -m venv .venv

# Each file marks that the requirements of that name are installed.
.venv/embedded .venv/dev: .venv/%: requirements-%.txt requirements-embedded.txt requirements.txt constraints.txt | .venv/bin/python
	@echo "Installing $<, which takes a minute …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch .venv/embedded $@
