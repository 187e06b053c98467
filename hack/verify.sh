#!/usr/bin/env bash
# Checks that generated code, manifests and go.mod files are current, that the oldest supported Kubernetes accepts the
# CustomResourceDefinition, that no large file is in the tree, that files are formatted and have the licence header, that
# docs/design.md names every package, that the tool compiles on other systems, and that the kustomizations render.
# Runs all checks before it fails, and prints how to fix each failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=0
fail() {
  echo "verify: $*" >&2
  failed=1
}

# files PATHSPEC...: lists existing files, tracked or new.
files() {
  git ls-files --cached --others --exclude-standard --deduplicate -- "$@" |
    while read -r file; do if [[ -f $file ]]; then echo "$file"; fi; done
}

echo "generated code and manifests"
generated=(api config/crd config/rbac config/grafana charts docs/fields.md)
# Compares the content before and after, rather than with git, so that uncommitted work can be verified too.
fingerprint() { files "${generated[@]}" | xargs cksum; }
before=$(fingerprint)
make --no-print-directory generate manifests chart
if ! changed=$(diff <(echo "$before") <(fingerprint)); then
  fail "generated files were out of date and have been updated; commit them ('make generate manifests chart' does the same):"
  awk '/^[<>]/ {print "  " $4}' <<<"$changed" | sort -u >&2
fi

echo "oldest Kubernetes"
# The validation of the oldest supported release must accept the CRD, the release must have every field of the objects that the
# operator renders, and every page must name that release.
oldest=$(go -C hack/tools/oldest-kubernetes list -m -f '{{.Version}}' k8s.io/apiextensions-apiserver)
[[ $oldest =~ ^v0[.]([0-9]+)[.] ]]
oldest=1.${BASH_REMATCH[1]}
go -C hack/tools/oldest-kubernetes run . "$PWD"/config/crd/bases/*.yaml || fail "Kubernetes $oldest would reject the CustomResourceDefinition"
go -C hack/tools/oldest-kubernetes run . "$PWD"/controllers/resources/testdata/*/want.yaml "$PWD"/config/manager/*.yaml ||
  fail "Kubernetes $oldest lacks a field that the operator sets"
says() { grep -qF -- "$2" "$1" || fail "$1 lacks '$2', although hack/tools/oldest-kubernetes checks Kubernetes $oldest"; }
says charts/whatsapp-webhook-operator/Chart.yaml "kubeVersion: \">=$oldest.0-0\""
says charts/whatsapp-webhook-operator/README.md "Kubernetes $oldest and later"
says README.md "Kubernetes $oldest and later"
says docs/gitops.md "Kubernetes $oldest and later"
says docs/api-versions.md "Kubernetes $oldest and later"
says Makefile "CHART_KUBERNETES := $oldest "
says test/distribution/main_test.go "oldestKubernetes = \"$oldest\""

echo "go.mod files"
while read -r mod; do
  folder=$(dirname "$mod")
  go -C "$folder" mod tidy -diff >/dev/null || fail "$mod is not tidy; run 'go -C $folder mod tidy'"
done < <(files go.mod '*/go.mod')

echo "programs in the tree"
large=$(files | while read -r file; do find "$file" -size +1024k; done)
[[ -z $large ]] || fail "files of more than 1 MiB, such as programs that were built; remove them:"$'\n'"$large"

echo "formatting"
unformatted=$(files '*.go' | xargs gofmt -l)
[[ -z $unformatted ]] || fail "not gofmt-ed; run 'make fmt':"$'\n'"$unformatted"

echo "licence headers"
# Generated files may have a build tag above the header.
while read -r file; do
  head -n 5 "$file" | grep -A 1 -xF "$(head -n 1 hack/boilerplate.go.txt)" | grep -qxF "$(tail -n 1 hack/boilerplate.go.txt)" ||
    fail "$file does not start with the lines of hack/boilerplate.go.txt"
done < <(files '*.go')

echo "packages in the design"
module=$(go list -m)
while read -r package; do
  grep -qF "\`${package#"$module"/}\`" docs/design.md || fail "docs/design.md does not name the package ${package#"$module"/}"
done < <(go list ./...)

echo "the tool on other systems"
go run ./hack/crosscheck ./cmd/kubectl-whatsapp/... || fail "the tool would not compile on every system"

echo "kustomizations"
while read -r kustomization; do
  folder=$(dirname "$kustomization")
  go tool -modfile=hack/tools/kubernetes/go.mod kustomize build "$folder" >/dev/null || fail "$folder does not render"
done < <(files 'config/*kustomization.yaml')

echo "release"
dist=$(mktemp -d)
trap 'rm -rf "$dist"' EXIT
make --no-print-directory dist DIST="$dist" VERSION=v0.0.0 >/dev/null || fail "'make dist' failed"

exit "$failed"
