#!/usr/bin/env bash
# firmware/ota/scenario.sh BOARD [POINT…]: cuts the power of a device (kill -9 of QEMU) while it updates, at each point
# below, and gives it bundles that must not be installed, versions that do not get well, and one whose store is a migration
# further. After each the device has to run one of the good versions, known to be good, with every task it had accepted.
# Prints a table; build/scenario/BOARD keeps the serial logs.
set -euo pipefail
ota=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
here=$ota/.. top=$ota/../..
. "$top/toolchains/debian.sh"
. "$here/machine.sh"
board=${1:-qemu-aarch64}
[ $# -eq 0 ] || shift
load_board "$board"
host=${SPILLWAY_HOST_BUILD:-$top/build/release}/bin
lab=$top/build/scenario/$board
mkdir -p "$lab/www"
trap stop_all EXIT
trap 'exit 130' INT TERM
# Three starts of a version that hangs, each until the watchdog bites, are the longest of all.
patience=${SCENARIO_PATIENCE:-900}

# name | bundle | cut after this line of the serial log | and so long after, s, or when so much more was written | expected version
points="downloading|good|ota: downloading|0.4|either
draining|good|ota: draining|0|either
installing|good|ota: installing|0.2|either
writing|good|ota: installing|4MiB|either
written|good|ota: installing|16MiB|either
rebooting|good|ota: rebooting|0|either
choosing|good|Spillway: slot B|0|either
starting|good|Spillway: slot B|4|either
checking|good|ota: checking|0|either
marking|good|ota: checking|3|either
marked|good|ota: good|0|new
uncut|good|-|0|new
by-operator|good|-|0|new
stranger|stranger|-|0|old
tampered|tampered|-|0|old
wrong-board|other|-|0|old
too-big|big|-|0|old
little-room|good|-|0|old
full-disk|good|No space left on device|3|old
sick|sick|-|0|old
hanging|hang|-|0|old
further|further|-|0|further
further-and-back|further|-|0|old
further-sick|further-sick|-|0|old"

bundles() {
  local last=$lab/www/hang.raucb
  [ ! -e "$last" ] || [ -n "$(find "$top/build/$arch/bin"/spillway{,-agent,-agent-next,-ota} "$here/image" "$here/boards/$board" -newer "$last" -print -quit)" ] ||
    return 0
  rm -f "$lab/base.img" "$last"
  say "Making the bundles: a good new version, one that never gets well, one that hangs, two a migration further, four to refuse"
  local build=$here/image/build.sh images=$top/build/image/$board
  "$build" "$board" --version 1.0 >&2
  cp --sparse=always "$images/disk.img" "$lab/old.img"
  "$build" "$board" --root-only --version 2.0-sick --break health >&2
  "$ota/bundle.sh" "$board" "$lab/www/sick.raucb" >&2
  "$build" "$board" --root-only --version 2.0-hang --break boot >&2
  "$ota/bundle.sh" "$board" "$lab/www/hang.raucb.new" >&2
  "$build" "$board" --root-only --version 3.0 --agent spillway-agent-next >&2
  "$ota/bundle.sh" "$board" "$lab/www/further.raucb" >&2
  "$build" "$board" --root-only --version 3.0-sick --agent spillway-agent-next --break reach >&2
  "$ota/bundle.sh" "$board" "$lab/www/further-sick.raucb" >&2
  "$build" "$board" --root-only --version 2.0 >&2
  "$ota/bundle.sh" "$board" "$lab/www/good.raucb" >&2
  "$ota/bundle.sh" "$board" --signer stranger "$lab/www/stranger.raucb" >&2
  "$ota/bundle.sh" "$board" --compatible spillway-toaster "$lab/www/other.raucb" >&2
  cp "$lab/www/good.raucb" "$lab/www/tampered.raucb"
  printf 'spillway' | dd of="$lab/www/tampered.raucb" bs=1 seek=5000000 conv=notrunc status=none
  truncate -s 400M "$lab/www/big.raucb"
  mv "$lab/www/hang.raucb.new" "$lab/www/hang.raucb"
}

# What runs on the device at every start: five tasks that wait, once; the request, once; then a line every two seconds.
# A version to go back from takes one more task first.
device_script() {  # URL MIB-LEFT BACK-FROM: the disk is filled up to MIB-LEFT before the request
  cat <<SCRIPT
if [ ! -e /data/seeded ]; then
  for i in 1 2 3 4 5; do spillway submit echo --not-before 300d --retention 300d >/dev/null; done
  touch /data/seeded
fi
if [ "\$(cat /etc/spillway/version)" = "$3" ]; then
  until [ -e /run/spillway-good ]; do sleep 1; done
  spillway submit echo --not-before 300d --retention 300d >/dev/null
  spillway ota rollback
  sleep 2147483647
fi
if [ -n "$1" ] && [ ! -e /data/asked ]; then
  until [ -e /run/spillway-good ]; do sleep 1; done
  touch /data/asked
  if [ -n "$2" ]; then
    dd if=/dev/zero of=/data/filler bs=64k 2>/dev/null
    [ "$2" = 0 ] || dd if=/dev/null of=/data/filler bs=1M seek=\$((\$(stat -c %s /data/filler) / 1048576 - $2)) 2>/dev/null
  fi
  sync
  df /data
  spillway ota install "$1" || echo "LAB refused"
fi
while :; do
  good=no; [ ! -e /run/spillway-good ] || good=yes
  echo "LAB version=\$(cat /etc/spillway/version) good=\$good tasks=\$(spillway ls --state waiting --json | grep -o '"id":' | wc -l) schema=\$(od -An -tu1 -j62 -N2 /data/spillway/agent.db | awk '{ print \$1 * 256 + \$2 }') ota=\$(spillway ota status | tr ' ' _)"
  sleep 2
done
SCRIPT
}

boot_device() {  # DIRECTORY URL MIB-LEFT BACK-FROM
  device_script "$2" "$3" "$4" >"$1/test.sh"
  start_machine "$1" -fw_cfg name=opt/spillway/provision,file="$lab/provision.conf" -fw_cfg name=opt/spillway/test,file="$1/test.sh"
}
cut_power() { kill -9 "$machine_pid"; wait "$machine_pid" 2>/dev/null || true; echo "=== power cut ===" >>"$1/serial.log"; }

wait_for_line() {  # FILE FROM-BYTE PATTERN SECONDS
  local tenths=$(($4 * 5))
  until tail -c +"$(($2 + 1))" "$1" 2>/dev/null | grep -qE -- "$3"; do
    tenths=$((tenths - 1))
    [ "$tenths" -gt 0 ] && kill -0 "$machine_pid" 2>/dev/null || return 1
    sleep 0.2
  done
}

# Until the image on the host has grown by so much: the slot that is written was never written before.
wait_for_growth() {  # FILE MIB SECONDS
  local hundredths=$(($3 * 50)) enough
  enough=$(($(stat -c %b "$1") + $2 * 2048))
  until [ "$(stat -c %b "$1")" -ge "$enough" ]; do
    hundredths=$((hundredths - 1))
    [ "$hundredths" -gt 0 ] || return 1
    sleep 0.02
  done
}
let_pass() {  # DIRECTORY DELAY
  case $2 in
    *MiB) wait_for_growth "$1/disk.img" "${2%MiB}" 60 && ! grep -qa 'ota: rebooting' "$1/serial.log" ;;
    *) sleep "$2" ;;
  esac
}

