# `make demo` and `make test` need Python 3.10-3.14 and make, and set up the rest themselves.
PYTHON ?= python3
# Others, such as dev/requirements-airflow-2.txt, get an environment of their own.
REQUIREMENTS ?= requirements-dev.txt
VENV := .venv$(if $(filter-out requirements-dev.txt,$(REQUIREMENTS)),-$(basename $(notdir $(REQUIREMENTS))))
BIN := $(VENV)/bin
SERVERS_BIN := .venv-requirements-servers/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
DOING := $(PYTHON) dev/progress.py
PACKAGES = $$(grep -c == $(REQUIREMENTS))
THIS := --no-deps --no-build-isolation --editable .
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate \
	--extra local-server --extra parquet --extra sql --extra zstd --group dev pyproject.toml
# Rows of the file that the Celery demo loads.
ROWS ?= 2000000
# Each test process waits about half of its time, for servers and for Airflow.
TEST_PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(2 * os.cpu_count())')
# Those that need a database or a storage to be installed, and those of a database's memory.
SERVER_TESTS := tests/servers $(wildcard tests/hooks/sql/test_postgres*.py) tests/hooks/sql/test_memory.py
PYTEST := $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadgroup

# Packages are not compiled when they are installed, but once, when they are used.
export PYTHONDONTWRITEBYTECODE :=
# The database and connections of the user's own Airflow are not for these, and neither are packages from elsewhere.
unexport $(filter AIRFLOW_%,$(.VARIABLES)) PYTHONPATH

.PHONY: environment demo demo-up demo-celery test test-servers servers databases chromium soak matrix coverage \
	bench bench-growth bench-server bench-bad-rows bench-budget screenshots \
	docs docs-links lint build check-dist release-rehearsal lock clean

environment: $(READY)  ## the development environment, .venv

demo: STARTED := $(shell date +%s)
demo: $(READY)  ## in a minute, what the package does: a mapping, rejected rows, retries, a sensor, an event
	@$(BIN)/python -m dev.demo --since $(STARTED)

demo-up: $(READY)  ## local server and Airflow with loads every minute, until Ctrl-C; CHECK=1 tries that and ends
	@$(BIN)/python -m dev.demo.$(if $(CHECK),check_up,up)

demo-celery: databases  ## ROWS rows loaded by two Celery workers, one of which is killed; proves that nothing is lost
	$(MAKE) environment REQUIREMENTS=dev/requirements-servers.txt
	$(SERVERS_BIN)/python -m dev.celery_demo --rows $(ROWS)

test: $(READY) chromium  ## all tests but those of test-servers; PYTEST_ARGUMENTS are handed on to pytest
	$(PYTEST) $(addprefix --ignore=,$(SERVER_TESTS)) $(PYTEST_ARGUMENTS)

test-servers: servers  ## the tests against databases and storages, whose many packages are in an environment of their own
	$(MAKE) environment REQUIREMENTS=dev/requirements-servers.txt
	$(PYTEST:$(BIN)%=$(SERVERS_BIN)%) $(SERVER_TESTS) tests/hooks/test_without_a_secret.py $(PYTEST_ARGUMENTS)

servers: databases  ## these, and Azurite, where npm can install it
	@test -e .servers/node_modules/.bin/azurite-blob \
		|| npm install --silent --no-fund --no-audit --no-save --prefix .servers azurite@3.37.0

databases:  ## PostgreSQL, MariaDB, Redis, an ODBC driver, and npm, where apt-get can install them
	@if ! command -v apt-get > /dev/null; then exit 0; fi; \
	command -v mariadbd > /dev/null && command -v redis-server > /dev/null \
		&& ls /usr/lib/postgresql/*/bin/postgres /usr/lib/*/odbc/libmaodbc.so > /dev/null 2>&1 \
		&& command -v npm > /dev/null && command -v mariadb_config > /dev/null && command -v pkg-config > /dev/null \
		&& exit 0; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2> /dev/null; then sudo="sudo -n"; else exit 0; fi; \
	echo "Installing the servers that are tested against."; \
	{ $$sudo apt-get update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
		postgresql mariadb-server redis-server unixodbc odbc-mariadb libmariadb-dev pkg-config gcc \
		$$(command -v npm > /dev/null || echo npm); } > .servers.log 2>&1 \
		|| echo "That failed; .servers.log says why."

