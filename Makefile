# Every target with a `##` comment is listed by `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
PKGS     ?= ./...
FUZZTIME ?= 5s
ROUNDS   ?= 3
EVENTS   ?= 2000000
DURATION ?= 10s
SEED     ?= 1

# Large real logs and corpora that are no part of the repository; what is not there is left out.
SHARED   ?= ../shared
DATA     := bench/data/shoplog-$(EVENTS).ndjson
# Modules of their own inside the tree: the cgo oracle, the assembly generator. The product's module never sees them.
MODULES  := $(shell find . -mindepth 2 -name go.mod -not -path '*/node_modules/*' -printf '%h\n' | sort)

.PHONY: help
help: ## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- product

.PHONY: build
build: ## compile ./allsource, static, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -o allsource ./cmd/allsource

.PHONY: demo
demo: build ## a server with three years of real events, a tour, then psql (Ctrl-C ends it)
	@./allsource demo

# --- tests

.PHONY: test
test: ## everything that needs only Go; tests with psql, PostgreSQL or node say so where those are missing
	$(GO) test $(TESTFLAGS) $(PKGS)

.PHONY: check
check: fmt vet tidy test generated ## what a change must pass before it is committed

.PHONY: fmt
fmt: ## fail where a file is not gofmt's
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "not formatted:"; echo "$$bad"; exit 1; fi

.PHONY: vet
vet: ## go vet, the assembly's declarations included
	$(GO) vet $(PKGS)

.PHONY: tidy
tidy: ## the house rules: floors, walls, sizes, idioms, documents
	$(GO) test -count=1 ./cmd/internal/tidy

.PHONY: race
race: ## the tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) $(PKGS)

.PHONY: slt
slt: ## the SQL corpus under every configuration
	ALLSOURCE_SLT=all $(GO) test -count=1 -run 'SLT' $(TESTFLAGS) ./engine/...

.PHONY: sqlite-slt
sqlite-slt: ## SQLite's public test queries over events (ALLSOURCE_SQLITE=folder; LIMIT=200 queries of each file, 0: all)
	$(GO) test -count=1 -timeout 0 -v -run 'TestSQLiteSLT' ./engine -sqlite-limit $(or $(LIMIT),200)

.PHONY: slt-record
slt-record: ## write the corpus' answers as PostgreSQL 15 gives them, and 18 those of its later part (ALLSOURCE_ORACLE=host:port, role and database allsource)
	$(GO) test -count=1 -run 'TestSLTElsewhere' ./engine -record

.PHONY: crash
crash: ## crashable disks, failing disks, kill -9 of the real binary (DURATION=1m SEED=1 of transactions of events and tables)
	$(GO) test -run 'Crash|Kill|Fault|DiskFull' -count=1 $(TESTFLAGS) ./storage/... ./engine/... ./cmd/...
	$(GO) test -run 'TestCrashInSQL' -count=1 -timeout 0 ./engine -every-write
	$(GO) test -run 'TestKillLedger' -count=1 -timeout 0 -v ./cmd/allsource -ledger-for $(if $(filter command line environment,$(origin DURATION)),$(DURATION),1m) -ledger-kill 5s -ledger-seed $(SEED)

.PHONY: soak
soak: ## writers and readers on a server that is killed every minute (DURATION=30m)
	$(GO) test -count=1 -timeout 0 -v -run 'TestSoak' ./cmd/allsource -soak-for $(if $(filter command line environment,$(origin DURATION)),$(DURATION),30m) -soak-kill 1m

.PHONY: histories
histories: ## random transactions from many sessions, killed now and then, their histories checked (DURATION=10m SEED=1)
	$(GO) test -count=1 -timeout 0 -v -run 'TestTransactions' ./cmd/allsource -txn-for $(if $(filter command line environment,$(origin DURATION)),$(DURATION),10m) \
	  -txn-kill 10s -txn-seed $(SEED)

.PHONY: prefix
prefix: ## logs asked as of a moment beside logs that have only what came before (CHECKS=500)
	$(GO) test -count=1 -timeout 0 -run 'TestPrefix' ./engine -rapid.checks=$(or $(CHECKS),500) -prefix-runs $(or $(CHECKS),500)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (5s)
	@for p in $$($(GO) list $(PKGS)); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p; done; done

.PHONY: diff
diff: ## random queries compared with PostgreSQL (DURATION=10m SEED=1 POSTGRES=18 or url; the installed one without)
	$(GO) test -count=1 -timeout 0 ./cmd/internal/difftest -v -args -duration $(if $(filter command line environment,$(origin DURATION)),$(DURATION),10m) \
	  -seed $(SEED) $(if $(POSTGRES),-postgres '$(POSTGRES)')