# A device that was installed, enrolled, marked good, and has accepted five tasks: where each point begins.
base_device() {
  [ ! -e "$lab/base.img" ] || return 0
  say "Starting the device for the first time"
  mkdir -p "$lab/base"
  rm -f "$lab/base/serial.log"
  cp --sparse=always "$lab/old.img" "$lab/base/disk.img"
  truncate -s 256M "$lab/base/disk.img"
  boot_device "$lab/base" "" "" ""
  wait_for_line "$lab/base/serial.log" 0 'LAB version=1.0 good=yes tasks=5' "$patience" || die "the first start failed; see $lab/base/serial.log"
  sleep 2
  cut_power "$lab/base"
  mv "$lab/base/disk.img" "$lab/base.img"
}

# Asks as an operator of the cloud, who hears how it goes.
ask_by_cloud() {  # DIRECTORY BUNDLE
  operate "$lab" "$host" "$machine_pid" &&
    wait_for_line "$1/serial.log" 0 'LAB version=1.0 good=yes' "$patience" &&
    "${operator[@]}" device update --online --url "https://10.0.2.2:$http_port/$2.raucb" \
      --sha256 "$(sha256sum "$lab/www/$2.raucb" | cut -d' ' -f1)" >"$1/operator.log"
}
cloud_heard_of() {  # DIRECTORY
  local tries device
  device=$("${operator[@]}" device list -o csv | sed -n '2s/,.*//p')
  for tries in $(seq 30); do
    "${operator[@]}" device show "$device" -o json >"$1/device.json"
    ! grep -q '"phase" *: *"good"' "$1/device.json" || return 0
    sleep 1
  done
  return 1
}

