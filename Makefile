# Two commands do all the set-up: `make run` and `make test`. Both first bring .venv up to date (uv, from PyPI).
# Every variable can be given on the command line or in the environment: make run SOJOURN_PORT=9090 DEMO=0

SHELL := /bin/sh
PYTHON ?= python3
UV := uv==0.13.9
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	--no-emit-find-links --no-annotate
# Two cores, and one worker more, as tests with processes wait half of their time: a file of tests stays with one worker,
# and everything with a Kafka with one (tests/distribution.py).
WORKERS ?= 3
PYTEST := $(BIN)/pytest --numprocesses=$(WORKERS) --no-loadscope-reorder
SLOW := browser or engine or e2e or faults or kafka
COMPOSE := docker compose -f deploy/compose.yaml
DEMO ?= 1
export DEMO
export SOJOURN_HOST SOJOURN_PORT SOJOURN_DATA SOJOURN_TENANTS SOJOURN_STORE_DSN SOJOURN_TOPIC_PREFIX
# Python has to keep what it has compiled, also where the environment says otherwise, as that of many containers does:
# without, compiling is half of every start, and a run of the tests starts a hundred processes.
unexport PYTHONDONTWRITEBYTECODE
LOAD_SERVICES := 'import deploy.embedded, deploy.ingest_service, deploy.processors, deploy.query_service, deploy.worker; \
	from deploy import chdb_library; chdb_library.load()'
# An exported but empty variable would hide the default of schemas/settings.py.
$(foreach v,SOJOURN_HOST SOJOURN_PORT SOJOURN_DATA SOJOURN_TENANTS SOJOURN_STORE_DSN SOJOURN_TOPIC_PREFIX,\
	$(if $($(v)),,$(eval unexport $(v))))

.DEFAULT_GOAL := help
.PHONY: help run keys test test-full check format faults lock generate clean up down bench .docker

##@ Use
run: $(VENV)/.runtime ## start everything in one process (no Docker, no Kafka) with a made-up shop; DEMO=0: empty
	@exec $(BIN)/sojourn serve

keys: $(VENV)/.runtime ## show the keys of the tenants file, a link to the page, and commands to try
	@$(BIN)/sojourn keys

up: .docker ## the same as separate services in containers, with Kafka, ClickHouse, Prometheus and Grafana (Docker)
	@$(COMPOSE) up --build --detach
	@$(COMPOSE) logs --no-log-prefix setup
	@$(COMPOSE) run --rm --no-deps --no-TTY setup keys
	@echo "events go to http://127.0.0.1:8080, questions to http://127.0.0.1:8081; Grafana is at http://127.0.0.1:3000,"
	@echo "Prometheus at http://127.0.0.1:9090; make down stops it all and keeps the data"

down: .docker ## stop the containers; data and keys stay
	@$(COMPOSE) down

.docker:
	@command -v docker >/dev/null || \
		{ echo "make: docker is missing; it is needed for containers (make run needs none)" >&2; exit 2; }
	@docker compose version >/dev/null 2>&1 || \
		{ echo "make: docker has no compose plugin (docker compose version)" >&2; exit 2; }
	@docker info >/dev/null 2>&1 || { echo "make: no Docker engine answers (docker info)" >&2; exit 2; }

##@ Develop
# `make check test` runs the fast tests once: what check has just run, test leaves out.
test: $(VENV)/.dev ## every test, with the real engine and a real Kafka (Java 17 and Maven, or Docker)
	@$(BIN)/python -m tests.kafka.prepare
	@$(PYTEST) --durations=10 --longest=60 $(if $(filter check,$(MAKECMDGOALS)),-m "$(SLOW)") $(ARGS)

test-full: $(VENV)/.dev ## the same and everything that takes long: long streams, all rotations, fault rounds and mutants
	@$(BIN)/python -m tests.kafka.prepare
	@$(PYTEST) --durations=25 --full $(ARGS)

check: $(VENV)/.dev ## format, lint, types, imports and the fast tests, in under two minutes
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >$(VENV)/imports.txt || { cat $(VENV)/imports.txt; exit 1; }
	@$(PYTEST) -q -m "not ($(SLOW))" $(ARGS)

format: $(VENV)/.dev ## rewrite the sources in the house format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

faults: $(VENV)/.dev ## kill, freeze and starve every part under load, and compare event by event (half an hour)
	@$(BIN)/python -m tests.kafka.prepare
	@$(BIN)/pytest --full tests/faults $(ARGS)
	@$(BIN)/python -m tests.faults.strangers

bench: $(VENV)/.dev ## measure everything that is claimed: an hour and a half (one of it: ARGS="stream"; README lists them)
	@$(BIN)/python -m tests.bench $(ARGS)

##@ Maintain
lock: $(VENV)/.uv ## resolve the dependencies anew into deploy/locks
	@$(BIN)/$(COMPILE) pyproject.toml --group dev -o deploy/locks/dev.txt $(ARGS)
	@$(BIN)/$(COMPILE) pyproject.toml -c deploy/locks/dev.txt -o deploy/locks/runtime.txt $(ARGS)

generate: $(VENV)/.dev ## rewrite what is derived from declarations (deploy/.env.example, deploy/catalogue, Grafana's board)
	@$(BIN)/python -m schemas.settings > deploy/.env.example
	@$(BIN)/python -m deploy.catalogue_pages deploy/catalogue
	@$(BIN)/python -m deploy.grafana_board > deploy/grafana/sojourn.json

clean: ## remove .venv and caches; data stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -prune -exec rm -rf {} +

help: ## this text
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z ]*:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv itself, then exactly what the lock names and this tree (editable), and all that a service loads, compiled once;
# again only when the lock has changed.
$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: Python 3.11 or newer is needed ($(PYTHON) is older); set PYTHON=" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "make: the venv module is missing (Debian: python3-venv)" >&2; exit 2; }
	@$(BIN)/pip install --quiet --disable-pip-version-check $(UV)
	@touch $@

# `install` and not `sync`: the runtime must not remove what the tests have added.
$(VENV)/.runtime: $(VENV)/.uv deploy/locks/runtime.txt
	@echo "installing deploy/locks/runtime.txt into $(VENV)" >&2
	@$(INSTALL) --require-hashes -r deploy/locks/runtime.txt
	@$(INSTALL) --no-deps --build-constraints deploy/locks/dev.txt -e .
	@$(BIN)/python -c $(LOAD_SERVICES)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime deploy/locks/dev.txt
	@echo "installing deploy/locks/dev.txt into $(VENV)" >&2
	@$(INSTALL) --require-hashes -r deploy/locks/dev.txt
	@touch $@
