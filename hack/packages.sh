#!/usr/bin/env bash
# Installs the Debian packages of the programs that the machine lacks:
#
#   hack/packages.sh         for the tests and for the node of 'make e2e'; asks for the password of sudo if that is needed
#   hack/packages.sh tests   for the tests, if that needs no password
#
# Where it may not install, it prints the command that does, or the programs, and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for=${1:-all}
packages=()
reasons=()

# need PACKAGE REASON [PATTERN...]: PACKAGE is missing if no PATTERN is a program on the PATH or a file.
need() {
  local pattern
  for pattern in "${@:3}"; do
    if command -v "$pattern" >/dev/null || compgen -G "$pattern" >/dev/null; then return; fi
  done
  packages+=("$1")
  reasons+=("$2")
}

read -ra compiler <<<"${CC:-gcc}"
need gcc "a C compiler, for the race detector" "${compiler[0]}"
# Debian's gcc only recommends the headers. The compiler knows where they would be.
if [[ $(uname) == Linux ]] && ! "${compiler[@]}" -E -x c - <<<'#include <stdlib.h>' >/dev/null 2>&1; then
  need libc6-dev "the headers of the C library, for the race detector"
  # With a compiler but no headers, go builds nothing that may use C, such as the list of packages below.
  export CGO_ENABLED=0
fi
need postgresql "the programs of a PostgreSQL server, for the store" initdb '/usr/lib/postgresql/*/bin/initdb'
need prometheus "Prometheus, for the alerts" prometheus
need python3 "Python 3, for the examples" python3
need nodejs "Node.js, for the examples" node
# Some packages of Node.js contain npm, and conflict with Debian's package of it.
need npm "npm, for the check of pages" npm
need chromium "Chromium, for the tests of pages" chromium chromium-browser google-chrome google-chrome-stable
if [[ $(uname) == Linux ]]; then
  need fonts-dejavu-core "DejaVu Sans, for the tests of pages" /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
fi

# A node that is not kind's needs programs of its own.
if [[ $for == all ]] && command -v dpkg-query >/dev/null; then
  listed=$(go run ./hack/cluster packages)
  read -ra node <<<"$listed"
  for package in "${node[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed && continue
    packages+=("$package")
    reasons+=("the package $package, for the node of 'make e2e'")
  done
fi

if ((${#packages[@]} == 0)); then exit; fi

say() { echo "packages: $*" >&2; }

say "this machine lacks:"
for reason in "${reasons[@]}"; do say "  $reason"; done

if ! command -v apt-get >/dev/null; then
  say "install these programs, and run the command again; on Debian and its kin this script does it"
  exit 1
fi

install=(apt-get install --no-install-recommends "${packages[@]}")
if (($(id -u) == 0)); then
  as_root=()
elif ! command -v sudo >/dev/null; then
  say "run as root: apt-get update && ${install[*]}"
  exit 1
elif [[ $for == all && -t 0 ]]; then
  as_root=(sudo)
elif sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  # Not this script: the PATH that sudo gives root has no Go of /usr/local/go.
  say "run: sudo apt-get update && sudo ${install[*]}"
  exit 1
fi

say "installing ${packages[*]}"
"${as_root[@]}" apt-get update --quiet
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${packages[@]}"
