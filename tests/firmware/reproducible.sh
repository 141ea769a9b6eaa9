#!/usr/bin/env bash
# tests/firmware/reproducible.sh: builds the release once more, in a folder with another name and without a compiler cache, and
# compares with build/release, byte for byte, the programs that ship and the packages they ship in.
set -uo pipefail
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
cd "$top"
. tests/firmware/checks.sh
elsewhere=$(mktemp -d)/another-and-longer-name
trap 'rm -rf "${elsewhere%/*}"' EXIT
trap 'exit 130' INT TERM
programs="spillway-agent spillway spillway-ota spillway-cloud spwctl spillway-fleetsim"
export SOURCE_DATE_EPOCH=1700000000

build_elsewhere() {
  mkdir "$elsewhere"
  tar -c --exclude=./build --exclude=./.git . | tar -x -C "$elsewhere"
  CCACHE_DISABLE=1 "$elsewhere/dev" build release $programs
}
pack() {  # DIRECTORY
  SPILLWAY_PACKAGES=$1/build/reproducible "$1/firmware/packages/build.sh" amd64 "$1/build/release" agent cloud
}
same_packages() {
  pack "$top" && pack "$elsewhere" && diff -r build/reproducible "$elsewhere/build/reproducible"
}

check is_built_here ./dev build release $programs
check is_built_elsewhere build_elsewhere
for program in $programs; do
  check "${program//-/_}_is_the_same_elsewhere" cmp "build/release/bin/$program" "$elsewhere/build/release/bin/$program"
done
check packages_are_the_same_elsewhere same_packages
sum_up
