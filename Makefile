# make demo    a real call with real speech on this machine
# make test    every test, and all checks
# make check   format, lint, types, layers
# make bench   the benchmarks, as tables, into benchmarks/RESULTS.md (hours; ARGS=--quick takes one)
# make mutants every mutant of the conformance suite against all of it (takes long, goes on where it was stopped); writes docs/mutants.md
# make clean   away with everything that was made
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.dev

.PHONY: demo test check bench mutants clean recordings spanish voices packages voiceprint kokoro asterisk

# The environment that users have: the package and its speech engines.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Offhook needs Python 3.11 or later: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (once; about 400 MB of packages)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[speech]'
	@touch $@

# What developers need beside it.
$(DEV): $(READY) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group test --group lint
	@touch $@

# Human recordings for the demo; without them it uses those inside a wheel, and says so.
recordings:
	@sh scripts/fetch_recordings.sh || true

# Recorded people who speak other languages, for tests and benchmarks; without them those tests are skipped.
spanish:
	@PACKAGES="asterisk-core-sounds-es-wav asterisk-core-sounds-es" sh scripts/fetch_recordings.sh build/spanish || true

# Other people's recordings, for the part of the benchmark of turns that nothing was tuned on.
voices:
	@PACKAGES="pocketsphinx-testdata alsa-utils klettres-data" sh scripts/fetch_recordings.sh build/voices || true

# The voice encoder's weights, for the tests of voiceprints; without them those are skipped, and say so.
voiceprint: $(DEV)
	@$(BIN)/offhook engines install voiceprint || true

# The same for Kokoro: 90 MB.
kokoro: $(DEV)
	@$(BIN)/offhook engines install kokoro || true

# A browser for the tests of pages.
packages:
	@sh scripts/install_test_packages.sh

# A real PBX in a folder, for the test of its leg; without it that is skipped.
asterisk:
	@timeout 400 sh scripts/fetch_asterisk.sh || true

demo: $(READY) recordings
	@$(BIN)/offhook demo $(ARGS)

check: $(DEV)
	$(BIN)/ruff format --check src tests examples benchmarks
	$(BIN)/ruff check src tests examples benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check recordings spanish packages voiceprint kokoro asterisk
	$(BIN)/python -m pytest $(ARGS)

bench: $(DEV) recordings voices voiceprint
	$(BIN)/python benchmarks/results.py $(ARGS)

mutants: $(DEV)
	$(BIN)/python -m tests.testing.conformance.cross $(ARGS)

clean:
	rm -rf $(VENV) build dist calls .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
