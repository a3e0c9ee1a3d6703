# The tasks of this project. `make` or `make help` lists them.

# What a fresh machine needs: Go, make and git. Everything else is built from source into bin/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

include hack/tools/tools.mk
# Targets may use the variables below, which are read when they run.
include hack/release/release.mk

# The release that the manifests of this tree install; `make release-prepare` writes it.
RELEASE := v0.1.0
# What binaries say that they are: here what git knows, in a release its tag.
VERSION ?= $(shell git describe --tags --match 'v*' --dirty 2>/dev/null || echo $(RELEASE)-devel)
# The image for `make image` and `make deploy`, and the one for `make emulator-image`.
IMG ?= ghcr.io/greenapi-operator/greenapi-operator:$(RELEASE)
EMULATOR_IMG ?= ghcr.io/greenapi-operator/greenapi-emulator:$(RELEASE)
# An image that somebody names is pushed, another one goes into a folder. PUSH=1 and PUSH=0 say otherwise.
PUSH ?= $(if $(filter command environment,$(firstword $(origin $(1)))),1,0)
PLATFORMS ?= linux/amd64,linux/arm64
# What images are built on, if not on what .ko.yaml says.
BASE_IMAGE ?=
IMAGE_DIR ?= bin/image
# ONCE=1 lets `make demo` stop at its end instead of staying up.
ONCE ?=
# How long `make fuzz` spends on each target.
FUZZTIME ?= 1m
# Arguments for `make run`.
ARGS ?=
# With a C compiler the race detector is on in `make test` where goroutines of ours meet: in most packages that need no control
# plane, and in RACE_TESTS of the others, in which more than one goroutine is at work. It makes a test three to ten times as slow;
# `make race` has it everywhere.
RACE := $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo -race)
# Those whose tests wait for control planes and processes of their own, the slowest first.
WAITING_PACKAGES := ./cmd/chaos ./charts ./cmd/bench ./config/... ./controllers/accounts ./controllers/claims
# Those of which RACE_TESTS run with the race detector, and the others without.
STORY_PACKAGES := ./cmd/manager ./controllers
CLIENT_PACKAGES := ./internal/cli ./internal/greenapi
# The demo, and with it a package that cannot go in one call with internal/greenapi/emulator.
DEMO_PACKAGES := ./cmd/demo ./cmd/emulator
# Those that only compute, on what no two goroutines change.
CALM_PACKAGES := ./docs ./hack/crdtext ./hack/mutate ./internal/cacheindex ./internal/canary ./internal/conditions ./internal/fairqueue \
	./internal/instance ./internal/plan ./internal/restarts ./internal/schedule ./internal/states ./internal/statuswrite ./internal/version \
	$(addprefix ./internal/cli/,advice doctor managerflags qr)
RACE_TESTS := R39|R4[13]|RealWatches|Panic|Announced|R21|LongAnswers|Goroutine|AskedForOnce|TwoProcesses|ShardsOfARing|DoesItsJob|TestTheVendorFails|SomeFail|Watching

# The directory with kube-apiserver and etcd; progress goes to stderr.
ASSETS = $$(go run -C hack/controlplane ./cmd/assets)

.PHONY: help
help: ## Show this list.
	@echo "Usage: make TARGET"; echo
	@awk 'BEGIN {FS = ":.*## "} /^[a-zA-Z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Show the operator at work on a control plane and an emulator of its own (ONCE=1 to stop at the end).
	@assets="$(ASSETS)"; bin/demo --assets "$$assets" $(if $(ONCE),--once)

# Flags of the benchmark, by the names that docs/benchmarks.md lists.
BENCH_FLAGS = $(if $(N),--n="$(N)") $(if $(LATENCY),--latency=$(LATENCY)) $(if $(SWEEP),--sweep="$(SWEEP)") $(if $(WINDOW),--window=$(WINDOW)) \
	$(if $(CONCURRENCY),--concurrency=$(CONCURRENCY)) $(if $(FAILING),--failing=$(FAILING)) $(if $(CLAIMS),--claims=$(CLAIMS)) $(if $(BASE),--base=$(BASE_BUILD)) $(if $(filter-out 0,$(CHECK)),--check)

