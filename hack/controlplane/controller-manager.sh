#!/usr/bin/env bash
# Prints the path of the kube-controller-manager that tests run beside the control plane of assets.sh. No release of
# setup-envtest has it, so the first run builds it from the Go modules pinned beside this script.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
module=$("$here/module.sh")
kubernetes=$(cd "$module" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/whatsapp-webhook-operator/controllermanager
program=$cache/kube-controller-manager-$kubernetes

mkdir -p "$cache"
if command -v flock >/dev/null; then
  exec 9>"$cache/lock"
  flock 9
fi

if [[ ! -x $program ]]; then
  started=$SECONDS
  minor=${kubernetes#v}
  minor=${minor%.*}
  version=k8s.io/component-base/version
  # The flags are those of hack/cluster/programs, so that the packages are compiled once for both.
  (cd "$module" && CGO_ENABLED=0 go build -trimpath -o "$program.partial" -ldflags \
    "-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=${minor%.*} -X $version.gitMinor=${minor#*.}" \
    k8s.io/kubernetes/cmd/kube-controller-manager 9>&-)
  mv "$program.partial" "$program"
  echo "controlplane: kube-controller-manager built in $((SECONDS - started)) s" >&2
fi

echo "$program"
