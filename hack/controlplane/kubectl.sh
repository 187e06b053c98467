#!/usr/bin/env bash
# Builds kubectl from the Go module pinned beside this script, and prints its path.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/whatsapp-webhook-operator
mkdir -p "$folder"
CGO_ENABLED=0 go build -C "$("$here/module.sh")" -trimpath -ldflags '-s -w' -o "$folder/kubectl" k8s.io/kubernetes/cmd/kubectl
echo "$folder/kubectl"