# Where the manager of BASE is built, which is compared with this one.
BASE_BUILD := bin/bench-base

.PHONY: bench
bench: build ## Measure what the operator costs with N instances (1000): a table, JSON and a plot in bin/bench-results (BASE=COMMIT to compare).
	@$(if $(BASE),git rev-parse --verify --quiet '$(BASE)^{commit}' >/dev/null || { echo "BASE is no commit of this repository: $(BASE). Write one, such as HEAD~10" >&2; exit 2; }; \
		rm -rf $(BASE_BUILD); mkdir -p $(BASE_BUILD)/source; git archive '$(BASE)' | tar -x -C $(BASE_BUILD)/source; \
		CGO_ENABLED=0 go build -C $(BASE_BUILD)/source -trimpath -o .. ./cmd/manager; rm -rf $(BASE_BUILD)/source)
	@assets="$(ASSETS)"; bin/bench --assets "$$assets" $(BENCH_FLAGS)

.PHONY: chaos
chaos: build ## Let everything go wrong at once for DURATION (30m) from SEED (any), and judge by the vendor's ledger (CHAOS_FLAGS for more).
	@mkdir -p bin/stepped; hack/steppedclock/build.sh bin/stepped/manager
	@assets="$(ASSETS)"; bin/chaos --assets "$$assets" --stepped bin/stepped --duration $(or $(DURATION),30m) $(if $(SEED),--seed $(SEED)) $(CHAOS_FLAGS)

.PHONY: test
test: build $(KUBECTL) $(HELM) $(PROMTOOL) $(KUBE_STATE_METRICS) $(KO) $(KREW) ## Run all tests: pure ones, user stories on a real API server, and the demo.
	@$(WITH_TOOLS) $(MAKE) --no-print-directory -j3 $(TEST_PARTS)

# The parts of `make test`, which finds what they need. Three run side by side, since tests wait for processes most of the time: those
# that wait longest first, so that none of them waits alone at the end.
TEST_PARTS := test-stories test-waiting test-clients test-demo test-race test-modules test-others

.PHONY: $(TEST_PARTS)
test-demo:
	@$(call go-test,$(RACE)) $(DEMO_PACKAGES)

test-waiting:
	@$(call go-test) $(WAITING_PACKAGES)

test-stories:
	@$(call go-test) $(if $(RACE),-skip '$(RACE_TESTS)') $(STORY_PACKAGES)

test-clients:
	@$(call go-test) $(if $(RACE),-skip '$(RACE_TESTS)') $(CLIENT_PACKAGES)

test-others:
	@$(call go-test,$(RACE)) $$(go list ./... | grep -vxF "$$(go list $(DEMO_PACKAGES) $(WAITING_PACKAGES) $(STORY_PACKAGES) $(CLIENT_PACKAGES) $(CALM_PACKAGES))")
	@$(call go-test) $(CALM_PACKAGES)

# Those of the clients wait, so they go first.
test-race:
	@$(if $(RACE),$(call go-test,-race) -run '$(RACE_TESTS)' $(CLIENT_PACKAGES) $(STORY_PACKAGES))

test-modules:
	@go test -C hack/controlplane ./...
	@go test -C hack/release -o ../../bin/tests/ -timeout 20m ./...

# go-test runs tests, with -race as its argument or without. Their programs stay in bin/tests and bin/tests-race, and are linked anew only
# once something in them has changed; two packages of one name cannot go in one call. The linker takes half the time without what only a
# debugger needs, and on Linux it links the standard library's little C itself, in place of calling a C linker.
go-test = go test $(1) -o bin/tests$(1)/ -ldflags='-w $(if $(filter Linux,$(shell uname -s)),-linkmode=internal)' -timeout 40m