run_point() {  # NAME BUNDLE LINE DELAY EXPECTED
  local name=$1 dir=$lab/$1 from=0 fill='' back='' rest='good|failed|rolled_back' verdict=ok tasks=5 schema='[0-9]*' started last version
  # Where nothing can be written, nothing can be asked for either, or not even begun.
  case $name in full-disk) fill=0 rest='idle|failed' ;; little-room) fill=8 ;; further-and-back) back=3.0 tasks=6 ;; esac
  # A device that comes back leaves a store as the newer version made it. While that version runs, its log alone says so.
  case $name in further-*) schema=9001 ;; esac
  rm -rf "$dir"
  mkdir -p "$dir"
  cp --sparse=always "$lab/base.img" "$dir/disk.img"
  started=$(date +%s)
  if [ "$name" = by-operator ]; then
    boot_device "$dir" "" "" ""
    ask_by_cloud "$dir" "$2" || verdict="could not be asked for by the cloud"
    wait_for_line "$dir/serial.log" 0 'LAB version=2.0' "$patience" || verdict="never came to the new version"
  else
    boot_device "$dir" "https://10.0.2.2:$http_port/$2.raucb" "$fill" "$back"
  fi
  if [ "$3" != - ]; then
    if ! wait_for_line "$dir/serial.log" 0 "$3" "$patience"; then
      verdict="never came to '$3'"
    elif ! let_pass "$dir" "$4"; then
      verdict="was not cut in time"
    fi
    cut_power "$dir"
    from=$(stat -c %s "$dir/serial.log")
    boot_device "$dir" "" "" ""
  fi
  wait_for_line "$dir/serial.log" "$from" 'LAB version=[0-9.]* good=yes tasks=[0-9]* schema=[0-9]* ota=('"$rest)" "$patience" ||
    verdict="not at rest after $patience s"
  [ "$name" != by-operator ] || cloud_heard_of "$dir" || verdict="the cloud did not hear of it"
  last=$(tail -c +"$((from + 1))" "$dir/serial.log" | grep -a '^LAB' | tail -n 1 | tr -d '\r')
  cut_power "$dir"
  version=$(sed -n 's/.*version=\([^ ]*\).*/\1/p' <<<"$last")
  [[ $last =~ \ good=yes\ tasks=$tasks\ schema=$schema\  ]] || verdict="${verdict/#ok/lost something}: $last"
  case $5:$version in either:1.0 | either:2.0 | old:1.0 | new:2.0 | further:3.0) ;; *) verdict="${verdict/#ok/wrong version}: $last" ;; esac
  printf '| %s | %s | %s | %s | %s s | %s |\n' "$name" "$2" "${version:-?}" "$(sed 's/.*ota=//; s/_/ /g' <<<"$last")" \
    "$(($(date +%s) - started))" "$verdict"
  rm -f "$dir/disk.img"
  [ "$verdict" = ok ]
}

bundles
start_backend "$lab" "$host"
base_device
failed=0
printf '| point | bundle | runs then | update | took | verdict |\n|---|---|---|---|---|---|\n'
while IFS='|' read -r name bundle line delay expected; do
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  run_point "$name" "$bundle" "$line" "$delay" "$expected" || failed=$((failed + 1))
done <<<"$points"
[ "$failed" = 0 ] || die "$failed points failed"
