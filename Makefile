# The targets a person needs; `make` alone lists them.

GO        ?= go
SHARED    ?= ../shared
BIN       := bin
PROGRAMS  := online-ingestor offline-ingestor frame-forwarder
VERSION   := $(shell cat VERSION)
COMMIT    := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
STAMP     := -X ingestor/internal/buildinfo.version=$(VERSION) -X ingestor/internal/buildinfo.commit=$(COMMIT)
LINT      := .tools/golangci-lint
LINT_VERSION := v2.15.0
FUZZTIME  ?= 20s

# cgo builds of the Kafka library warn about glibc functions; nothing to see.
export CGO_ENABLED = 1

.DEFAULT_GOAL := help
.PHONY: help build demo test acceptance interop chaos soak backfill bench lint fuzz cover golden clean packages

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

packages:
	@scripts/debian-packages build

build: packages ## build the programs into bin/
	@mkdir -p $(BIN)
	CGO_LDFLAGS="$$(scripts/static-hdf5 .cache/hdf5)" \
		$(GO) build -trimpath -ldflags '$(STAMP)' -o $(BIN)/ $(addprefix ./cmd/,$(PROGRAMS))

demo: build ## the whole way, end to end, on this machine (FILE=… SCHEMAS=… for your own file)
	@$(GO) build -trimpath -o $(BIN)/demo ./cmd/demo
	@$(BIN)/demo -bin $(BIN) $(if $(FILE),-file '$(FILE)') $(if $(SCHEMAS),-schemas '$(SCHEMAS)')

test: packages ## every test that a fresh clone can run, with the race detector
	@scripts/debian-packages test
	$(GO) vet ./...
	$(GO) test -race ./...

acceptance: build ## the recorded cases of SHARED (default ../shared), if it is there
	@scripts/acceptance '$(SHARED)' $(BIN)/offline-ingestor

interop: build ## the daemon on a real Apache Kafka (Java, Maven), frame-forwarder in a real dranspose (Python)
	@scripts/debian-packages interop
	INGESTOR_REAL_KAFKA=1 INGESTOR_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -v -timeout 20m \
		-run '^TestReal$$|Apache|RealBroker|OutlivesTheBroker|WithoutTheBroker|TLS' ./internal/kafka ./cmd/online-ingestor
	INGESTOR_REAL_KAFKA=1 INGESTOR_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -v -timeout 20m \
		-run 'TestChaos|TestDiskFull|TestBackfillReal' ./cmd/online-ingestor
	INGESTOR_REAL_DRANSPOSE=1 INGESTOR_LONG=1 FORWARDER_VENV="$$(scripts/dranspose-venv)" INGESTOR_BIN=$(CURDIR)/$(BIN) \
		$(GO) test -count=1 -v -timeout 20m -run 'TestReal|TestFault|TestPromise' ./cmd/frame-forwarder

CHAOS ?= 10m
SOAK  ?= 30m
FILES ?= 200000

chaos: build ## three daemons on a real Apache Kafka while everything fails, for CHAOS (default 10m); INGESTOR_CHAOS_SEED repeats a run
	@scripts/debian-packages interop
	INGESTOR_CHAOS=$(CHAOS) INGESTOR_REAL_KAFKA=1 INGESTOR_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -v -timeout 0 \
		-run '^TestChaos' ./cmd/online-ingestor

soak: build ## three daemons under a steady load for SOAK (default 30m): nothing may grow
	@scripts/debian-packages interop
	INGESTOR_SOAK=$(SOAK) INGESTOR_REAL_KAFKA=1 INGESTOR_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -v -timeout 0 \
		-run '^TestSoak$$' ./cmd/online-ingestor

backfill: build ## a tree of FILES (default 200000), 200 kills of a run, and 10000 files by way of a real Apache Kafka; takes an hour
	@scripts/debian-packages interop
	INGESTOR_BACKFILL=$(FILES) INGESTOR_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -v -timeout 0 -run '^TestBackfill' ./cmd/offline-ingestor
	INGESTOR_BACKFILL=$(FILES) INGESTOR_REAL_KAFKA=1 INGESTOR_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -v -timeout 0 \
		-run '^TestBackfillReal$$' ./cmd/online-ingestor

bench: build ## start-to-exit time and memory of one ingestion, and the Go benchmarks
	@$(GO) build -o $(BIN)/bench ./bench
	@$(BIN)/bench -ingestor $(BIN)/offline-ingestor -shared '$(SHARED)'
	$(GO) test -run '^$$' -bench . -benchmem ./...

lint: packages $(LINT) ## golangci-lint with the list of .golangci.yml, gofmt, go mod tidy
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these files" >&2; exit 1; }
	$(GO) mod tidy -diff
	$(LINT) run ./...

$(LINT):
	GOBIN=$(CURDIR)/.tools GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

fuzz: packages ## each fuzz target for FUZZTIME (default 20s)
	@scripts/fuzz '$(FUZZTIME)'

cover: packages ## coverage of the tests, by function
	$(GO) test -coverprofile cover.out -coverpkg ./... ./...
	$(GO) tool cover -func cover.out

golden: packages ## rewrite the golden files from what the code does now; read the diff
	$(GO) test $$(git grep -l 'flag.Bool("update"' -- '*_test.go' | xargs -n1 dirname | sort -u | sed s,^,./,) -update

clean: ## remove what make built
	rm -rf $(BIN) .cache/hdf5 cover.out
