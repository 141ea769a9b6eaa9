#!/usr/bin/env bash
# firmware/boot.sh BOARD [--keep]: boots the board's image in QEMU as a device leaves the factory, provisions it, lets it
# enrol, runs a task on the device and one in the cloud, powers it off, and keeps the serial log in build/boot/BOARD.
# Broker, cloud and enrolment run here on loopback, which the device sees as 10.0.2.2.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$here/..
. "$top/toolchains/debian.sh"
. "$here/machine.sh"
board=${1:-qemu-aarch64}
load_board "$board"
host=${SPILLWAY_HOST_BUILD:-$top/build/release}/bin
[ -x "$host/spillway-cloud" ] || die "there is no $host/spillway-cloud; ./dev boot builds it"
lab=$top/build/boot/$board
rm -rf "$lab"
mkdir -p "$lab"
trap stop_all EXIT
trap 'exit 130' INT TERM

start_backend "$lab" "$host"
cat >"$lab/test.sh" <<'TEST'
until spillway status --json | grep -q '"link_up":true'; do sleep 1; done
echo hello >/tmp/in
echo "TASK local: $(spillway submit echo --prefer local --input /tmp/in --wait --wait-timeout 60s)"
echo "TASK cloud: $(spillway submit hash.sha256 --prefer cloud --input /tmp/in --wait --wait-timeout 60s)"
if grep -q board.machine /etc/spillway/agent.toml; then
  echo "TASK program: $(spillway submit board.machine --prefer local --wait --wait-timeout 60s), $(ps | grep -c '[s]leep 1234') left behind"
fi
spillway ls
spillway places
rauc status || true
df -h /data
spillway status --json
echo "PSS kB of the agent: $(awk '/^Pss:/ { print $2 }' /proc/$(pidof spillway-agent)/smaps_rollup)"
echo "RSS kB of the agent: $(awk '/^Rss:/ { print $2 }' /proc/$(pidof spillway-agent)/smaps_rollup)"
echo "KERNEL kB in use: $(free | awk '/^Mem:/ { print $3 }')"
written() { awk '/^write_bytes/ { print $2 }' /proc/$(pidof spillway-agent)/io; }
before=$(written)
for i in $(seq 1000); do spillway submit echo --prefer local --input /tmp/in >/dev/null; done
sleep 2
echo "WRITTEN by the agent for 1,000 tasks submitted one by one: $(($(written) - before)) bytes"
began=$(awk '{ print $1 * 100 }' /proc/uptime)
kill -9 $(pidof spillway-agent)
sleep 0.2
until spillway status >/dev/null 2>&1; do sleep 0.1; done
echo "RESTART of the agent until it answers, with init's second: $(awk -v b="$began" '{ print ($1 * 100 - b) / 100 }' /proc/uptime) s"
TEST
echo "$await_drain" >>"$lab/test.sh"
expect() { grep -q -- "$1" "$lab/serial.log" || { tail -n 40 "$lab/serial.log" >&2; die "the serial log does not say '$1'"; }; }

say "Booting $board: QEMU $machine, $cpu, $memory MiB; serial log in ${lab#"$top/"}/serial.log"
make_disk_of "$board" "$lab/disk.img" 256
started=$(date +%s)
if [ "${fw_cfg:-yes}" = no ]; then
  mcopy -i "$lab/disk.img@@$((512 * $(partx -g -o START -n 1 "$lab/disk.img")))" "$lab/provision.conf" ::spillway.conf
  echo '# end' >>"$lab/test.sh"
  mkfifo "$lab/port.in" "$lab/port.out"
  start_machine "$lab" -chardev pipe,id=test,path="$lab/port" -device virtio-serial-device \
    -device virtserialport,chardev=test,name=spillway.test
  timeout 10 cp "$lab/test.sh" "$lab/port.in"
else
  start_machine "$lab" -fw_cfg name=opt/spillway/provision,file="$lab/provision.conf" -fw_cfg name=opt/spillway/test,file="$lab/test.sh"
fi
send_task "$lab" "$host" "$machine_pid"
wait_for_machine 900
say "It ran $(($(date +%s) - started)) s on this machine's clock."
expect 'TASK local: hello'
expect 'TASK cloud: {"sha256":"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'
! grep -q board.machine "$here/boards/$board/agent.toml" || expect 'TASK program: a[a-z0-9_]*, 0 left behind'
expect 'ASKED by the cloud to drain'
expect 'reboot: Power down'
came=$(task_came_back "$lab") || die "the cloud has no result of the task that it sent"
echo "TASK from the cloud: $came"
grep -aE '^(TASK|ASKED|PSS|RSS|KERNEL|WRITTEN|RESTART|spillway: )|enrol:' "$lab/serial.log"
