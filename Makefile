# Everything that can be made. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
DEVICE ?= $(if $(wildcard $(VENV)/locked-gpu),gpu,cpu)
SOAK ?= 1
CLIP ?= $(FACEAPI_TEST_DATA)/clips/face-demographics-walking-and-pause.mp4
PEOPLE ?= $(FACEAPI_TEST_DATA)/faces
UPGRADE ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed-$(DEVICE)
LOCKED := $(VENV)/locked-$(DEVICE)
LOCK_cpu := requirements-dev.txt
LOCK_gpu := requirements-dev-gpu.txt

ifeq ($(LOCK_$(DEVICE)),)
$(error DEVICE is cpu or gpu, not "$(DEVICE)")
endif

.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: PYTHON=$(PYTHON) VENV=$(VENV) DEVICE=$(DEVICE) (cpu or gpu)"

.PHONY: setup
setup: $(INSTALLED) ## make .venv with faceapi in it (DEVICE=gpu: for an NVIDIA GPU)

.PHONY: check
check: setup ## lint, formatting, types, who may import what
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: setup web ## all tests but those that run long or want a Milvus server
	$(BIN)/pytest -m "not milvus_server and not long and not soak"

.PHONY: test-long
test-long: setup web ## tests that kill and restart the program many times
	$(BIN)/pytest -m long

.PHONY: run
run: setup web ## the service with a demo camera of our own; the terminal says its address
	$(BIN)/faceapi demo

.PHONY: bench
bench: setup ## frames a second (CLIP=video PEOPLE=folder; else those in FACEAPI_TEST_DATA)
	$(BIN)/python tests/bench/throughput.py "$(CLIP)" "$(PEOPLE)"

.PHONY: soak
soak: setup ## tests that run long; SOAK=10 makes them ten times as long
	SOAK=$(SOAK) $(BIN)/pytest -m soak

.PHONY: web
web: setup ## write what a browser's program needs: the schema of the messages
	mkdir -p dashboards/web
	$(BIN)/python -m api.wire > dashboards/web/wire.schema.json

.PHONY: lock
lock: setup ## pin what pyproject.toml asks for (UPGRADE=--upgrade: to the newest)
	$(call compile,requirements-cpu.txt,cpu)
	$(call compile,requirements-gpu.txt,gpu)
	$(call compile,requirements-dev.txt,cpu demo dev)
	$(call compile,requirements-dev-gpu.txt,gpu demo dev)

.PHONY: clean
clean: ## remove .venv and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find api ingest pipeline configs tests -name __pycache__ -type d -prune -exec rm -rf {} +

# No configuration and no environment of uv's: a lock must not tell where it was made.
compile = env -u UV_FIND_LINKS -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL \
	$(BIN)/uv pip compile --quiet --no-config --generate-hashes --universal --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE) \
	$(addprefix --extra ,$(2)) --output-file $(1) pyproject.toml

$(INSTALLED): $(LOCKED) pyproject.toml
	$(BIN)/pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# From nothing: what an older lock put there, or one for another device, must not stay.
$(LOCKED): $(LOCK_$(DEVICE))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "faceapi wants Python 3.11 or newer: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "$(PYTHON) cannot make environments; on Debian: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes --requirement $<
	touch $@
