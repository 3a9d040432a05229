# `make demo` and `make test` need Python 3.10-3.13 and make, and set up the rest themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test chromium soak bench bench-growth lint build check-dist clean

demo: $(READY)  ## both example DAGs in a real Airflow, against the local server
	$(BIN)/python -m dev.demo

test: $(READY) chromium  ## all tests
	$(BIN)/python -m pytest

chromium: $(READY)  ## the browser that the local server's page is tested in, where apt-get can install it
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit 0; done; \
	if [ -n "$$CDF_WITHOUT_BROWSER" ] || ! command -v apt-get > /dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2> /dev/null; then sudo="sudo -n"; else exit 0; fi; \
	echo "Installing chromium, which the local server's page is tested in."; \
	{ $$sudo apt-get update && $$sudo apt-get install -y --no-install-recommends chromium; } \
		> $(VENV)/chromium.log 2>&1 || echo "That failed; $(VENV)/chromium.log says why."

soak: $(READY)  ## the fault and crash tests, ten times as long
	CDF_FAULT_SEEDS=1400 CDF_CRASH_ROUNDS=20 $(BIN)/python -m pytest tests/faults

bench: $(READY)  ## how fast, beside the official SDK and the usual script; needs nginx
	$(BIN)/python -m dev.benchmarks $(BENCH)

bench-growth: $(READY)  ## whether 5 million records cost more, each, than 200 thousand
	$(BIN)/python -m dev.benchmarks --growth $(BENCH)

lint: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

build: $(READY)  ## wheel and sdist into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation

check-dist: build  ## the wheel, installed into an empty environment, is found by Airflow; the sdist builds too
	rm -rf $(VENV)-dist
	$(PYTHON) -m venv $(VENV)-dist
	$(VENV)-dist/bin/python -m pip install --quiet --disable-pip-version-check -c requirements-dev.txt dist/*.whl
	AIRFLOW_HOME=$(CURDIR)/$(VENV)-dist $(VENV)-dist/bin/airflow providers list | grep airflow-provider-cdf-records
	AIRFLOW_HOME=$(CURDIR)/$(VENV)-dist $(VENV)-dist/bin/airflow providers hooks | grep CdfRecordsHook
	$(VENV)-dist/bin/python -m airflow_provider_cdf_records.local_server --help > $(VENV)-dist/help.txt
	! $(BIN)/python -m zipfile -l dist/*.whl | grep -E 'tests/|example_dags/'
	$(BIN)/python -m zipfile -l dist/*.whl | grep -E 'ui/(index.html|page.css|page.js) ' | wc -l | grep -qx 3
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--wheel-dir $(VENV)-dist dist/*.tar.gz

clean:
	rm -rf $(VENV) $(VENV)-dist .demo .bench build dist

$(READY): requirements-dev.txt pyproject.toml
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
