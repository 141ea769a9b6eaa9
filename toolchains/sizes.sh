#!/usr/bin/env bash
# toolchains/sizes.sh aarch64|armhf: prints what the programs of a cross build weigh, stripped, in bytes.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
. "$here/debian.sh"
name_target "${1:?usage: sizes.sh aarch64|armhf}"
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
for program in "$here/../build/$1/bin"/spillway{,-agent,-cloud} "$here/../build/$1-static/bin/spillway-agent"; do
  "$triple-strip" -o "$stripped" "$program"
  printf '%10d  %s%s\n' "$(stat -c %s "$stripped")" "${program##*/}" "$([[ $program != *-static/* ]] || echo ', static')"
done
