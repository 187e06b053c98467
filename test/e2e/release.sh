#!/usr/bin/env bash
# Makes a release in a registry on this machine, verifies it, and installs it from there on the node: with Helm, and with
# install.yaml. Needs the cluster of on-cluster.sh, which sets CLUSTER, HELM and KUBECONFIG.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=v0.0.1-test
namespace=whatsapp-webhook-system
work=$(mktemp -d)

say() { printf '\n==> %s\n' "$*"; }

registry=
finish() {
  rc=$?
  if ((rc != 0)); then
    kubectl get pods,events --all-namespaces >&2 || true
  fi
  kubectl delete namespace messaging "$namespace" --ignore-not-found --timeout=2m >/dev/null || rc=1
  if [[ -n $registry ]]; then
    kill "$registry"
    wait "$registry" || true
  fi
  rm -rf "$work"
  exit "$rc"
}
trap finish EXIT

say "a registry without TLS, at the machine's address in the node's network"
go build -C hack/release -o "$work" . ./registry
"$work/registry" -listen 10.213.0.1:0 >"$work/address" &
registry=$!
until [[ -s $work/address ]]; do
  kill -0 "$registry"
  sleep 0.1
done
address=$(<"$work/address")
"$CLUSTER" trust "$address"

say "a release for the node's platform"
export COSIGN_PASSWORD=test
"$work/release" key -out "$work"
publish() {
  "$work/release" publish -allow-dirty -version "$version" -prefix "$address/" -key "$work/cosign.key" -out "$1" \
    -platforms "linux/$(go env GOARCH)" -archives "linux/$(go env GOARCH)"
}
publish "$work/dist"
"$work/release" verify -key "$work/cosign.pub" "$work/dist"

say "the release as 'make release-upload' uploads it"
mkdir "$work/downloaded"
"$work/release" files "$work/dist" | while read -r file; do cp "$file" "$work/downloaded/"; done
"$work/release" verify -key "$work/cosign.pub" "$work/downloaded"

say "the same release again has the same digests"
publish "$work/again" >/dev/null
diff -r "$work/dist" "$work/again"

# ready: creates a resource, and waits for its receiver and for the manager.
ready() {
  kubectl wait deployment/whatsapp-webhook-operator-manager --namespace "$namespace" --for=condition=Available --timeout=3m
  kubectl apply --filename - <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: messaging}
---
apiVersion: v1
kind: Secret
metadata: {name: sales, namespace: messaging}
stringData: {access-token: token, app-secret: secret, verify-token: verify, access-key: key}
---
apiVersion: whatsapp.wawebhook.dev/v1alpha1
kind: WhatsAppWebhook
metadata: {name: sales, namespace: messaging}
spec:
  cloudAPI:
    accessTokenSecretRef: {name: sales, key: access-token}
    appSecretSecretRefs: [{name: sales, key: app-secret}]
    verifyTokenSecretRef: {name: sales, key: verify-token}
  bird:
    baseURL: https://bridge.example.com
    accessKeySecretRef: {name: sales, key: access-key}
YAML
  kubectl wait deployment/sales --namespace messaging --for=create --timeout=1m
  kubectl wait deployment/sales --namespace messaging --for=condition=Available --timeout=3m

  # The node has pulled the images of the release, and no others.
  kubectl get pods --namespace "$namespace" --output 'jsonpath={..spec.containers[*].image}{"\n"}' | grep -F "$address/whatsapp-webhook-operator/manager"
  kubectl get pods --namespace messaging --output 'jsonpath={..spec.containers[*].image}{"\n"}' | grep -F "$address/whatsapp-webhook-operator/receiver"
}

say "the chart, from the registry"
"$HELM" install whatsapp-webhook-operator "oci://$address/charts/whatsapp-webhook-operator" --version "${version#v}" --plain-http \
  --namespace "$namespace" --create-namespace
ready
kubectl delete namespace messaging --timeout=2m
"$HELM" uninstall whatsapp-webhook-operator --namespace "$namespace" --wait
kubectl delete crd whatsappwebhooks.whatsapp.wawebhook.dev --timeout=2m

say "install.yaml"
kubectl apply --server-side --filename "$work/dist/install.yaml"
ready
kubectl delete namespace messaging --timeout=2m
kubectl delete --filename "$work/dist/install.yaml" --timeout=3m

say "released, installed and verified"
