#!/usr/bin/env bash
# Prints the folder that holds the kube-apiserver and etcd the tests run against.
# In this order: KUBEBUILDER_ASSETS when set; what an earlier run built; a release
# fetched by setup-envtest; a build from the Go modules pinned beside this script,
# for machines that reach nothing but a Go module proxy. KUBERNETES selects another minor
# version than the pinned one.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  echo "$KUBEBUILDER_ASSETS"
  exit
fi

say() { echo "controlplane: $*" >&2; }
pinned() { (cd "$1" && go list -m -f '{{.Version}}' "$2"); }

module=$("$here/module.sh")
kubernetes=$(pinned "$module" k8s.io/kubernetes)
etcd=$(pinned "$here/etcd" go.etcd.io/etcd/server/v3)
minor=${kubernetes#v}
minor=${minor%.*}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/whatsapp-webhook-operator/controlplane
target=$cache/$kubernetes-$etcd

use_if_built() {
  if [[ -d $target ]]; then
    echo "$target"
    exit
  fi
}
use_if_built

say "looking for a release of kube-apiserver $minor to download, for up to 2 minutes"
fetcher=$(cd "$here/../tools/kubernetes" && go tool -n setup-envtest)
within() { if command -v timeout >/dev/null; then timeout "$@"; else "${@:2}"; fi; }
if fetched=$(within 120 "$fetcher" use "$minor.x" -p path 2>/dev/null); then
  echo "$fetched"
  exit
fi

mkdir -p "$cache"
# Without flock, two concurrent runs both build; the first rename wins.
if command -v flock >/dev/null; then
  exec 9>"$cache/lock"
  flock 9
  use_if_built
  rm -rf "$cache"/partial.* # of an interrupted run
fi

partial=$(mktemp -d "$cache/partial.XXXXXX")
trap 'kill "${ticker:-}" 2>/dev/null || true; rm -rf "$partial"' EXIT

# tick NAME: says every half minute that NAME is still built.
tick() {
  local started=$SECONDS
  while sleep 30 2>/dev/null; do say "still building $1, since $((SECONDS - started)) s"; done
}

# build MODULE_FOLDER PACKAGE NAME VERSION [LINKER_FLAGS]
build() {
  local started=$SECONDS
  say "building $3 $4"
  tick "$3" >/dev/null 9>&- &
  ticker=$!
  (cd "$1" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w ${5:-}" -o "$partial/$3" "$2" 9>&-)
  kill "$ticker"
  wait "$ticker" 2>/dev/null || true
  say "$3 built in $((SECONDS - started)) s"
}

say "none can be downloaded; building etcd and kube-apiserver from source, once, which takes about 10 minutes on two cores"
version=k8s.io/component-base/version
build "$here/etcd" go.etcd.io/etcd/server/v3 etcd "$etcd"
build "$module" k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver "$kubernetes" \
  "-X $version.gitVersion=$kubernetes -X $version.gitMajor=${minor%.*} -X $version.gitMinor=${minor#*.}"

chmod 755 "$partial"
[[ -d $target ]] || mv "$partial" "$target"
echo "$target"