chromium: $(READY)  ## the browser that Airflow's pages and the local server's are tested in, where apt-get can install it
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit 0; done; \
	if [ -n "$$CDF_WITHOUT_BROWSER" ] || ! command -v apt-get > /dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2> /dev/null; then sudo="sudo -n"; else exit 0; fi; \
	echo "Installing chromium, which pages are tested in."; \
	{ $$sudo apt-get update && $$sudo apt-get install -y --no-install-recommends chromium; } \
		> $(VENV)/chromium.log 2>&1 || echo "That failed; $(VENV)/chromium.log says why."

soak: $(READY)  ## the tests of faults, crashes and watching ten times as long, and properties with other examples each time
	CDF_FAULT_SEEDS=3000 CDF_CRASH_ROUNDS=20 CDF_FUZZ_FILES=20000 $(PYTEST) tests/faults
	CDF_WATCH_BURSTS=200 $(PYTEST) tests/triggers/test_watching_in_airflow.py
	HYPOTHESIS_PROFILE=soak $(PYTEST) -m hypothesis

bench: $(READY)  ## how fast, beside the official SDK and the usual script; needs nginx
	$(BIN)/python -m dev.benchmarks $(BENCH)

bench-growth: $(READY)  ## whether 5 million records cost more, each, than 200 thousand
	$(BIN)/python -m dev.benchmarks --growth $(BENCH)

bench-server: $(READY)  ## how many records a second the local server takes
	$(BIN)/python -m dev.bench_local_server
	$(BIN)/python -m dev.bench_local_server_loads --again $(BENCH)

bench-bad-rows: $(READY)  ## whether bad rows make a load slow
	$(BIN)/python -m dev.bad_rows $(BENCH)

bench-budget: $(READY)  ## how loads in separate processes share the write budget of a project
	$(BIN)/python -m dev.shared_budget $(BENCH)

screenshots: $(READY) chromium  ## the pictures of the documentation, of a real Airflow and of the local server's page
	$(BIN)/python -m dev.screenshots

matrix: $(READY)  ## the tests on each Airflow and Python, into docs/versions.md; MATRIX names sessions of noxfile.py
	TEST_PROCESSES=$(TEST_PROCESSES) $(BIN)/python -m nox $(addprefix --session ,$(MATRIX))

