# Tools and the test control plane come from the Go modules pinned under hack/. A machine needs only Go, git, make, and for
# the race detector gcc with the headers of the C library.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The toolchain of go.mod builds and tests everything, also the modules under hack/, and where Go's default is its own version.
export GOTOOLCHAIN ?= $(shell awk '$$1 == "toolchain" {print $$2 "+auto"}' go.mod)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PACKAGES ?= ./...
# WHOLE is empty if PACKAGES names some packages only.
WHOLE = $(filter ./...,$(PACKAGES))
FUZZTIME ?= 1m
# SQLite and its C library are translated from C. Their memory is outside the Go heap, where the race detector sees nothing, and
# checking each access makes the tests of the embedded store use up to nine times the processor time.
RACE := -race -gcflags=modernc.org/libc=-race=false -gcflags=modernc.org/sqlite/lib=-race=false
# How many packages are tested at the same time: one more than the processors, since the slowest wait for servers most of the time.
PARALLEL ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
CONTAINER_TOOL ?= docker
IMAGE_PREFIX ?= ghcr.io/wawebhook/
IMAGES ?= manager=./cmd/manager receiver=./cmd/receiver
PLATFORMS ?= linux/amd64,linux/arm64
CHART := charts/whatsapp-webhook-operator
# The oldest and the newest Kubernetes that the chart is rendered for.
CHART_KUBERNETES := 1.30 1.37
DIST ?= dist
# The keys that sign and verify a release: files, or env://NAME for a variable that holds one.
KEY ?= cosign.key
PUBLIC_KEY ?= cosign.pub
# Where the archives of the tool are published, for krew.
ARCHIVES_URL ?= https://github.com/wawebhook/whatsapp-webhook-operator/releases/download/$(VERSION)

# The version of golang.org/x/vulndb, the module with the Go vulnerability database. "latest" is its newest.
VULNDB ?= v0.0.0-20261105234957-e22db6528018

ACTIONLINT := go tool -modfile=hack/tools/actionlint/go.mod actionlint
CONTROLLER_GEN := go tool -modfile=hack/tools/kubernetes/go.mod controller-gen
GOLANGCI_LINT := go tool -modfile=hack/tools/golangci-lint/go.mod golangci-lint
GOVULNCHECK := go tool -modfile=hack/tools/govulncheck/go.mod govulncheck
HELM := go tool -modfile=hack/tools/helm/go.mod helm
HELM3 := go tool -modfile=hack/tools/helm3/go.mod helm
HELM_UNITTEST := go tool -modfile=hack/tools/helm3/go.mod helm-unittest
# What npm writes at the end of an installation.
AXE := test/browser/node_modules/.package-lock.json
KUBE_API_LINTER := go tool -modfile=hack/tools/kube-api-linter/go.mod golangci-lint-kube-api-linter --config $(CURDIR)/.golangci-kal.yaml
# in-api COMMAND: the command for a tool, run in the module api.
in-api = $(patsubst -modfile=%,-modfile=../%,$(patsubst go,go -C api,$(1)))

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the manager, the receiver, and the tool (kubectl-whatsapp, also as whatsapp-webhook) into bin/.
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/manager ./cmd/receiver ./cmd/kubectl-whatsapp
	ln -sf kubectl-whatsapp bin/whatsapp-webhook

.PHONY: generate
generate: ## Generate the deep copies of api/.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: ## Generate the CRD from api/ and the manager's role from the markers in controllers/.
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	go run ./hack/crd config/crd/bases config/crd/bases/whatsapp.wawebhook.dev_whatsappwebhooks.yaml docs/fields.md
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./controllers/... output:rbac:dir=config/rbac

.PHONY: chart
chart: ## Generate the chart's schema and table of values from values.yaml; copy the CRD, the role, alerts and dashboards.
	cp controllers/resources/dashboard.json config/grafana/receivers.json
	cp config/crd/bases/whatsapp.wawebhook.dev_whatsappwebhooks.yaml $(CHART)/files/crd.yaml
	cp config/rbac/role.yaml config/prometheus/prometheusrule.yaml config/grafana/receivers.json config/grafana/operator.json $(CHART)/files/
	go run ./hack/chart $(CHART)

