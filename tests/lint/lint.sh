#!/usr/bin/env bash
# Called by ./dev lint, which has built spillway-lint and installed the tools: the rules of the tree,
# formatting of C++ and of the dashboard, then, over what has not yet passed, a compiler for 32 bits and clang-tidy, each for
# LINT_SECONDS.
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

# npm brings it with the rest of what the dashboard is built with.
modules=build/dev/cloud/web/node_modules
[ ! -f build/dev/build.ninja ] || ninja -C build/dev cloud/web/node_modules/.package-lock.json >build/dev.web.log 2>&1
if [ -x $modules/.bin/prettier ]; then
  find cloud/web tests/web -name node_modules -prune -o \( -name '*.ts' -o -name '*.tsx' -o -name '*.mjs' -o -name '*.css' \) -print0 |
    xargs -0 $modules/.bin/prettier --check --log-level warn
  outcome "formatting of the dashboard" $?
else
  echo "formatting of the dashboard: not looked at, as it is built without npm"
fi

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

[ "${1:-}" != --all ] || rm -rf $build/tidy
if [ "$(uname -m)" = x86_64 ]; then  # whose compiler knows a sibling of 32 bits
  python3 tests/lint/tidy.py $build "$budget" --narrow
  outcome "32 bits" $?
fi
python3 tests/lint/tidy.py $build "$budget"
outcome "clang-tidy" $?

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
