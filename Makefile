# Inkwitness. `make help` lists the targets.
SHELL := /bin/bash
export GOTOOLCHAIN := local
export GOEXPERIMENT := simd

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -t -s "$$(printf '\t')"

.PHONY: build
build: ## bin/inkwitness, bin/inkverify, bin/inkeval
	go build -o bin/ ./...

.PHONY: test
test: ## everything: Go with -race, both databases, TypeScript, browser
	go vet ./...
	go test ./...