.PHONY: fmt
fmt: ## Format all Go files.
	$(GOLANGCI_LINT) fmt

.PHONY: lint
lint: ## Run the static checks of Go, including the rules for imports between packages, and of the workflows.
	$(GOLANGCI_LINT) config verify
	$(GOLANGCI_LINT) run
	$(call in-api,$(GOLANGCI_LINT)) run
	cd hack/release && $(subst -modfile=,-modfile=../../,$(GOLANGCI_LINT)) run
	$(ACTIONLINT)

.PHONY: lint-api
lint-api: ## Check the API types against the Kubernetes API conventions.
	$(KUBE_API_LINTER) config verify
	$(call in-api,$(KUBE_API_LINTER)) run

.PHONY: vuln
vuln: ## Check that the programs call nothing with a known vulnerability; VULNDB=latest takes the newest database.
	database="$$(go mod download -json golang.org/x/vulndb@$(VULNDB) | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p')" && \
		$(GOVULNCHECK) -db "file://$$database/data/osv" ./cmd/... && \
		$(call in-api,$(GOVULNCHECK)) -db "file://$$database/data/osv" ./...

.PHONY: ci
ci: ## Run all that a change has to pass, and install what that needs.
	.ci/run

.PHONY: packages
packages: ## Install the Debian packages that the other targets need and the machine lacks, as root or with sudo.
	hack/packages.sh

.PHONY: axe
axe: $(AXE) ## Install axe-core, which tests check pages with, by npm.

$(AXE): test/browser/package-lock.json test/browser/package.json
	@command -v npm >/dev/null || { echo "axe-core needs npm. On Debian: apt-get install --no-install-recommends npm" >&2; exit 1; }
	npm --prefix $(<D) ci
	@touch $@

.PHONY: test
test: ## Run vet and the tests of the code with the race detector, a real kube-apiserver and etcd. Installs what they need, where it may.
	$(if $(WHOLE),hack/packages.sh tests && $(MAKE) --no-print-directory axe)
	go vet $(PACKAGES)
	$(if $(WHOLE),go -C api vet ./... && go -C api test -race ./...)
	assets="$$(hack/controlplane/assets.sh)" && KUBEBUILDER_ASSETS="$$assets" go test $(RACE) -p $(PARALLEL) -timeout 1h $(ARGS) $(PACKAGES)

.PHONY: release-test
release-test: ## Test the programs that make a release; make one in a registry on this machine, and install it on a real node.
	go test -C hack/release -race -count=1 ./...
	IMAGES=none test/e2e/on-cluster.sh test/e2e/release.sh