# What tests find their control plane, tools and the programs of this project by. Whoever collects garbage less often has more memory,
# and a tenth of an API server's work less.
WITH_TOOLS = assets="$(ASSETS)"; GOGC=400 CONTROL_PLANE="$$assets" KUBEBUILDER_ASSETS="$(CURDIR)/hack/controlplane/one-processor" \
	TEST_KUBECTL="$(KUBECTL)" TEST_HELM="$(HELM)" TEST_PROMTOOL="$(PROMTOOL)" TEST_KUBE_STATE_METRICS="$(KUBE_STATE_METRICS)" TEST_KO="$(KO)" \
	TEST_KREW="$(KREW)" TEST_PROGRAMS="$(CURDIR)/bin"

.PHONY: race
race: build $(KUBECTL) $(HELM) $(PROMTOOL) $(KUBE_STATE_METRICS) ## Run all Go tests with the race detector, which takes three times as long.
	@$(WITH_TOOLS) go test -race -timeout 60m ./...

.PHONY: kill
kill: ## Kill the real process at every instant of a write, many times over (ROUNDS, 100).
	@assets="$(ASSETS)"; ROUNDS="$(or $(ROUNDS),100)" KUBEBUILDER_ASSETS="$$assets" \
		go test -count=1 -v -timeout 0 -run 'TestR10|TestP3|TestTheWayToTheAPIServerFails' ./cmd/manager

.PHONY: mutate
mutate: $(GREMLINS) ## Break the code of PKG (./internal/plan) in every small way, and hold what no test notices to hack/mutate/survivors.txt.
	@# gremlins copies the folder for each worker, and bin/ is large.
	@copy="$$(mktemp -d)"; trap 'rm -rf "$$copy"' EXIT; git ls-files -co --exclude-standard | tar -c -T - | tar -x -C "$$copy"; \
		cd "$$copy"; $(GREMLINS) unleash --silent --timeout-coefficient 20 --workers 2 --output "$(CURDIR)/bin/mutants.json" $(or $(PKG),./internal/plan)
	@go run ./hack/mutate $(or $(PKG),./internal/plan) bin/mutants.json

.PHONY: fuzz
fuzz: ## Fuzz every fuzz target in turn, FUZZTIME each (1m); stops at the first input that fails.
	@hack/fuzz.sh "$(FUZZTIME)"

# Each benchmark runs BENCH_COUNT times, since benchstat needs some to tell a difference from chance.
BENCH_COUNT ?= 6
BENCH_TIME ?= 1s
BENCH ?= .

.PHONY: bench-go
bench-go: $(BENCHSTAT) ## Run the Go benchmarks, the operator against bare net/http among them (BENCH for some, OLD=FILE to compare with).
	@mkdir -p bin/bench-results; assets="$(ASSETS)"; KUBEBUILDER_ASSETS="$$assets" go test -p 1 -run '^$$' -bench '$(BENCH)' -benchtime $(BENCH_TIME) \
		-count $(BENCH_COUNT) -timeout 1h ./internal/plan ./internal/restarts ./internal/greenapi ./controllers >bin/bench-results/.go.txt || { cat bin/bench-results/.go.txt; exit 1; }
	@cd bin/bench-results; if [ -e go.txt ]; then mv go.txt go-before.txt; fi; mv .go.txt go.txt
	@$(BENCHSTAT) $(OLD) bin/bench-results/go.txt

.PHONY: build
build: ## Build manager, kubectl-greenapi, emulator, demo and bench into bin/.
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/...
	@cp cmd/kubectl-greenapi/kubectl_complete-greenapi bin/

# build-image builds an image. 1: name   2: package   3: the variable with the image's name
define build-image
@KO="$(KO)" VERSION="$(VERSION)" PLATFORMS="$(PLATFORMS)" PUSH="$(call PUSH,$(3))" OUT="$(IMAGE_DIR)" \
	$(if $(BASE_IMAGE),KO_DEFAULTBASEIMAGE="$(BASE_IMAGE)") hack/release/image.sh $(1) $(2) "$($(3))"
