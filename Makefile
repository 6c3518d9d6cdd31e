# The commands that everyone relies on: ARCHITECTURE.md lists them.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
SHELL := /bin/sh
MANIFESTS := package.json package-lock.json $(wildcard packages/*/package.json)
STAMP := node_modules/.package-lock.json

.PHONY: install check format test run services services-stop demo demo-events demo-channels crash bench docs
.DEFAULT_GOAL := install

install: $(STAMP)

$(STAMP): $(MANIFESTS)
	npm ci --ignore-scripts --loglevel=error --no-audit --no-fund
	@test -x node_modules/.bin/node && node_modules/.bin/node --version > /dev/null || { rm -f $@; \
	  echo "The pinned Node could not be installed or started: it exists for Linux x64 and arm64 and needs libatomic1. Elsewhere put Node 26 on the PATH."; \
	  [ "$$(uname -s)" != Linux ] && node -e 'process.exit(process.versions.node.startsWith("26.") ? 0 : 1)'; }
	@touch $@

check: install
	vitest run --project static --project unit

format: install
	biome check --write .

test: install
	vitest run

run: install
	node tools/run.ts $(ARGS)

services: install
	@node tools/services.ts start

services-stop: install
	@node tools/services.ts stop

demo-events: install
	node tools/demo-events.ts

demo-channels: install
	node tools/demo-channels.ts

demo: install
	node tools/demo-ingest.ts

crash: install
	node packages/server/test/crash/main.ts

bench: install
	node packages/server/test/bench/main.ts

docs: install
	node tools/generate-docs.ts
