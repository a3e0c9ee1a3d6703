#!/usr/bin/env bash
# Copyright The GREEN-API operator authors.
# SPDX-License-Identifier: Apache-2.0

# Signs what a folder's *.ref files name, by digest, and with it every SPDX document in the folder *.sbom beside.
#   sign.sh FOLDER
# From the environment: COSIGN, COSIGN_FLAGS.
set -euo pipefail
cd "$(dirname "$0")/../.."

read -ra flags <<<"$COSIGN_FLAGS"
shopt -s nullglob
references=("$1"/*.ref)
if [[ ${#references[@]} -eq 0 ]]; then
	echo "nothing was pushed yet: there is no *.ref in $1" >&2
	exit 1
fi
for file in "${references[@]}"; do
	reference="$(<"$file")"
	# A signature is for a digest: a tag may be moved between now and then.
	if [[ ! "$reference" =~ @sha256:[0-9a-f]{64}$ ]]; then
		echo "$file names no digest: $reference" >&2
		exit 1
	fi
	# An index and each of its images, since a node pulls the latter.
	"$COSIGN" sign "${flags[@]}" --recursive "$reference"
	for document in "${file%.ref}.sbom"/*.spdx.json; do
		"$COSIGN" attest "${flags[@]}" --type spdxjson --predicate "$document" "$reference"
	done
done
