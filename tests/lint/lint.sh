#!/usr/bin/env bash
# Called by ./dev lint, which has built spillway-lint and installed the tools: the rules of the tree,
# formatting, then clang-tidy over what it has not yet passed, newest first, for LINT_SECONDS.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
budget=${LINT_SECONDS:-900}
failed=0
passed=0

outcome() {  # NAME STATUS
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  printf '%s: %s\n' "$1" "$([ "$2" = 0 ] && echo ok || echo FAILED)"
}

build/dev/bin/spillway-lint .
outcome "rules of the tree" $?

find common agent cloud tests \( -name '*.h' -o -name '*.cpp' \) -print0 |
  xargs -0 -P "$(nproc)" -n 40 clang-format --dry-run -Werror
outcome "formatting" $?

if [ "${1:-}" = --quick ]; then
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
fi

# What is made by the build and included: generated headers and the precompiled one.
build=build/dev
made=$(ninja -C $build -t targets all |
  sed -n 's/^\(.*\(_generated\.h\|migrations\.cpp\)\): CUSTOM_COMMAND$/\1/p; s/^\(.*cmake_pch\.hxx\.pch\): .*/\1/p')
# shellcheck disable=SC2086
ninja -C $build $made >$build.tidy.log 2>&1 || { tail $build.tidy.log; outcome clang-tidy 1; exit 1; }

# What passed with its headers and these checks need not be looked at again. Which headers are its own
# the last build knows; without one, all are.
passed_dir=$build/tidy
mkdir -p $passed_dir
export build passed_dir
deps=$passed_dir/headers
ninja -C $build -t deps 2>/dev/null | awk -v root="$PWD/" '
  /^[^ ]/ { source = ""; next }
  { sub(/^ +(\.\.\/\.\.\/)?/, ""); if (index($0, root) == 1) $0 = substr($0, length(root) + 1) }
  /^(common|agent|cloud|tests)\// { if (source == "") source = $0; else if (/\.h$/) print source "\t" $0 }' |
  sort -u >$deps
export deps
[ "${1:-}" != --all ] || rm -rf $passed_dir/*
tidy_one() {
  name=${1#"$PWD"/}
  headers=$(awk -F'\t' -v source="$name" '$1 == source { print $2 }' "$deps")
  [ -n "$headers" ] || headers=$(find common agent cloud tests -name '*.h' | sort)
  # shellcheck disable=SC2086
  stamp=$passed_dir/$(cat .clang-tidy "$name" $headers 2>/dev/null | sha256sum | cut -d' ' -f1)
  [ ! -e "$stamp" ] || exit 0
  [ "$(date +%s)" -lt "$deadline" ] || { echo "$1" >>$passed_dir/left; exit 0; }
  report=$(clang-tidy --quiet -p $build "$1" 2>/dev/null) && touch "$stamp" && exit 0
  printf '%s\n' "$report"
  exit 1
}
export -f tidy_one
deadline=$(($(date +%s) + budget))
export deadline
rm -f $passed_dir/left
sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' $build/compile_commands.json | grep -v "/$build/" | sort -u |
  xargs ls -t | xargs -P "$(nproc)" -I{} bash -c 'tidy_one {}'
outcome "clang-tidy" $?
[ ! -e $passed_dir/left ] || echo "clang-tidy: $(wc -l <$passed_dir/left) files not looked at within $budget s; run it again to go on"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
