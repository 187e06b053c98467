#!/usr/bin/env bash
# Prints the folder of the Go module from which the programs of Kubernetes are built: the pinned one, or with KUBERNETES set
# to another minor version, such as 1.30, a module for its newest patch, which is generated once.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ -z ${KUBERNETES:-} ]]; then
  echo "$here/kubernetes"
  exit
fi

if [[ ! $KUBERNETES =~ ^1\.[0-9]+$ ]]; then
  echo "KUBERNETES is \"$KUBERNETES\"; it must be a minor version such as 1.30" >&2
  exit 1
fi

target=${XDG_CACHE_HOME:-$HOME/.cache}/whatsapp-webhook-operator/kubernetes-$KUBERNETES
if [[ -f $target/go.mod ]]; then
  echo "$target"
  exit
fi

partial=$(mktemp -d)
trap 'rm -rf "$partial"' EXIT
cd "$partial"

{
  echo "module kubernetes"
  grep '^go ' "$here/kubernetes/go.mod"
} >go.mod

version=$(go list -m -f '{{.Version}}' "k8s.io/kubernetes@v$KUBERNETES")
go mod edit -require "k8s.io/kubernetes@$version"

# Kubernetes replaces its staging modules by folders of its repository. They are published as v0 with the same numbers.
manifest=$(GOFLAGS=-mod=mod go mod download -json k8s.io/kubernetes | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
while read -r module; do
  go mod edit -replace "$module=$module@v0.${version#v1.}"
done < <(sed -n 's/^\t\(k8s.io\/[^ ]*\) => .\/staging.*/\1/p' "$manifest")

sed -n '/^tool (/,/^)/p' "$here/kubernetes/go.mod" >>go.mod
go mod tidy >&2

mkdir -p "$(dirname "$target")"
rm -rf "$target"
cp -r "$partial" "$target"
echo "$target"
