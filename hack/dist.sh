#!/usr/bin/env bash
# Builds the files of a release into FOLDER: install.yaml, and the chart. Both name the images VERSION of PREFIX, such as
# ghcr.io/wawebhook/, as 'make images' does.
# usage: [MANAGER_DIGEST=sha256:… RECEIVER_DIGEST=sha256:…] hack/dist.sh VERSION PREFIX FOLDER
# With the digests of the images, both name the images by digest.
set -euo pipefail
version=$1 prefix=$2
mkdir -p "$3"
folder=$(CDPATH='' cd -- "$3" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=whatsapp-webhook-operator
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# images: changes the registry of the images in its input, and the tag of those that have one.
images() {
  sed -E -e "s,ghcr\.io/wawebhook/($name/(manager|receiver)),$prefix\1,g" \
    -e "s,($name/(manager|receiver)):(dev|v[0-9][-.0-9a-z]*),\1:$version,g" \
    -e "s,($name/manager:$version),\1${MANAGER_DIGEST:+@$MANAGER_DIGEST}," \
    -e "s,($name/receiver:$version),\1${RECEIVER_DIGEST:+@$RECEIVER_DIGEST},"
}

# digests: sets the digests of the images in values.yaml, its input.
digests() {
  sed -e "/^image:$/,/^  digest:/s,^  digest: .*,  digest: $MANAGER_DIGEST," \
    -e "/^receiverImage:$/,/^  digest:/s,^  digest: .*,  digest: $RECEIVER_DIGEST,"
}

# edit FILE COMMAND: replaces the file by what the command makes of it. sed edits in place with other options on macOS.
edit() {
  "$2" <"$1" >"$work/edited"
  cat "$work/edited" >"$1"
}

go tool -modfile=hack/tools/kubernetes/go.mod kustomize build config/default | images >"$folder/install.yaml"
if grep -n '[^ ]:dev$' "$folder/install.yaml"; then
  echo "dist: an image of install.yaml has no version" >&2
  exit 1
fi

# Helm requires a semantic version, which a commit between two releases does not have.
chart_version="0.0.0-dev-$version"
if [[ $version =~ ^v?([0-9]+[.][0-9]+[.][0-9]+.*)$ ]]; then chart_version=${BASH_REMATCH[1]}; fi

cp -R "charts/$name" "$work/"
for file in Chart.yaml values.yaml values.schema.json README.md; do
  edit "$work/$name/$file" images
done

if [[ -n ${MANAGER_DIGEST:-} ]]; then
  edit "$work/$name/values.yaml" digests
  go run ./hack/chart "$work/$name"
fi

go tool -modfile=hack/tools/helm/go.mod helm package "$work/$name" --destination "$folder" \
  --app-version "$version" --version "$chart_version"