.PHONY: chart-test
chart-test: ## Lint, render and test the chart, with Helm 4 and with Helm 3.
	for values in $(CHART)/values.yaml $(CHART)/ci/*.yaml; do \
		for helm in "$(HELM)" "$(HELM3)"; do \
			$$helm lint --strict --quiet --values "$$values" $(CHART); \
			for kubernetes in $(CHART_KUBERNETES); do \
				$$helm template release $(CHART) --kube-version "$$kubernetes" --values "$$values" >/dev/null; \
			done; \
		done; \
	done
	$(HELM_UNITTEST) --strict $(CHART)

.PHONY: reference
reference: manifests ## Write the pages of the docs that list fields and commands.
	go test ./cmd/kubectl-whatsapp -run TestDocumentedReference -update

.PHONY: docs-test
docs-test: ## Check the docs: links, each command by the parser of its program or by running it, YAML, generated pages.
	kubectl="$$(hack/controlplane/kubectl.sh)" && helm="$$(go tool -modfile=hack/tools/helm/go.mod -n helm)" && \
		KUBECTL="$$kubectl" HELM="$$helm" go test $(RACE) -count=1 -tags docs -timeout 30m ./test/docs
	go test $(RACE) -run 'Doc|Page|Runbooks' ./cmd/kubectl-whatsapp ./controllers/resources ./receiver ./receiver/config ./receiver/metrics

.PHONY: pictures
pictures: ## Take the pictures of the docs, with a real Chromium.
	PICTURES=$(CURDIR)/docs/images go test -count=1 -run 'TestStory|TestWalk' ./test/devpage ./test/consolepage

.PHONY: golden
golden: ## Update the golden files of the rendered objects.
	go test ./controllers/resources -update

.PHONY: fuzz
fuzz: ## Run each fuzz target in turn for FUZZTIME (default 1m).
	hack/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## Measure throughput and latency; ARGS are passed to the program.
	assets="$$(hack/controlplane/assets.sh)" && KUBEBUILDER_ASSETS="$$assets" go run ./test/bench $(ARGS)

.PHONY: crash-test
crash-test: ## Kill receivers hundreds of times under load, and check the fate of every message; ARGS are passed to the program.
	go run ./test/crash $(ARGS)

.PHONY: overload-test
overload-test: ## Offer twice the capacity, and fail the disk and the database; ARGS are passed to the program.
	go run ./test/overload $(ARGS)

.PHONY: demo
demo: ## Run a receiver against stand-ins for Meta and the AI; ARGS are passed to the program.
	go run ./test/demo $(ARGS)

.PHONY: cluster-demo
cluster-demo: ## Run the operator in a cluster with stand-ins for Meta and Bird. The cluster stays for inspection.
	KEEP=1 test/e2e/on-cluster.sh go run ./test/e2e/demo

.PHONY: e2e
e2e: ## Test everything on a real node under load; ARGS go to go test. KEEP=1 keeps the cluster, KUBERNETES=1.30 sets its version.
	test/e2e/on-cluster.sh go test -tags e2e -count 1 -timeout 90m -v $(ARGS) ./test/e2e

.PHONY: cluster-up
cluster-up: ## Create a Kubernetes cluster with a real node: with kind if Docker runs, else as processes (as root on Linux).
	go run ./hack/cluster up

.PHONY: cluster-down
cluster-down: ## Remove the cluster, and check that nothing is left of it.
	go run ./hack/cluster down
	go run ./hack/cluster leftovers

.PHONY: verify
verify: ## Check that generated files, formatting and pinned modules are up to date.
	hack/verify.sh

.PHONY: dist
dist: ## Build the release files for VERSION into DIST (default dist): install.yaml and the chart, with the images of IMAGE_PREFIX.
	hack/dist.sh "$(VERSION)" "$(IMAGE_PREFIX)" "$(DIST)"

.PHONY: release
release: ## Build VERSION, push it to the registry IMAGE_PREFIX, and sign it with KEY; the files go to DIST/release. See docs/images.md.
	go run -C hack/release . publish -version $(VERSION) -prefix $(IMAGE_PREFIX) -platforms $(PLATFORMS) -url $(ARCHIVES_URL) \
		-key $(KEY) -out $(DIST)/release

.PHONY: release-verify
release-verify: ## Verify the release in DIST/release, and what it has in the registry, with the public key PUBLIC_KEY.
	go run -C hack/release . verify -key $(PUBLIC_KEY) $(DIST)/release

.PHONY: release-upload
release-upload: ## Draft a release of VERSION on GitHub with the files of DIST/release, by gh.
	files="$$(go run -C hack/release . files $(DIST)/release)" && \
		gh release create $(VERSION) --draft --verify-tag --title $(VERSION) --notes-file CHANGELOG.md $$files

.PHONY: cli
cli: ## Build the tool for VERSION and all platforms into DIST: archives, checksums, and a manifest for krew that names ARCHIVES_URL.
	go run ./hack/archives -version $(VERSION) -commit "$$(git rev-parse --short=12 HEAD)" -url $(ARCHIVES_URL) -out $(DIST)

.PHONY: images
images: ## Build IMAGES (NAME=PACKAGE) for PLATFORMS without a container engine, each into DIST/NAME.tar.
	go run -C hack/release ./images -version $(VERSION) -prefix $(IMAGE_PREFIX)whatsapp-webhook-operator/ -platforms $(PLATFORMS) -out $(DIST) $(IMAGES)

.PHONY: images-docker
images-docker: ## Build both container images from the Dockerfile with CONTAINER_TOOL (default docker).
	for target in manager receiver; do \
		$(CONTAINER_TOOL) build --target "$$target" --build-arg VERSION=$(VERSION) --tag "$(IMAGE_PREFIX)whatsapp-webhook-operator/$$target:$(VERSION)" .; \
	done
