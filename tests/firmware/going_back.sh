#!/usr/bin/env bash
# tests/firmware/going_back.sh BUILD: BUILD's spillway-ota takes its agent to one whose store is a migration further, which does
# not get well; then to one that does, and back when asked. Its slots are two files here, RAUC and reboot are scripts;
# firmware/ota/scenario.sh does the same to a whole image.
set -uo pipefail
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
build=$(readlink -f "${1:?usage: going_back.sh BUILD}")
if [ "${2:-}" != apart ]; then
  # The updater reads from the kernel's command line which slot was booted.
  unshare --mount true 2>/dev/null || { echo "skipped: this machine lets nobody mount"; exit 77; }
  exec unshare --mount bash "$0" "$build" apart
fi
. "$top/tests/firmware/checks.sh"
lab=$(mktemp -d) running=()
clean_up() {
  [ ${#running[@]} = 0 ] || kill -9 "${running[@]}" 2>/dev/null
  ! mountpoint -q /proc/cmdline || umount /proc/cmdline
  rm -rf "$lab"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
mkdir "$lab/bin" "$lab/ota" "$lab/state"
cat >"$lab/bin/rauc" <<RAUC
#!/bin/sh
cd "$lab"
case "\$(cat booted)" in A) other=B ;; *) other=A ;; esac
case "\$*" in
  install*) cp "\$2" "slot.\$other" && echo "\$other" >next ;;
  'status mark-active other') echo "\$other" >next ;;
  'status mark-good') ;;
  *) exit 1 ;;
esac
RAUC
printf '#!/bin/sh\ntouch "%s/rebooting"\n' "$lab" >"$lab/bin/reboot"
chmod +x "$lab"/bin/*
slot() { printf '%s\n' "$build/bin/$1" "$lab/$2.sock"; }  # AGENT SOCKET: a version, as it lies in a slot or a bundle
slot spillway-agent agent >"$lab/slot.A"
slot spillway-agent-next agent >"$lab/further"
slot spillway-agent-next nowhere >"$lab/further-sick"
echo A >"$lab/next"

boot() {
  local version
  cp "$lab/next" "$lab/booted"
  mapfile -t version <"$lab/slot.$(cat "$lab/booted")"
  echo "quiet rauc.slot=$(cat "$lab/booted")" >"$lab/cmdline"
  rm -f "$lab/rebooting" "$lab/good"
  printf '[agent]\ndevice = "pump-7"\nstate_dir = "%s"\nsocket = "%s"\ngrace = "2s"\n' "$lab/state" "${version[1]}" >"$lab/agent.toml"
  "${version[0]}" --config "$lab/agent.toml" >>"$lab/log" 2>&1 &
  running=($!)
  PATH="$lab/bin:$PATH" "$build/bin/spillway-ota" --state-dir "$lab/ota" --socket "$lab/agent.sock" --good-file "$lab/good" \
    --healthy-within 30 --offline-grace 1 >>"$lab/log" 2>&1 &
  running+=($!)
}
halt() {
  kill -TERM "${running[0]}"
  kill -9 "${running[1]}"
  wait "${running[@]}" 2>/dev/null
}
ask() { "$build/bin/spillway" "$@" --socket "$lab/agent.sock"; }
ota() { "$build/bin/spillway" ota "$@" --ota-dir "$lab/ota"; }
waiting() { ask ls --state waiting --json | grep -o '"id":' | wc -l; }
accept() { ask submit echo --not-before 300d --retention 300d && ask submit echo --input "$lab/$1" --wait && echo "$1" >>"$lab/done"; }

# comes_to PHASE SLOT: through as many restarts as it asks for; known to be good then, where it has to be.
comes_to() {
  local until=$((SECONDS + 120))
  while [ $SECONDS -lt $until ]; do
    [ ! -e "$lab/rebooting" ] || { halt; boot; }
    if [ "$(cat "$lab/booted")" = "$2" ] && [ -e "$lab/good" ] && [[ $(ota status) == "$1"* ]]; then return; fi
    sleep 0.2
  done
  ota status
  cat "$lab/log"
  return 1
}
keeps_tasks() {  # HOW-MANY: that wait; what was done is known as well
  [ "$(waiting)" = "$1" ] && [ "$(ask ls --state succeeded --json | grep -o '"kind":"echo"' | wc -l)" -ge "$(wc -l <"$lab/done")" ] &&
    ! grep -q damaged "$lab/log"
}
schema_is_further() { [ "$(od -An -tu1 -j62 -N2 "$lab/state/agent.db" | awk '{ print $1 * 256 + $2 }')" = 9001 ]; }
step() {  # NAME COMMAND…: in this shell, whose processes it may replace
  local name=$1
  shift
  if "$@" >"$lab/said" 2>&1; then check "$name" true; else check "$name" eval "cat '$lab/said'; false"; fi
}

for name in first second third; do echo "$name" >"$lab/$name"; done
touch "$lab/cmdline"
mount --bind "$lab/cmdline" /proc/cmdline || { echo "skipped: this machine lets nobody mount"; exit 77; }
boot
step a_device_begins comes_to idle A
step it_accepts_tasks accept first
step one_that_migrates_and_does_not_get_well_is_asked_for ota install "$lab/further-sick"
step the_older_version_comes_back comes_to rolled_back A
step on_a_store_that_was_migrated schema_is_further
step P1_with_every_task keeps_tasks 1
step and_takes_more accept second
step one_that_migrates_and_gets_well_is_asked_for ota install "$lab/further"
step it_stays comes_to good B
step P1_so_does_every_task keeps_tasks 2
step it_takes_more accept third
step it_is_asked_to_go_back ota rollback
step the_older_version_is_back comes_to good A
step on_a_store_that_is_still_further schema_is_further
step P1_with_every_task_of_both keeps_tasks 3
halt
sum_up
