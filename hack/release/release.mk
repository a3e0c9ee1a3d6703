# The targets that make a release; .github/workflows/release.yml calls them in this order. See docs/releasing.md.

# What `make archives` packs, and which files a release has besides.
ARCHIVE_PLATFORMS ?= darwin/amd64,darwin/arm64,linux/amd64,linux/arm64,windows/amd64,windows/arm64
RELEASE_DIR ?= bin/release
CHART_DIR ?= bin/chart
# Where the chart goes.
CHART_REPOSITORY ?= oci://ghcr.io/greenapi-operator/charts
# cosign, and what it is told besides; in a release it signs with the identity of the workflow.
COSIGN ?= cosign
COSIGN_FLAGS ?= --yes

# release-tool runs hack/release. 1: command   2: further flags
release-tool = go run -C hack/release . $(1) --version "$(VERSION)" $(2)

.PHONY: release-prepare
release-prepare: ## Write VERSION=v1.2.3 into all files that state the version of the release.
	@$(if $(filter command environment,$(firstword $(origin VERSION))),,echo "say which: make release-prepare VERSION=v1.2.3" >&2; exit 1)
	@$(call release-tool,prepare)
	@$(MAKE) --no-print-directory chart build-installer

.PHONY: release-check
release-check: ## Check that all files state VERSION, and that the changelog has it.
	@$(call release-tool,check)

.PHONY: archives
archives: ## Pack kubectl-greenapi for all platforms, with checksums and krew's manifest, into bin/release.
	@$(call release-tool,archives,--platforms "$(ARCHIVE_PLATFORMS)" --out "$(RELEASE_DIR)" --include "$(INCLUDE)")

.PHONY: sign-images
sign-images: ## Sign the images that were pushed, and their SBOMs (by cosign).
	@COSIGN="$(COSIGN)" COSIGN_FLAGS="$(COSIGN_FLAGS)" hack/release/sign.sh "$(IMAGE_DIR)"

.PHONY: chart-package
chart-package: $(HELM) ## Pack the chart into bin/chart.
	@rm -rf "$(CHART_DIR)"
	@$(HELM) package charts/greenapi-operator --destination "$(CHART_DIR)" --version "$(RELEASE:v%=%)" --app-version "$(RELEASE)"

.PHONY: chart-push
chart-push: chart-package ## Push the chart to CHART_REPOSITORY.
	@HELM="$(HELM)" hack/release/chart.sh "$(CHART_DIR)" "$(CHART_REPOSITORY)"

.PHONY: sign-chart
sign-chart: ## Sign the chart that was pushed (by cosign).
	@COSIGN="$(COSIGN)" COSIGN_FLAGS="$(COSIGN_FLAGS)" hack/release/sign.sh "$(CHART_DIR)"

.PHONY: digests
digests: ## Print the digests of what was pushed, as NAME=sha256:...
	@sed -nE 's|^.*/([^/:@]+):[^/@]+@(sha256:[0-9a-f]{64})$$|\1=\2|p' $(wildcard $(IMAGE_DIR)/*.ref $(CHART_DIR)/*.ref)

.PHONY: release-files
release-files: ## Make all files of the release VERSION, and its notes beside them.
	@$(MAKE) --no-print-directory archives INCLUDE=dist/install.yaml
	@$(call release-tool,notes) >"$(RELEASE_DIR).notes.md"

.PHONY: sign-files
sign-files: ## Sign the checksums of the release's files (by cosign).
	@$(COSIGN) sign-blob $(COSIGN_FLAGS) --bundle "$(RELEASE_DIR)/checksums.txt.sigstore.json" "$(RELEASE_DIR)/checksums.txt"

.PHONY: github-release
github-release: ## Publish the files as the release VERSION on GitHub (by gh).
	@gh release create "$(VERSION)" --verify-tag --title "$(VERSION)" --notes-file "$(RELEASE_DIR).notes.md" \
		$(if $(findstring -,$(VERSION)),--prerelease) "$(RELEASE_DIR)"/*