coverage: $(READY) chromium  ## how much of the package `make test` runs; fails below the gate in pyproject.toml
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest --numprocesses $(TEST_PROCESSES) --dist loadgroup \
		$(addprefix --ignore=,$(SERVER_TESTS)) $(PYTEST_ARGUMENTS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --skip-covered

docs: $(READY)  ## the documentation, into docs/_build/html; warnings are errors
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

docs-links: $(READY)  ## whether the addresses in the documentation answer; needs the network
	$(BIN)/python -m sphinx -q -W --keep-going -b linkcheck docs docs/_build/linkcheck

lint: $(READY)  ## style, types, spelling, workflows: the hooks of .pre-commit-config.yaml, but for actionlint
	SKIP=actionlint $(BIN)/prek run --all-files --show-diff-on-failure

build: $(READY)  ## wheel and sdist into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation

check-dist: build  ## the wheel, installed into an empty environment, is found by Airflow; the sdist builds too
	rm -rf $(VENV)-dist
	$(PYTHON) -m venv $(VENV)-dist
	$(BIN)/uv pip install --quiet --python $(VENV)-dist/bin/python -c $(REQUIREMENTS) dist/*.whl \
		|| $(VENV)-dist/bin/python -m pip install --quiet --disable-pip-version-check -c $(REQUIREMENTS) dist/*.whl
	$(BIN)/python -m dev.check_dist dist/*.whl
	AIRFLOW_HOME=$(CURDIR)/$(VENV)-dist $(VENV)-dist/bin/airflow providers list | grep airflow-provider-cdf-records
	AIRFLOW_HOME=$(CURDIR)/$(VENV)-dist $(VENV)-dist/bin/airflow providers hooks | grep CdfRecordsHook
	cd $(VENV)-dist && bin/python -m airflow_provider_cdf_records.local_server --help > help.txt # beside the source it would be the source
	$(VENV)-dist/bin/python -c 'from importlib.metadata import metadata as m; print(m("airflow-provider-cdf-records").get_payload())' \
		> $(VENV)-dist/readme.md
	grep -q '/blob/main/docs/install.md)' $(VENV)-dist/readme.md # on the package's page, links lead to the repository
	! grep -E '\]\((docs|example_dags|[A-Z]+\.md)' $(VENV)-dist/readme.md
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--wheel-dir $(VENV)-dist dist/*.tar.gz

release-rehearsal: build  ## build, upload to a package index on this machine, install from it, load a record
	$(BIN)/python -m dev.release_rehearsal

# Airflow 2 hands on no frames of pandas 3, and its files of storage break with newer paths, which 2.11.0 does not say.
# Airflow 3.0 and 3.2 run no task with packages much newer than themselves.
lock: $(READY)  ## the pinned requirements anew, from pyproject.toml; LOCK_ARGUMENTS=--upgrade takes the newest
	$(LOCK) $(LOCK_ARGUMENTS) --group airflow-3 --group docs --output-file requirements-dev.txt
	printf '%s\n' "apache-airflow==2.11.*" "pandas<3" \
		| $(LOCK) $(LOCK_ARGUMENTS) --constraints - --output-file dev/requirements-airflow-2.txt
	printf '%s\n' "apache-airflow==3.0.*" "pandas<3" \
		| $(LOCK) $(LOCK_ARGUMENTS) --group airflow-3 --constraints - --exclude-newer 2025-09-20 \
			--exclude-newer-package apache-airflow-providers-common-compat=2026-02-01 \
			--output-file dev/requirements-airflow-3.0.txt
	printf '%s\n' "apache-airflow==3.1.*" "pandas<3" \
		| $(LOCK) $(LOCK_ARGUMENTS) --group airflow-3 --constraints - --output-file dev/requirements-airflow-3.1.txt
	printf '%s\n' "apache-airflow==3.2.*" "pandas<3" \
		| $(LOCK) $(LOCK_ARGUMENTS) --group airflow-3 --constraints - --exclude-newer 2026-06-20 \
			--output-file dev/requirements-airflow-3.2.txt
	$(LOCK) $(LOCK_ARGUMENTS) --extra azure --group airflow-3 --group servers --constraints requirements-dev.txt \
		--output-file dev/requirements-servers.txt
	pins=$$($(BIN)/python -m dev.matrix) && printf '%s\n' $$pins "universal-pathlib<0.3" \
		| $(LOCK) $(LOCK_ARGUMENTS) --constraints - --output-file dev/requirements-lowest.txt

clean:
	rm -rf .venv .venv-* .nox .coverage .coverage.* .servers .servers.log .demo .demo-up .bench docs/_build build dist

$(READY): $(REQUIREMENTS) pyproject.toml
	@rm -rf $(VENV)
	@$(DOING) "Making $(VENV) with $$($(PYTHON) --version)" $(PYTHON) -m venv $(VENV)
	@$(DOING) "Installing uv" $(PIP) -c $(REQUIREMENTS) uv \
		&& $(DOING) "Installing the $(PACKAGES) packages of $(REQUIREMENTS) with uv" $(UV) -r $(REQUIREMENTS) \
		&& $(DOING) "Installing this package" $(UV) $(THIS) \
		|| { echo "uv does not get through; pip may, and takes minutes."; \
			$(DOING) "Installing the $(PACKAGES) packages of $(REQUIREMENTS) with pip" $(PIP) -r $(REQUIREMENTS) \
			&& $(DOING) "Installing this package" $(PIP) $(THIS) \
			|| { echo "The packages did not come: is there a way to PyPI, or to what PIP_INDEX_URL and UV_DEFAULT_INDEX name?"; \
				exit 1; }; }
	@touch $@
