# Tools and the test control plane come from the Go modules pinned under hack/,
# so a machine needs Go, git, make and gcc (for the race detector), nothing else.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PACKAGES ?= ./...
FUZZTIME ?= 1m
CONTAINER_TOOL ?= docker
IMAGE_PREFIX ?= ghcr.io/wawebhook/

CONTROLLER_GEN := go tool -modfile=hack/tools/kubernetes/go.mod controller-gen
GOLANGCI_LINT := go tool -modfile=hack/tools/golangci-lint/go.mod golangci-lint

.PHONY: help
help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## The manager and the receiver, into bin/.
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/manager ./cmd/receiver

.PHONY: generate
generate: ## The Go code generated from api/: deep copies and apply configurations.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt applyconfiguration:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: ## The CRD from api/ and the manager's role from the markers in controllers/.
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./controllers/... output:rbac:dir=config/rbac

.PHONY: fmt
fmt: ## Format every Go file as lint wants it.
	$(GOLANGCI_LINT) fmt

.PHONY: lint
lint: ## Static checks, among them the rules on which package may import which.
	$(GOLANGCI_LINT) config verify
	$(GOLANGCI_LINT) run

.PHONY: test
test: ## Vet, then every test under the race detector, with a real kube-apiserver and etcd.
	go vet $(PACKAGES)
	assets="$$(hack/controlplane/assets.sh)" && KUBEBUILDER_ASSETS="$$assets" go test -race $(ARGS) $(PACKAGES)

.PHONY: golden
golden: ## Write the rendered children anew into the golden cases.
	go test ./controllers/resources -update

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (default 1m), one after another.
	hack/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## Measure throughput and latency; ARGS go to the program.
	go run ./hack/bench $(ARGS)

.PHONY: demo
demo: ## Run a receiver against stand-ins for Meta and Bird; ARGS go to the program.
	go run ./hack/demo $(ARGS)

.PHONY: verify
verify: ## Check that what is generated, formatted and pinned is current.
	hack/verify.sh

.PHONY: images
images: ## The two container images, with CONTAINER_TOOL (default docker).
	for target in manager receiver; do \
		$(CONTAINER_TOOL) build --target "$$target" --build-arg VERSION=$(VERSION) --tag "$(IMAGE_PREFIX)whatsapp-webhook-operator/$$target:$(VERSION)" .; \
	done
