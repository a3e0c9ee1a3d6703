#!/usr/bin/env bash
# Copyright The GREEN-API operator authors.
# SPDX-License-Identifier: Apache-2.0

# Builds one image with ko, which needs no container daemon, and either pushes it or writes it into a folder.
#   image.sh NAME PACKAGE IMAGE
# From the environment: KO, VERSION, PLATFORMS, PUSH (1 to push to IMAGE), OUT (the folder for all else).
# Makes OUT/NAME (an OCI layout, when it does not push), OUT/NAME.ref (what was built, with its digest) and
# OUT/NAME.sbom/ (the SPDX documents, which are pushed as well).
set -euo pipefail
cd "$(dirname "$0")/../.."

name="$1" package="$2" image="$3"
# The last colon is before a tag, unless a / follows: then it is before the port of a registry.
tag="$(sed -nE 's|^.*:([^:/]+)$|\1|p' <<<"$image")"
repository="${image%":$tag"}"
if [[ "$image" == *@* ]]; then
	echo "an image is named by a tag, such as registry.example/name:v1, and not by a digest: $image" >&2
	exit 1
fi
if [[ -z "$tag" ]]; then
	echo "the image has no tag: write $image:TAG" >&2
	exit 1
fi

revision="$(git rev-parse HEAD 2>/dev/null || true)"
# All times in the image are the commit's, so that who builds the commit again gets the same image.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export VERSION SOURCE_DATE_EPOCH KO_DOCKER_REPO="$repository"

arguments=(--bare --tags "$tag" --platform "$PLATFORMS" --image-user 65532:65532
	--sbom spdx --sbom-dir "$OUT/$name.sbom")
describe=(
	"org.opencontainers.image.title=$name"
	"org.opencontainers.image.version=$VERSION"
	"org.opencontainers.image.revision=$revision"
	"org.opencontainers.image.source=https://github.com/greenapi-operator/greenapi-operator"
	"org.opencontainers.image.licenses=Apache-2.0"
)
for pair in "${describe[@]}"; do
	# Registries read the annotations, and tools that look at a running container the labels.
	arguments+=(--image-annotation "$pair" --image-label "$pair")
done

mkdir -p "$OUT"
# Nothing of an earlier build may be taken for this one's.
rm -rf "${OUT:?}/$name" "$OUT/$name.ref" "$OUT/$name.sbom"
if [[ "$PUSH" == 1 ]]; then
	arguments+=(--push=true)
else
	# ko takes no path that could not be a repository's name.
	layout="bin/.image.$$"
	trap 'rm -rf "$layout"' EXIT
	arguments+=(--push=false --oci-layout-path "$layout")
fi
# ko takes the environment's platform for one that was asked for.
reference="$(env -u GOOS -u GOARCH -u GOARM "$KO" build "${arguments[@]}" "$package")"
if [[ "$PUSH" != 1 ]]; then
	mv "$layout" "$OUT/$name"
	echo "the image is in $OUT/$name; to push it, name it: make ... IMG=registry.example/name:v1" >&2
fi
echo "$image@${reference##*@}" | tee "$OUT/$name.ref"
