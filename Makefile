# make quickstart   install into .venv and run a real transfer search from ImageNet weights on scikit-learn's digits
# make test         install into .venv and run all tests
# make lint         ruff and mypy, as every change must pass them
# make guards       switch the checks of the product off, one by one: a test has to fail for each
# make docs         build the site of docs/ in English and Chinese into build/site, without a warning
# make format       sort imports and mend what ruff can mend by itself
# make install      only install (EXTRAS=gpu,dev for a GPU machine)

VENV   ?= .venv
EXTRAS ?= cpu,dev
# The last PaddleClas wheel that carries the training engine; its own pins do not install on
# current Pythons.
ENGINE ?= paddleclas==2.4.2
PY      = $(VENV)/bin/python
READY   = $(VENV)/.installed

# The first Python from 3.10 to 3.12 that runs.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)

.PHONY: install quickstart test lint guards docs format clean

install: $(READY)

$(READY): setup.py
	@test -n "$(PYTHON)" || { echo "paddle_transfer needs Python 3.10, 3.11 or 3.12 on the PATH (or make PYTHON=/path/to/python)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -e ".[$(EXTRAS)]"
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps $(ENGINE)
	touch $(READY)

quickstart: $(READY)
	$(PY) tools/quickstart.py

test: $(READY) tests/node/.installed
	OMP_NUM_THREADS=1 $(PY) -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal

# The language server of editors; its tests are skipped where it cannot be had.
tests/node/.installed: tests/node/package.json
	@npm install --prefix tests/node --no-package-lock --no-fund --no-audit --silent \
		--fetch-retries=0 --fetch-timeout=20000 && touch $@ \
		|| echo "no node packages: the tests that need them are skipped"

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m mypy

guards: $(READY)
	$(PY) tests/guards/run.py

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

$(VENV)/.installed-docs: $(READY)
	$(PY) -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@

format: $(READY)
	$(PY) -m ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info output
