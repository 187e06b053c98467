#!/usr/bin/env bash
# Installs the Debian packages of the programs that the tests need and the machine lacks: as root, or with sudo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()
# need PACKAGE PATTERN...: PACKAGE is missing if no PATTERN is a program on the PATH or a file.
need() {
  local pattern
  for pattern in "${@:2}"; do
    if command -v "$pattern" >/dev/null || compgen -G "$pattern" >/dev/null; then return; fi
  done
  missing+=("$1")
}

# The store is tested against a real PostgreSQL server, the alerts with a real Prometheus, the examples with Python and
# Node.js, pages with a real Chromium.
need postgresql initdb '/usr/lib/postgresql/*/bin/initdb'
need prometheus prometheus
need python3 python3
need nodejs node
need chromium chromium chromium-browser google-chrome google-chrome-stable
need fonts-dejavu-core /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
# Some packages of Node.js contain npm, and conflict with Debian's package of it.
need npm npm

# A node that is not kind's needs programs of its own.
read -ra node <<<"$(go run ./hack/cluster packages)"
for package in "${node[@]}"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done

if ((${#missing[@]} == 0)); then exit; fi

as_root=()
if ((EUID != 0)); then as_root=(sudo); fi
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
