#!/usr/bin/env bash
# tests/fuzz/run.sh: runs libFuzzer over the decoders of foreign bytes; ./dev fuzz builds it and calls this.
set -uo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$here/../..
program=$top/build/dev/bin/spillway-fuzz
found=$top/build/fuzz/found
grown=$top/build/fuzz/corpus

usage() {
  cat <<HELP
usage: ./dev fuzz [--minutes N | --seconds-each N] [--only TARGET]… [--jobs N] [--seed N]

Runs libFuzzer, with AddressSanitizer and UBSan, over every decoder of bytes that somebody else made. A target starts from
tests/fuzz/corpus, from valid samples and from what earlier runs found worth keeping (build/fuzz/corpus). Prints a line a target; what broke one
is left in build/fuzz/found: mend it, and put the input into tests/fuzz/corpus, which every ./dev test replays.

  --minutes N       in all, shared by the targets (60)
  --seconds-each N  of every target, instead
  --only TARGET     that one, or several
  --jobs N          targets at a time (the number of cores)
  --seed N          the same walk each time, from tests/fuzz/corpus and the samples alone: what it finds can be found again

Targets: $(ls "$here/corpus" | paste -sd' ' | fold -sw 110)
HELP
}
die() { echo "fuzz: $*" >&2; exit 1; }
number() { [[ ${2:-} =~ ^[1-9][0-9]{0,5}$ ]] || die "$1 takes a number; see ./dev fuzz --help"; }

minutes=60 each='' jobs=$(nproc) seed='' names=()
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage; exit 0 ;;
    --minutes) number "$@"; minutes=$2; shift 2 ;;
    --seconds-each) number "$@"; each=$2; shift 2 ;;
    --jobs) number "$@"; jobs=$2; shift 2 ;;
    --seed) number "$@"; seed=$2 grown=$top/build/fuzz/seed-$2; rm -rf "$grown"; shift 2 ;;
    --only) [ -d "$here/corpus/${2:-?}" ] || die "there is no target '${2:-}'; see ./dev fuzz --help"; names+=("$2"); shift 2 ;;
    *) die "does not take '$1'; see ./dev fuzz --help" ;;
  esac
done
[ ${#names[@]} -gt 0 ] || for name in "$here"/corpus/*/; do names+=("$(basename "$name")"); done
[ -n "$each" ] || each=$((minutes * 60 * jobs / ${#names[@]}))
[ "$each" -gt 0 ] || each=1
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# The fuzzer's files are many and live short: in memory, where there is a file system for it.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm

run_target() {
  local name=$1 log=$top/build/fuzz/$1.log status runs seconds
  mkdir -p "$found/$name" "$grown/$name"
  seconds=$SECONDS
  SPILLWAY_FUZZ_TARGET=$name SPILLWAY_FUZZ_SEEDS=$grown/$name "$program" ${seed:+-seed="$seed"} -max_total_time="$each" \
    -timeout=10 -max_len=16384 -rss_limit_mb=1500 -print_final_stats=1 \
    -artifact_prefix="$found/$name/" "$grown/$name" "$here/corpus/$name" >"$log" 2>&1
  status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-13s %4s s %9s inputs  %s\n' "$name" "$((SECONDS - seconds))" "${runs:-?}" \
    "$([ $status = 0 ] && echo ok || echo "FAILED: see build/fuzz/$name.log and build/fuzz/found/$name")"
  [ $status = 0 ] || { : >"$results/$name"; show_failure "$name" "$log"; }
}

# Why a target failed, and what broke it when that is small enough to be copied from here.
show_failure() {
  local input
  grep -vE '^(stat::|#[0-9]|[[:space:]]*NEW_FUNC)' "$2" | tail -n 40 | cut -c1-300 | sed "s/^/  $1: /"
  for input in "$found/$1"/*; do
    [ -s "$input" ] && [ "$(stat -c %s "$input")" -le 3000 ] || continue
    echo "  $1: base64 of $(basename "$input"): $(base64 -w0 "$input")"
  done
}

echo "${#names[@]} targets, $each s each, $jobs at a time"
for name in "${names[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
  run_target "$name" &
done
wait
failed=$(ls "$results" | wc -l)
echo "$((${#names[@]} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
