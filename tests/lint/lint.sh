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

# A database of Clang's own: GCC's precompiled headers and options mean nothing to it.
build=build/tidy
cmake --preset clang -B $build -DSPILLWAY_PCH=OFF \
  "-DCMAKE_CXX_FLAGS=-include $PWD/tests/lint/clang_source_location.h" >$build.log 2>&1 || { cat $build.log; outcome clang-tidy 1; exit 1; }
generated=$(ninja -C $build -t targets all | sed -n 's/^\(.*\(_generated\.h\|migrations\.cpp\)\): CUSTOM_COMMAND$/\1/p')
# shellcheck disable=SC2086
[ -z "$generated" ] || ninja -C $build $generated >>$build.log 2>&1 || { tail $build.log; outcome clang-tidy 1; exit 1; }

# What passed with these headers and checks need not be looked at again.
mkdir -p $build/passed
export build
state=$({ cat .clang-tidy; find common agent cloud tests -name '*.h' -print0 | sort -z | xargs -0 cat; } | sha256sum | cut -d' ' -f1)
export state
[ "${1:-}" != --all ] || rm -rf $build/passed/*
tidy_one() {
  stamp=$build/passed/$(cat "$1" - <<<"$1 $state" | sha256sum | cut -d' ' -f1)
  [ ! -e "$stamp" ] || exit 0
  [ "$(date +%s)" -lt "$deadline" ] || { echo "$1" >>$build/left; exit 0; }
  report=$(clang-tidy --quiet -p $build "$1" 2>/dev/null) && touch "$stamp" && exit 0
  printf '%s\n' "$report"
  exit 1
}
export -f tidy_one
deadline=$(($(date +%s) + budget))
export deadline
rm -f $build/left
sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' $build/compile_commands.json | grep -v "/$build/" | sort -u |
  xargs ls -t | xargs -P "$(nproc)" -I{} bash -c 'tidy_one {}'
outcome "clang-tidy" $?
[ ! -e $build/left ] || echo "clang-tidy: $(wc -l <$build/left) files not looked at within $budget s; run it again to go on"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
