#!/usr/bin/env bash
# Runs a command against a cluster with the images of this checkout: test/e2e/on-cluster.sh COMMAND...
# If there is no cluster it starts one, and deletes it afterwards unless KEEP=1. IMAGES=none loads no images.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work="$(mktemp -d)"
made=
finish() {
  rc=$?
  if [[ -n $made && ${KEEP:-} != 1 ]]; then
    "$CLUSTER" down || rc=1
  fi
  rm -rf "$work"
  exit "$rc"
}
trap finish EXIT

export CLUSTER="$work/cluster"
go build -o "$CLUSTER" ./hack/cluster
if ! "$CLUSTER" status >/dev/null 2>&1; then
  made=1
  "$CLUSTER" up
fi

# Manager and receiver get two tags, the second to test an upgrade.
images() {
  go run -C hack/release ./images -platforms "linux/$(go env GOARCH)" -version "$1" -out "$work/$1" "${@:2}"
  "$CLUSTER" load "$work/$1"/*.tar
}
if [[ ${IMAGES:-} != none ]]; then
  images local manager=./cmd/manager receiver=./cmd/receiver standin=./test/standin/cmd/standin
  images local-next manager=./cmd/manager receiver=./cmd/receiver
fi

environment="$("$CLUSTER" env)"
eval "$environment"
HELM="$(go tool -modfile=hack/tools/helm/go.mod -n helm)"
export HELM

"$@"
