# The tasks of this project. `make` or `make help` lists them.

# What a fresh machine needs: Go, make and git. Everything else is built from source into bin/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

include hack/tools/tools.mk

# The image for `make deploy`.
IMG ?= ghcr.io/greenapi-operator/greenapi-operator:v0.1.0
# ONCE=1 lets `make demo` stop at its end instead of staying up.
ONCE ?=
# How long `make fuzz` spends on each target.
FUZZTIME ?= 1m
# Arguments for `make run`.
ARGS ?=
# With a C compiler the race detector is on.
RACE := $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo -race)

# The directory with kube-apiserver and etcd; progress goes to stderr.
ASSETS = $$(go run -C hack/controlplane ./cmd/assets)

.PHONY: help
help: ## Show this list.
	@echo "Usage: make TARGET"; echo
	@awk 'BEGIN {FS = ":.*## "} /^[a-zA-Z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Show the operator at work on a control plane and an emulator of its own (ONCE=1 to stop at the end).
	@assets="$(ASSETS)"; bin/demo --assets "$$assets" $(if $(ONCE),--once)

.PHONY: test
test: test-unit ## Run all tests: pure ones, user stories on a real API server, and the demo.
	@$(MAKE) --no-print-directory demo ONCE=1

.PHONY: test-unit
test-unit: $(KUBECTL) $(PROMTOOL) $(KUBE_STATE_METRICS) ## Run the Go tests, those on a real API server included.
	@assets="$(ASSETS)"; KUBEBUILDER_ASSETS="$$assets" TEST_KUBECTL="$(KUBECTL)" TEST_PROMTOOL="$(PROMTOOL)" TEST_KUBE_STATE_METRICS="$(KUBE_STATE_METRICS)" \
		go test $(RACE) -timeout 20m ./...
	@go test -C hack/controlplane ./...

.PHONY: kill
kill: ## Kill the real process at every instant of a write, many times over (ROUNDS, 100).
	@assets="$(ASSETS)"; ROUNDS="$(or $(ROUNDS),100)" KUBEBUILDER_ASSETS="$$assets" \
		go test -count=1 -v -timeout 0 -run 'TestR10|TestTheWayToTheAPIServerFails' ./cmd/manager

.PHONY: fuzz
fuzz: ## Fuzz every fuzz target in turn, FUZZTIME each (1m); stops at the first input that fails.
	@hack/fuzz.sh "$(FUZZTIME)"

.PHONY: build
build: ## Build manager, kubectl-greenapi, emulator and demo into bin/.
	go build -trimpath -o bin/ ./cmd/...
	@cp cmd/kubectl-greenapi/kubectl_complete-greenapi bin/

.PHONY: run
run: build ## Run the manager against the cluster of your kubeconfig (ARGS for its flags).
	bin/manager --metrics-bind-address=0 $(ARGS)

.PHONY: generate
generate: $(CONTROLLER_GEN) ## Generate the deep-copy code of the API types.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: $(CONTROLLER_GEN) ## Generate the CRDs, the manager's role and what Argo CD has to know.
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:artifacts:config=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./controllers/... output:rbac:artifacts:config=config/rbac
	go run ./hack/argocd

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run the linters.
	$(GOLANGCI_LINT) run
	cd hack/controlplane && $(GOLANGCI_LINT) run --config ../../.golangci.yml ./...

.PHONY: licenses
licenses: $(GO_LICENSES) ## Check that everything in the binaries has a licence that may be shipped with ours.
	@# Without GOROOT it takes every package for one of the standard library, and finds nothing.
	@output="$$(GOROOT="$$(go env GOROOT)" $(GO_LICENSES) check ./cmd/... --allowed_licenses=Apache-2.0,MIT,BSD-2-Clause,BSD-3-Clause,ISC 2>&1)" || { echo "$$output" >&2; exit 1; }

.PHONY: vulncheck
vulncheck: $(GOVULNCHECK) ## Check the code against the Go vulnerability database (needs the network, or VULNDB=file:///COPY).
	$(GOVULNCHECK) $(if $(VULNDB),-db $(VULNDB)) ./...

.PHONY: verify
verify: ## Check generated files, formatting, licences, vet and lint.
	@hack/verify.sh

.PHONY: envtest
envtest: ## Build or find kube-apiserver and etcd, and print where they are.
	@echo "$(ASSETS)"

.PHONY: kubectl
kubectl: $(KUBECTL) ## Build kubectl, and print where it is.
	@echo "$(KUBECTL)"

.PHONY: promtool
promtool: $(PROMTOOL) ## Build promtool, and print where it is.
	@echo "$(PROMTOOL)"

.PHONY: kube-state-metrics
kube-state-metrics: $(KUBE_STATE_METRICS) ## Build kube-state-metrics, and print where it is.
	@echo "$(KUBE_STATE_METRICS)"

.PHONY: install
install: $(KUSTOMIZE) ## Install the CRDs into the cluster of your kubeconfig.
	$(KUSTOMIZE) build config/crd | kubectl apply --server-side --force-conflicts -f -

.PHONY: uninstall
uninstall: $(KUSTOMIZE) ## Remove the CRDs, and with them every resource; this calls nothing at the vendor.
	$(KUSTOMIZE) build config/crd | kubectl delete --ignore-not-found -f -

.PHONY: deploy
deploy: $(KUSTOMIZE) ## Install CRDs, roles and manager (IMG for the image) into the cluster of your kubeconfig.
	@mkdir -p bin; folder="$$(mktemp -d -p bin)"; trap 'rm -rf "$$folder"' EXIT; cd "$$folder"; \
		printf 'resources: [../../config/default]\nimages: [{name: ghcr.io/greenapi-operator/greenapi-operator, newName: "%s", newTag: "%s"}]\n' \
			"$$(echo $(IMG) | sed -E 's|:[^:/]+$$||')" "$$(echo $(IMG) | sed -nE 's|.*:([^:/]+)$$|\1|p')" >kustomization.yaml; \
		$(KUSTOMIZE) build . | kubectl apply --server-side --force-conflicts -f -

.PHONY: undeploy
undeploy: $(KUSTOMIZE) ## Remove manager and roles; the CRDs and resources stay.
	$(KUSTOMIZE) build config/operator | kubectl delete --ignore-not-found -f -
