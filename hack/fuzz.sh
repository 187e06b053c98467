#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time, one after another.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fuzztime=$1

# Only folders with a target, because listing compiles a package's tests and runs its TestMain.
git grep --untracked -lE '^func Fuzz[A-Z0-9_]' -- '*_test.go' | xargs -n1 dirname | sort -u |
  while read -r folder; do
    go test -list '^Fuzz' "./$folder" | grep '^Fuzz' |
      while read -r target; do
        echo "==> $target ($folder)"
        go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" "./$folder" </dev/null
      done
  done
