#!/usr/bin/env bash
# tests/firmware/systemd.sh BUILD: the packaged unit under a real systemd, process 1 of namespaces of its own over a copy-on-write
# view of this machine. There is no network, and a clock that is never set: network-online.target and time-sync.target are
# wanted, and never reached. Ends with 77, skipped, where the kernel does not let namespaces be made.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. tests/firmware/checks.sh
build=$(readlink -f "${1:?usage: systemd.sh BUILD}")
lab=$(mktemp -d)
outer='' inner=''
finish() {
  [ -z "$inner" ] || kill -9 "$inner" 2>/dev/null
  [ -z "$outer" ] || wait "$outer" 2>/dev/null
  rm -rf "$lab"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Runs as process 1 and becomes systemd.
cat >"$lab/start" <<'START'
set -e
lab=$1 build=$2 units=$3 root=$1/over/root
mkdir "$lab/over"
mount -t tmpfs tmpfs "$lab/over"
mkdir "$lab/over/changes" "$lab/over/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$lab/over/changes,workdir=$lab/over/work" "$root"
system=$root/etc/systemd/system
rm -rf "$system" "$root/etc/fstab" "$root/var/lib/spillway"
mkdir -p "$system" "$root/etc/spillway"
cp "$build/bin/spillway-agent" "$build/bin/spillway" "$root/usr/bin/"
cp "$units/spillway-agent.service" "$system/"
# Inside such a unit a sanitizer cannot look for leaks.
mkdir "$system/spillway-agent.service.d"
printf '[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n' >"$system/spillway-agent.service.d/sanitizer.conf"
printf '[agent]\ndevice = "unit-test"\nstate_dir = "/var/lib/spillway"\nsocket = "/run/spillway/agent.sock"\n' >"$root/etc/spillway/agent.toml"
grep -q '^spillway:' "$root/etc/group" || echo 'spillway:x:871:' >>"$root/etc/group"
grep -q '^spillway:' "$root/etc/passwd" || echo 'spillway:x:871:871::/var/lib/spillway:/usr/sbin/nologin' >>"$root/etc/passwd"
# Of eight places seven are for users other than root and the agent's own, and four of these for one of them.
printf '[limits]\nclients = 8\n' >>"$root/etc/spillway/agent.toml"
printf '[[command]]\nname = "nap"\nargv = ["/bin/sleep", "1000"]\ntimeout = "1h"\n' >>"$root/etc/spillway/agent.toml"
# Two seconds pass until such a program is killed, and the unit allows one.
printf '[[command]]\nname = "deaf"\nargv = ["/usr/bin/env", "--ignore-signal=TERM", "/bin/sleep", "1000"]\n' >>"$root/etc/spillway/agent.toml"
printf '[Service]\nTimeoutStopSec=1\n' >"$system/spillway-agent.service.d/stop.conf"
for target in network-online time-sync; do
  printf '[Unit]\nDefaultDependencies=no\nBefore=%s.target\n[Service]\nType=oneshot\nTimeoutStartSec=infinity\nExecStart=/bin/sleep infinity\n' \
    $target >"$system/never-$target.service"
  mkdir "$system/$target.target.wants"
  ln -s "../never-$target.service" "$system/$target.target.wants/"
done
printf '[Unit]\nWants=network-online.target time-sync.target spillway-agent.service\n' >"$system/test.target"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/run"
mount --rbind /dev "$root/dev"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
  mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
  mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
fi
cd "$root"
mkdir -p outside
pivot_root . outside
umount -l /outside
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=test.target --show-status=no
START

unshare -m -p -f -u -i -n -C true 2>/dev/null || { echo "skipped: no namespaces can be made here"; exit 77; }
unshare -m -p -f -u -i -n -C --kill-child bash "$lab/start" "$lab" "$build" "$PWD/firmware/systemd" >"$lab/log" 2>&1 &
outer=$!
inside() { nsenter -t "$inner" -m -p -u -i -n -C "$@"; }
find_systemd() {
  inner=$(pgrep -P "$outer") || return 1
  case $(inside systemctl is-system-running 2>/dev/null) in initializing | starting | running | degraded) ;; *) return 1 ;; esac
}
within() {  # SECONDS COMMAND…
  local tenths=$(($1 * 10))
  shift
  until "$@"; do
    tenths=$((tenths - 1))
    [ "$tenths" -gt 0 ] || return 1
    sleep 0.1
  done
}
is() { [ "$(inside systemctl is-active "$1" 2>/dev/null)" = "$2" ]; }
still_waited_for() { is "never-$1.service" activating && is "$1.target" inactive; }
as_user() { local user=$1; shift; inside setpriv --reuid "$user" --regid 871 --clear-groups "$@"; }
# Takes as user 9001 all places that one user may have, for as long as the test lasts. Nobody else of that user asks meanwhile: one of the
# four would be turned away.
take_a_share() {
  as_user 9001 perl -MSocket -e 'for (1 .. 4) {
      my $one;
      socket($one, PF_UNIX, SOCK_STREAM, 0) && connect($one, sockaddr_un("/run/spillway/agent.sock")) || die "$!";
      push @held, $one;
    }
    $| = 1;
    print "held\n";
    sleep 170' >"$lab/share" 2>&1 &
  within 20 grep -q held "$lab/share" && within 20 is_turned_away 9001 || { cat "$lab/share"; return 1; }
}
is_turned_away() { [[ $(as_user "$1" spillway status 2>&1) == *'as one user may have'* ]]; }
# Programs that the first signal ends, without a second try.
programs_run() { [ "$(inside pgrep -c -x sleep -u spillway)" = "$1" ]; }
starts_programs() {
  local i
  for i in 1 2 3 4 5 6 7 8; do inside sh -c 'spillway submit nap --input /etc/hostname --retry 1 >/dev/null' || return; done
  within 30 programs_run 8
}
restarts_with_programs() {
  inside systemctl restart spillway-agent || return
  within 30 programs_run 8 || { inside spillway ls; return 1; }
}
fails_nothing() { [ "$(inside spillway ls --state failed --json | grep -c '"id"')" = 0 ]; }
outlasts_the_unit() {
  inside sh -c 'spillway submit deaf --input /etc/hostname >/dev/null' && within 30 programs_run 9 && stops
}
stops() {
  inside systemctl stop spillway-agent && [ "$(inside systemctl show -P Result spillway-agent)" = success ]
}

within 30 find_systemd || { cat "$lab/log"; echo "skipped: systemd does not start here"; exit 77; }
check systemd_starts_the_agent_without_network_and_time within 60 is spillway-agent.service active
check systemd_still_waits_for_the_network still_waited_for network-online
check systemd_still_waits_for_the_time still_waited_for time-sync
check systemd_s_agent_answers inside spillway status
check systemd_s_agent_runs_a_task inside sh -c 'spillway submit echo --input /etc/hostname --wait >/dev/null'
check systemd_s_agent_has_a_share_for_a_user take_a_share
check systemd_s_agent_still_answers_another_user as_user 9002 spillway status
check systemd_s_agent_runs_programs starts_programs
check systemd_s_agent_has_its_programs_again_when_restarted restarts_with_programs
check systemd_s_restart_fails_no_task fails_nothing
check systemd_waits_for_the_agent_as_long_as_its_grace outlasts_the_unit
sum_up
