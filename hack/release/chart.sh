#!/usr/bin/env bash
# Copyright The GREEN-API operator authors.
# SPDX-License-Identifier: Apache-2.0

# Pushes the packed chart of a folder, and notes what it is called now in FOLDER/NAME.ref.
#   chart.sh FOLDER OCI-REPOSITORY
# From the environment: HELM, HELM_PUSH_FLAGS.
set -euo pipefail
cd "$(dirname "$0")/../.."

packed=("$1"/*.tgz)
if [[ ${#packed[@]} -ne 1 || ! -f "${packed[0]}" ]]; then
	echo "want one packed chart in $1: run make chart-package" >&2
	exit 1
fi
read -ra flags <<<"${HELM_PUSH_FLAGS:-}"
# Helm says what it pushed, and the digest, in two lines of which the older versions write one to stderr.
output="$("$HELM" push "${flags[@]}" "${packed[0]}" "$2" 2>&1)" || { echo "$output" >&2; exit 1; }
echo "$output" >&2
pushed="$(sed -nE 's|^Pushed: (.*)$|\1|p' <<<"$output")"
digest="$(sed -nE 's|^Digest: (sha256:[0-9a-f]{64})$|\1|p' <<<"$output")"
if [[ -z "$pushed" || -z "$digest" ]]; then
	echo "helm does not say what it pushed" >&2
	exit 1
fi
name="${pushed##*/}"
echo "$pushed@$digest" >"$1/${name%%:*}.ref"
