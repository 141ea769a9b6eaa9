# Sourced. Checks that are counted in the words of CppUTest, which ./dev test reads.
ran=0 failed=0
started=$(date +%s%3N)

check() {  # NAME COMMAND…
  local name=$1 said
  shift
  ran=$((ran + 1))
  if said=$("$@" 2>&1); then
    echo "TEST(Firmware, $name) - 0 ms"
  else
    failed=$((failed + 1))
    printf 'TEST(Firmware, %s)\nerror: Failure in TEST(Firmware, %s)\n%s\n' "$name" "$name" "$said"
  fi
}

# The last line, and the script's exit status.
sum_up() {
  local took=$(($(date +%s%3N) - started))
  if [ "$failed" = 0 ]; then
    echo "OK ($ran tests, $ran ran, $ran checks, 0 ignored, 0 filtered out, $took ms)"
  else
    echo "Errors ($failed failures, $ran tests, $ran ran, $ran checks, 0 ignored, 0 filtered out, $took ms)"
    return 1
  fi
}