endef

.PHONY: image
image: $(KO) ## Build the manager's image without a Docker daemon: push it to IMG, or without IMG write it into bin/image.
	$(call build-image,greenapi-operator,./cmd/manager,IMG)

.PHONY: emulator-image
emulator-image: $(KO) ## Build the emulator's image likewise, for EMULATOR_IMG.
	$(call build-image,greenapi-emulator,./cmd/emulator,EMULATOR_IMG)

.PHONY: run
run: build ## Run the manager against the cluster of your kubeconfig (ARGS for its flags).
	bin/manager --metrics-bind-address=0 $(ARGS)

.PHONY: generate
generate: $(CONTROLLER_GEN) ## Generate the deep-copy code of the API types.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: $(CONTROLLER_GEN) ## Generate the CRDs, the manager's role and what Argo CD has to know.
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:artifacts:config=config/crd/bases
	go run ./hack/crdtext
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./controllers/... output:rbac:artifacts:config=config/rbac
	go run ./hack/argocd

.PHONY: api-reference
api-reference: $(CRD_REF_DOCS) ## Generate docs/api-reference.md from the comments of the API types.
	@cd hack/tools/crd-ref-docs && $(CRD_REF_DOCS) --config config.yaml --templates-dir templates --log-level WARN \
		--source-path ../../../api --renderer markdown --output-path ../../../docs/api-reference.md

.PHONY: update
update: generate manifests api-reference chart build-installer ## Renew every file that is made from others.

# What the chart has from elsewhere: copies, never edited by hand. The chart's own is in templates/ and values.yaml.
CHART := charts/greenapi-operator

.PHONY: chart
chart: $(HELM_DOCS) ## Copy CRDs, roles and the like into the Helm chart, and generate its README.
	@rm -rf $(CHART)/files && mkdir -p $(CHART)/files/crds $(CHART)/files/rbac/partner
	cp config/crd/bases/*.yaml $(CHART)/files/crds/
	cp $(addprefix config/rbac/,$(addsuffix _role.yaml,leader_election metrics_auth metrics_reader view edit)) config/rbac/role.yaml $(CHART)/files/rbac/
	cp $(addprefix config/rbac/partner/,$(addsuffix _role.yaml,claims partner partner_claims partner_secrets)) $(CHART)/files/rbac/partner/
	cp config/network-policy/network_policy.yaml $(CHART)/files/network-policy.yaml
	cp config/prometheus/rules.yaml $(CHART)/files/prometheus-rules.yaml
	cp config/grafana/dashboard.json $(CHART)/files/
	$(HELM_DOCS) --chart-search-root $(CHART) --sort-values-order file --log-level warning

.PHONY: build-installer
build-installer: $(KUSTOMIZE) ## Render config/default into one file for kubectl apply, dist/install.yaml.
	@mkdir -p dist; unfinished="$$(mktemp dist/.install.XXXXXX)"; trap 'rm -f "$$unfinished"' EXIT; \
		$(KUSTOMIZE) build config/default >"$$unfinished" && chmod 644 "$$unfinished" && mv "$$unfinished" dist/install.yaml

.PHONY: lint
lint: $(GOLANGCI_LINT) $(ACTIONLINT) ## Run the linters, those of the workflows included.
	$(GOLANGCI_LINT) run
	cd hack/controlplane && $(GOLANGCI_LINT) run --config ../../.golangci.yml ./...
	cd hack/release && $(GOLANGCI_LINT) run --config ../../.golangci.yml ./...
	$(ACTIONLINT) -shellcheck= -pyflakes=

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
undeploy: $(KUSTOMIZE) ## Remove manager, roles and their namespace; the CRDs and the resources elsewhere stay.
	$(KUSTOMIZE) build config/operator | kubectl delete --ignore-not-found -f -
