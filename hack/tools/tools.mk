# The development tools, built from source on demand into bin/.
#
# Each tool has a module of its own under hack/tools/. Its go.mod is the one
# place that says the tool's version, its go.sum holds the checksums, and what
# the tool depends on never mixes with what the operator depends on. To update
# a tool: cd hack/tools/NAME && go get MODULE@VERSION && go mod tidy
#
# Use a tool by its variable, as a prerequisite and in the recipe:
#
#   manifests: $(CONTROLLER_GEN)
#           $(CONTROLLER_GEN) crd ...
#
# `make NAME`, such as `make kubectl`, builds a tool and prints where it is, for
# tests that are run by hand.
#
# setup-envtest is pinned here too, but has no variable: hack/controlplane runs
# it. logcheck and kube-api-linter are inside $(GOLANGCI_LINT).

TOOLS_DIR := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
TOOLS_BIN := $(abspath $(TOOLS_DIR)/../../bin)
TOOLS_GO_VERSION := $(shell go env GOVERSION)

# tool defines the variable and the rule of one tool.
#   1: variable   2: folder and name   3: module that has the version
#   4: package to build   5: how long the first build takes on two cores
#
# Beside the version, the file's name has a checksum of all that goes into the
# file, the Go version among it: a tool that reads Go code must not be older
# than the compiler. So whether a tool is up to date never depends on the times
# of files, which a fresh clone or a restored cache sets at random.
define tool
$(1)_VERSION := $$(shell sed -n -E 's|^(require)?[[:space:]]+$(3)[[:space:]]+(v[^[:space:]]+).*|\2|p' $(TOOLS_DIR)/$(2)/go.mod)
$(1)_SUM := $$(shell cd $(TOOLS_DIR)/$(2) && { echo $(TOOLS_GO_VERSION); cat go.mod go.sum; cat *.go 2>/dev/null || true; } | cksum | cut -d' ' -f1)
$(1) := $(TOOLS_BIN)/$(2)-$$($(1)_VERSION)-$$($(1)_SUM)
TOOLS += $$($(1))

$$($(1)):
	@echo "building $(2) $$($(1)_VERSION) into bin/ ($(5), once)" >&2
	@mkdir -p $(TOOLS_BIN)
	@unfinished=$(TOOLS_BIN)/.$(2).$$$$$$$$; trap 'rm -f "$$$$unfinished"' EXIT; \
		cd $(TOOLS_DIR)/$(2) && GOOS= GOARCH= CGO_ENABLED=0 GOWORK=off \
		go build -mod=readonly -buildvcs=false -trimpath -ldflags '-s -w' -o "$$$$unfinished" $(4) && \
		rm -f $(TOOLS_BIN)/$(2)-v* && mv "$$$$unfinished" $$@

# `make $(2)` prints where it is.
.PHONY: $(2)
$(2): $$($(1))
	@echo "$$($(1))"
endef

TOOLS :=
$(eval $(call tool,CONTROLLER_GEN,controller-gen,sigs.k8s.io/controller-tools,sigs.k8s.io/controller-tools/cmd/controller-gen,about half a minute))
$(eval $(call tool,CRD_REF_DOCS,crd-ref-docs,github.com/elastic/crd-ref-docs,github.com/elastic/crd-ref-docs,about half a minute))
$(eval $(call tool,KUSTOMIZE,kustomize,sigs.k8s.io/kustomize/kustomize/v5,sigs.k8s.io/kustomize/kustomize/v5,about half a minute))
$(eval $(call tool,KUBECTL,kubectl,k8s.io/kubectl,.,about a minute))
$(eval $(call tool,HELM,helm,helm.sh/helm/v4,helm.sh/helm/v4/cmd/helm,about two minutes))
$(eval $(call tool,HELM_DOCS,helm-docs,github.com/norwoodj/helm-docs,github.com/norwoodj/helm-docs/cmd/helm-docs,about a minute))
$(eval $(call tool,GO_LICENSES,go-licenses,github.com/google/go-licenses/v2,github.com/google/go-licenses/v2,about half a minute))
$(eval $(call tool,GOVULNCHECK,govulncheck,golang.org/x/vuln,golang.org/x/vuln/cmd/govulncheck,about half a minute))
$(eval $(call tool,PROMTOOL,promtool,github.com/prometheus/prometheus,-tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool,about two minutes))
$(eval $(call tool,KUBE_STATE_METRICS,kube-state-metrics,k8s.io/kube-state-metrics/v2,k8s.io/kube-state-metrics/v2,about two minutes))
$(eval $(call tool,KO,ko,github.com/google/ko,github.com/google/ko,about a minute))
$(eval $(call tool,ACTIONLINT,actionlint,github.com/rhysd/actionlint,github.com/rhysd/actionlint/cmd/actionlint,some seconds))
$(eval $(call tool,BENCHSTAT,benchstat,golang.org/x/perf,golang.org/x/perf/cmd/benchstat,some seconds))
$(eval $(call tool,GREMLINS,gremlins,github.com/go-gremlins/gremlins,github.com/go-gremlins/gremlins/cmd/gremlins,half a minute))
$(eval $(call tool,KREW,krew,sigs.k8s.io/krew,sigs.k8s.io/krew/cmd/krew,about half a minute))
$(eval $(call tool,GOLANGCI_LINT,golangci-lint,github.com/golangci/golangci-lint/v2,.,about three minutes))

.PHONY: tools
tools: $(TOOLS) ## Build every pinned development tool into bin/.
