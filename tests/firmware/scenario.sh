#!/usr/bin/env bash
# tests/firmware/scenario.sh: the image of qemu-aarch64 through every point of firmware/ota/scenario.sh; each is a test.
set -uo pipefail
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
. "$top/tests/firmware/checks.sh"
table=$(mktemp)
trap 'rm -f "$table"' EXIT
trap 'exit 130' INT TERM
comes_to_its_end() { "$top/dev" scenario qemu-aarch64 >"$table" || { cat "$table"; return 1; }; }
is_ok() { echo "$1"; [[ $1 == *"| ok |" ]]; }

check scenario_comes_to_its_end comes_to_its_end
while IFS= read -r row; do
  name=$(cut -d'|' -f2 <<<"$row" | tr -d ' ' | tr - _)
  case $name in point | *___*) continue ;; esac
  check "scenario_${name}_leaves_a_good_version_and_every_task" is_ok "$row"
done < <(grep '^|' "$table")
sum_up