.PHONY: oracle
oracle: ## the modules of their own: our parser against PostgreSQL's (cgo), the generators
	@for d in $(MODULES); do echo "module $$d"; (cd $$d && CGO_ENABLED=1 $(GO) vet ./... && CGO_ENABLED=1 $(GO) test $(TESTFLAGS) ./...); done

.PHONY: generate
generate: ## write the generated files again
	$(GO) generate $(PKGS)
	@for d in $(MODULES); do (cd $$d && CGO_ENABLED=1 $(GO) generate ./...); done

.PHONY: generated
generated: ## fail where generating changes a committed file
	@before=$$(git diff | sha256sum); $(MAKE) -s generate; \
	[ "$$before" = "$$(git diff | sha256sum)" ] || { echo "generated files are stale; commit what make generate wrote:"; git diff --stat; exit 1; }

# --- measurements (bench/README.md)

.PHONY: bench
bench: bench-queries ## what most people ask first: the query comparison

.PHONY: bench-queries
bench-queries: build peers $(DATA) ## 17 questions to AllSource, DuckDB, ClickHouse and PostgreSQL 18, answers compared (ROUNDS=3 EVENTS=2000000 SYSTEMS= QUESTIONS= KEEP=folder)
	$(GO) run ./bench/queries -binary ./allsource -rounds $(ROUNDS) $(if $(SYSTEMS),-systems $(SYSTEMS)) $(if $(QUESTIONS),-questions $(QUESTIONS)) \
	  $(if $(KEEP),-keep $(KEEP)) $(DATA) $(wildcard $(SHARED)/data/*.ndjson.gz)

.PHONY: bench-go
bench-go: ## the benchmarks beside the code
	$(GO) test -run '^$$' -bench . -benchmem $(PKGS)

.PHONY: bench-load
bench-load: build peers $(DATA) ## load the same file into AllSource, DuckDB and ClickHouse, interleaved (ROUNDS=3 EVENTS=2000000)
	$(GO) run ./bench/load -binary ./allsource -rounds $(ROUNDS) $(DATA)

.PHONY: bench-inserts
bench-inserts: build peers ## single durable inserts from 64 connections: AllSource, then PostgreSQL 18 (DURATION=10s)
	$(GO) run ./bench/inserts -binary ./allsource -for $(DURATION) allsource postgres

# Twenty million events unless EVENTS says otherwise; PostgreSQL gets two million of them at most.
TIME_LOG  = bench/data/shoplog-$(if $(filter command line environment,$(origin EVENTS)),$(EVENTS),20000000).ndjson
BESIDE    = bench/data/shoplog-$(shell echo $$(($(EVENTS) < 2000000 ? $(EVENTS) : 2000000))).ndjson

.PHONY: bench-time
bench-time: build peers $(TIME_LOG) $(BESIDE) ## ten moments of a log beside now, and beside a valid-from/valid-to table in PostgreSQL 18 (ROUNDS=3 EVENTS=20000000 KEEP=folder)
	$(GO) run ./bench/time -binary ./allsource -rounds $(ROUNDS) $(if $(KEEP),-keep $(KEEP)) -beside $(BESIDE) $(TIME_LOG)

.PHONY: bench-tpcb
bench-tpcb: build peers ## pgbench's TPC-B and single-row updates: AllSource, then PostgreSQL 18 (DURATION=10s SCALE=2)
	$(GO) run ./bench/tpcb -binary ./allsource -for $(DURATION) $(if $(SCALE),-scale $(SCALE)) allsource postgres

.PHONY: bench-tables
bench-tables: build peers ## fill tables with COPY and INSERT … SELECT, scan them before and after millions of updates: AllSource, DuckDB, PostgreSQL 18 (ROUNDS=3 ROWS=2000000)
	$(GO) run ./bench/tables -binary ./allsource -rounds $(ROUNDS) $(if $(ROWS),-rows $(ROWS)) allsource duckdb postgres

.PHONY: peers
peers: bench/peers/node_modules ## install the databases we compare with (npm)

bench/peers/node_modules: bench/peers/package.json
	cd bench/peers && npm install --no-package-lock
	@touch $@

bench/data/shoplog-%.ndjson:
	@mkdir -p bench/data
	$(GO) run ./bench/shoplog -n $* -o $@

# --- machine

.PHONY: install-tools
install-tools: ## PostgreSQL, psql, node and a C compiler (Debian, as root), and the clients' node packages
	bash .ci/run --install-only
