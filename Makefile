# Each target does all its own set-up: a virtual environment with exactly what requirements.lock names.
#
#   make demo              the whole road on this machine, in under three minutes; BUS=rabbitmq: one process a service;
#                          FILE=contacts.csv [ID=column]: with a file of your own, set up from what is found in it
#   make up                Tidegate all in one, until Ctrl-C; ARGS="--data-dir DIR"
#   make test              the tests, on real RabbitMQ, PostgreSQL, OpenSSH, vsftpd, Apache and GnuPG; ARGS="tests/unit -k merge"
#   make faults            everything that may break, broken on purpose; writes docs/faults.md (about an hour)
#   make examples          the tests that draw examples, with ten times as many
#   make chaos             2,000 files under random kills for ten minutes; SEED=7 repeats a run
#   make check             style, types, floors, and that every rendered file is fresh
#   make containers        docker-compose.yml started for real, in Docker or else podman (as root), and the demonstration
#   make bench             throughput and memory, side by side with the floor; ARGS=...
#   make contract          render asyncapi.yaml, openapi.yaml and the PrometheusRule anew
#   make lock              render requirements.lock anew; ARGS=--upgrade takes newer versions
#
# PYTHON=python3.12 VENV=.venv312 tests on another Python than the first one found of 3.11, 3.12 and 3.13.

PYTHON ?=
VENV ?= .venv
BUS ?=
FILE ?=
ID ?=
SEED ?=
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready

FAULTS := $(CURDIR)/.faults

# Some images forbid Python to keep what it compiled: each test process would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo up test faults examples chaos check containers bench contract lock clean
.DELETE_ON_ERROR:

# make hands its variables on in the environment; a quote in a name would end a word of the shell.
demo: $(READY)
ifeq ($(BUS),rabbitmq)
	@scripts/install_servers.sh rabbitmq
endif
	@$(BIN)/python -m demo.run $(if $(BUS),--bus $(BUS)) $(if $(FILE),--file "$$FILE") $(if $(ID),--id "$$ID") $(ARGS)

up: $(READY)
	@exec $(BIN)/tidegate up $(ARGS)

test: $(READY)
	@scripts/install_servers.sh rabbitmq postgresql openssh vsftpd apache2 clients gnupg
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(READY)
	@scripts/install_servers.sh rabbitmq postgresql openssh
	@rm -rf $(FAULTS) && mkdir $(FAULTS)
	TIDEGATE_FAULTS_FOLDER=$(FAULTS) $(BIN)/pytest tests/faults -m '' -n 3 --dist loadgroup $(ARGS)
	$(if $(ARGS),,TIDEGATE_FAULTS_FOLDER=$(FAULTS) $(BIN)/python -m tests.faults.report)

examples: $(READY)
	@scripts/install_servers.sh rabbitmq postgresql openssh vsftpd apache2 clients gnupg
	TIDEGATE_TEST_EXAMPLES=10 $(BIN)/pytest -m hypothesis -n 2 --dist loadfile --timeout 1800 $(ARGS)

chaos: $(READY)
	@scripts/install_servers.sh rabbitmq postgresql openssh
	$(if $(SEED),TIDEGATE_CHAOS_SEED=$(SEED)) $(BIN)/pytest tests/chaos -m '' -s $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m shared.bus.asyncapi --check
	$(BIN)/python -m services.api.openapi --check
	$(BIN)/python scripts/lock.py --check
	$(BIN)/python scripts/check_tracked.py
	$(BIN)/python scripts/check_quotes.py
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/hadolint --failure-threshold warning Dockerfile scripts/containers/images/Containerfile
	$(BIN)/python scripts/rules.py --check
	$(BIN)/python scripts/check_manifests.py deploy/k8s/overlays/dev deploy/k8s/overlays/production
	@scripts/install_servers.sh prometheus
	$(BIN)/python -m scripts.check_prometheus

containers: $(READY)
	@$(BIN)/python -m scripts.containers.run

bench: $(READY)
	@$(BIN)/python -m bench.run $(ARGS)

contract: $(READY)
	$(BIN)/python -m shared.bus.asyncapi
	$(BIN)/python -m services.api.openapi
	$(BIN)/python scripts/rules.py

lock: $(READY)
	$(BIN)/python scripts/lock.py $(ARGS)

clean:
	rm -rf $(VENV) $(FAULTS) .containers build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(READY): requirements.lock pyproject.toml scripts/prepare.sh
	@scripts/prepare.sh $(VENV) $(PYTHON)
	@touch $@
