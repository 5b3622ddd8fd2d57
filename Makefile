# Interlude's tasks. `make` alone lists them; `make test` is the one that has to pass.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.NOTPARALLEL:

# The development tools live in a module of their own: docs/adr/0007.
TOOL := go tool -modfile=tools/go.mod

TEST_TIMEOUT ?= 18m
SOAK_ROUNDS  ?= 400
FUZZTIME     ?= 20s
BENCH        ?= .
BENCH_COUNT  ?= 6

.PHONY: help
help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##
.PHONY: test
test: setup house vet check-generated lint test-all ## everything that must pass; installs what it needs

.PHONY: quick
quick: ## the tests without race detector, browser and PostgreSQL; needs Go alone
	env -u INTERLUDE_TEST_STRICT -u INTERLUDE_TEST_CHROMIUM -u INTERLUDE_TEST_POSTGRES \
		go test -short -timeout=$(TEST_TIMEOUT) ./...

.PHONY: setup
setup: ## install PostgreSQL, Chromium, a C compiler, and the clients of the tests, where missing
	@scripts/setup

# Not cached: the house tests read what the tool go list says, which the test cache cannot see.
.PHONY: house
house: ## the laws of the repository itself
	go test -count=1 ./house

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: lint
lint: ## golangci-lint, and the layout of the code
	$(TOOL) golangci-lint run ./...

# Strict: a test that would be skipped for want of PostgreSQL or Chromium fails instead.
.PHONY: test-all
test-all:
	@chromium=$$(scripts/chromium); packages=$$(go list ./... | grep -v '/house$$'); \
	INTERLUDE_TEST_STRICT=1 INTERLUDE_TEST_CHROMIUM=$$chromium CGO_ENABLED=1 \
		scripts/with-postgres go test -race -timeout=$(TEST_TIMEOUT) $$packages

.PHONY: generate
generate: ## renew the generated files: templates, reference pages
	$(TOOL) templ generate
	go generate ./...

.PHONY: check-generated
check-generated: ## fail if generated files are not what their sources say
	@scripts/check-generated

.PHONY: format
format: ## gofumpt and templ fmt, in place
	$(TOOL) golangci-lint fmt ./...
	$(TOOL) templ fmt .

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (20s)
	scripts/fuzz $(FUZZTIME)

.PHONY: soak
soak: ## kill the gate SOAK_ROUNDS (400) times while it accepts and hands over, and count what arrives
	INTERLUDE_TEST_ROUNDS=$(SOAK_ROUNDS) go test -count=1 -v -timeout=2h -run='HoweverOftenTheGateIsKilled' ./cmd/interlude

.PHONY: bench
bench: ## benchmarks, BENCH_COUNT (6) times, summed up by benchstat
	go test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(BENCH_COUNT) ./... | tee bench.txt
	$(TOOL) benchstat bench.txt

.PHONY: bench-page
bench-page: ## reading the page beside nginx with the same bytes; needs nginx and wrk
	scripts/bench-page

.PHONY: bench-gate
bench-gate: ## the gate beside nginx, HAProxy and Caddy, and 10,000 requests held; needs nginx, haproxy and wrk
	scripts/bench-gate

.PHONY: bench-spool
bench-spool: ## accepting and draining beside Postfix, and posts; as root, needs Postfix, nginx and wrk
	scripts/bench-spool

.PHONY: bench-notify
bench-notify: ## telling 100,000 by mail beside a bare generator, and 10,000 webhooks; needs Postfix's smtp-sink
	scripts/bench-notify

# The version is not passed in: Go stamps the commit and its tag, which `interlude version` prints.
.PHONY: build
build: ## the program, static, in bin/interlude
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/interlude ./cmd/interlude

.PHONY: clean
clean: ## remove what the tasks above leave behind
	rm -rf bin bench.txt browser/node_modules compat/node_modules
