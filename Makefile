# Inkwitness. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export GOTOOLCHAIN := local
# The fast DTW kernels use simd/archsimd; without it the scalar ones are built.
export GOEXPERIMENT := simd

DATA   ?= ./data
LISTEN ?= 127.0.0.1:8080
BENCH  ?= .

PAGES_SOURCES := $(shell find webclient -path webclient/node_modules -prune -o -path webclient/dist -prune -o -path webclient/public/wasm -prune -o -type f -print) $(wildcard api/dispute/report/*/*.json)
VERIFIER_SOURCES := go.mod $(shell find evidence capture biometrics -name '*.go' ! -name '*_test.go')

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

webclient/node_modules/.package-lock.json: webclient/package-lock.json
	cd webclient && npm ci --no-audit --no-fund

# The verifier for the public page, which checks files without uploading them.
webclient/public/wasm/inkverify.wasm: $(VERIFIER_SOURCES)
	cd webclient && npm run --silent wasm

webclient/dist/.built: webclient/node_modules/.package-lock.json webclient/public/wasm/inkverify.wasm $(PAGES_SOURCES)
	cd webclient && npm run --silent build
	@touch $@

.PHONY: pages
pages: webclient/dist/.built ## build the pages into webclient/dist

.PHONY: build
build: pages ## bin/inkwitness, bin/inkeval; static: bin/inkverify, bin/inkcosign
	go build -o bin/ ./api/cmd/inkwitness ./biometrics/cmd/inkeval
	CGO_ENABLED=0 go build -o bin/ ./evidence/cmd/inkverify ./evidence/cmd/inkcosign

.PHONY: run
run: build ## start the service on embedded SQLite and local files under ./data
	bin/inkwitness serve --data $(DATA) --listen $(LISTEN)

.PHONY: deps
deps: ## install what the tests run from Debian: browser, PostgreSQL, public verifiers
	api/deploy/debian-packages.sh

.PHONY: browser
browser:
	api/deploy/debian-packages.sh --browser

.PHONY: generate
generate: build ## write the generated files: api/openapi.json
	bin/inkwitness openapi > api/openapi.json

.PHONY: check
check: pages ## format, vet, staticcheck, layers, generated files, go.mod, TypeScript
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...
	go test -count=1 -run 'TestLayer' ./api
	go run ./api/cmd/inkwitness openapi | diff -u api/openapi.json - || { echo "run: make generate"; exit 1; }
	go mod tidy -diff
	cd webclient && npm run --silent typecheck

.PHONY: test
test: deps check test-pages test-go test-e2e ## everything: Go with -race, both databases, TypeScript, browser

.PHONY: test-pages
test-pages: pages
	cd webclient && npm test && npm run --silent test:pages

# Nothing here runs on a goroutine of its own, so that the race detector finds nothing
# and makes it ten times slower. Those who use it are tested with the detector.
ALONE := ./api/dispute/report ./biometrics/face ./capture/quality ./capture/webm ./evidence/cms ./evidence/pdf ./evidence/proof

# SQLite is C turned into Go: the race detector and the checks of its pointers find
# nothing there and take half of the time of the tests that store something.
RACE := -race -gcflags='modernc.org/...=-race=false -d=checkptr=0'

# `make check` has vetted all of it.
.PHONY: test-go
test-go: pages
	@! grep -nE '^\s*go (func|[a-zA-Z_.]+\()|\.Go\(|errgroup' $(ALONE:=/*.go) || { echo "take it out of ALONE in the Makefile"; exit 1; }
	go test -vet=off -timeout 20m $(ALONE) ./biometrics/evaluate # the last on real people, too, where they are
	go test -vet=off -timeout 20m ./capture/soak # all of its tries, the program as it ships; a fifth of them below
	go test -vet=off $(RACE) -timeout 20m $$(go list ./... | grep -vxE "$$(go list $(ALONE) ./api/e2e | paste -sd'|')")
	go test -vet=off -race -tags pkcs11 ./evidence/trust/pkcs11

.PHONY: test-e2e
test-e2e: build
	go test -count=1 -timeout 20m -v ./api/e2e

.PHONY: size
size: pages ## gzip bytes of script and style that each page loads before the PDF viewer
	@cd webclient && npm run --silent size

.PHONY: screenshots
screenshots: browser build ## the pictures of the main screens in this README, from a real run
	rm -rf out && mkdir -p out/screens api/e2e/screens
	go test -count=1 -timeout 10m -run 'TestLine$$' ./api/e2e -args -viewport -out $(CURDIR)/out
	for name in sign-read sign-pad own-completed compare verify; do cp out/screens/*-$$name.png api/e2e/screens/$$name.png; done

.PHONY: demo
demo: browser build ## the whole flow in headless Chromium: out/*.asice, out/*.pdf, out/screens/*.png
	rm -rf out && mkdir -p out/screens
	go test -count=1 -timeout 10m -run 'TestLine$$' ./api/e2e -args -out $(CURDIR)/out
	@ls -l out out/screens

.PHONY: bench
bench: ## benchmarks; BENCH=DTW or BENCH=Capture for some of them
	@set -o pipefail; go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m ./... | \
	  awk '{ print; fflush() } /^capture\/sockets /{ sockets = $$0 } /^capture\/video /{ video = $$0 } END { if (sockets) print sockets; if (video) print video }'

.PHONY: bench-peers
bench-peers: ## our dynamic time warping beside other people's, ratios in one run
	cd biometrics/cmd/dtwpeers/npm && npm ci --no-audit --no-fund --silent
	go run ./biometrics/cmd/dtwpeers

.PHONY: eval
eval: build ## error rates on ../shared/corpora, the table of biometrics/README.md
	bin/inkeval eval --corpora $(CORPORA)

CORPORA ?= ../shared/corpora
.PHONY: train
train: build ## fit the comparator's parameter file from CORPORA, byte for byte the same each time
	bin/inkeval train --corpora $(CORPORA) --made 2026-11-29

# Longer than CI has time for: every kill, cut, flip and fault of the plan.
.PHONY: soak
.PHONY: test-s3
test-s3: bin/versitygw ## object lock against a real S3 server (versitygw, built from its source: some minutes)
	go test -race -tags s3 -run Lock ./evidence/vault

bin/versitygw:
	GOBIN=$(CURDIR)/bin GOFLAGS=-mod=mod go install github.com/versity/versitygw/cmd/versitygw@v1.8.0

soak: build ## the long runs: 100 kills, 100 bad networks, 10,000 flips, every fault, 5 GB deposits
	INKWITNESS_KILLS=100 INKWITNESS_NETWORKS=100 INKWITNESS_FLIPS=10000 INKWITNESS_FULL=1 \
	  go test -count=1 -timeout 120m ./capture/soak ./evidence/seal ./evidence/deposit ./evidence/renew
	INKWITNESS_FULL=1 go test -count=1 -timeout 120m -run Faults ./api/server
	INKWITNESS_FULL=1 go test -count=1 -timeout 10m -v -run TestLargeDocument ./api/e2e
	INKWITNESS_FULL=1 go test -count=1 -v -run TestA4SameTime ./api/auth
	INKWITNESS_GUESSES=10000 go test -count=1 -timeout 20m -run TestA1_ ./api/e2e
	INKWITNESS_SYNC_SECONDS=300 go test -tags chromium -count=1 -timeout 30m -v -run Chromium ./capture/rtc

.PHONY: mutants
mutants: ## switch off every defence, one at a time: a test has to notice each
	go test -count=1 -timeout 120m -v ./api/defences -args -all

FUZZTIME ?= 60s
.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (60s)
	@set -e; for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
	  done; \
	done

.PHONY: clean
clean: ## remove what was built; data stays
	rm -rf bin out webclient/dist/* webclient/node_modules
	touch webclient/dist/.keep
