#!/usr/bin/env bash
# firmware/packages/test.sh [BUILD]: installs this machine's packages in a fresh Debian root, upgrades, removes and purges them
# there, goes to a version whose stores are one migration further (BUILD's spillway-agent-next) and back, builds a program
# against libspillway-dev, and lets lintian read them. Prints a line a check; ends with how many failed.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$here/../..
. "$top/toolchains/debian.sh"
packages=${SPILLWAY_PACKAGES:-$top/build/packages} next=${1:-$top/build/release}/bin/spillway-agent-next
root=$(mktemp -d)
chmod 755 "$root"
clean_up() {
  ! mountpoint -q "$root/proc" || umount "$root/proc" || return
  rm -rf "$root"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
failed=0
check() {
  local name=$1
  shift
  if "$@" >"$root.log" 2>&1; then echo "ok      $name"; else echo "FAILED  $name"; tail -n 12 "$root.log" >&2; failed=$((failed + 1)); fi
  rm -f "$root.log"
}
inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
newer() {  # NAME [PROGRAM]: the agent's package once more, as a later version, perhaps with another agent in it
  local tree=$root/newer
  dpkg-deb -R "$agent" "$tree" &&
    sed -i "s/^Version: .*/&+$1/" "$tree/DEBIAN/control" &&
    { [ -z "${2:-}" ] || strip -o "$tree/usr/bin/spillway-agent" "$2"; } &&
    dpkg-deb --root-owner-group -b "$tree" "$root/$1.deb"
  local status=$?
  rm -rf "$tree"
  return $status
}
beside_agent() {  # SCRIPT: as the agent's user, while the agent runs; `ask` speaks to it
  inside setpriv --reuid=spillway --regid=spillway --clear-groups sh -c '
    mkdir -p /tmp/run && printf "[agent]\ndevice = \"pkg-test\"\nstate_dir = \"/var/lib/spillway\"\nsocket = \"/tmp/run/agent.sock\"\n" >/tmp/run/agent.toml
    spillway-agent --config /tmp/run/agent.toml 2>/tmp/run/log & agent=$!
    trap "kill -9 $agent 2>/dev/null || true" EXIT
    ask() { spillway --socket /tmp/run/agent.sock "$@"; }
    for _ in $(seq 50); do ask status >/dev/null 2>&1 && break; sleep 0.2; done
    set -e
    '"$1"'
    kill -TERM $agent; wait $agent'
}
runs_a_task() { beside_agent 'echo hello >/tmp/run/in; said=$(ask submit echo --input /tmp/run/in --wait); [ "$said" = hello ]'; }
# Submits a task that waits and one that is done, both named in files; keeps_tasks: all that was ever accepted is as it was.
accepts_tasks() {
  beside_agent "echo $1 >/tmp/run/in
    ask submit echo --input /tmp/run/in --not-before 300d --retention 300d >>/tmp/run/waiting
    id=\$(ask submit echo --input /tmp/run/in) && ask wait \$id >/dev/null && echo \$id $1 >>/tmp/run/done"
}
keeps_tasks() {
  beside_agent 'while read -r id; do ask show "$id" --json | grep -Eq "\"state\": *\"waiting\""; done </tmp/run/waiting
    while read -r id value; do [ "$(ask wait "$id" </dev/null)" = "$value" ]; done </tmp/run/done
    ! grep -q damaged /tmp/run/log'
}
schema_is() { [ "$(od -An -tu1 -j62 -N2 "$root/var/lib/spillway/agent.db" | awk '{ print $1 * 256 + $2 }')" = "$1" ]; }
goes_to() {  # DEB NAME: with every task, and takes more
  inside dpkg -i "/$1" && keeps_tasks && accepts_tasks "$2" && keeps_tasks
}
keeps_store() { [ -s "$root/var/lib/spillway/agent.db" ]; }
consumer_builds() {
  mkdir -p "$root/src"
  cp "$here/consumer/"* "$root/src/"
  inside sh -c 'cmake -S /src -B /src/build -DCMAKE_BUILD_TYPE=Debug && cmake --build /src/build && /src/build/consumer'
}

agent=$(echo "$packages"/spillway-agent_*_amd64.deb) cloud=$(echo "$packages"/spillway-cloud_*_amd64.deb)
develop=$(echo "$packages"/libspillway-dev_*_amd64.deb) torture=$(echo "$packages"/spillway-torture_*_amd64.deb)
[ -f "$agent" ] && [ -f "$cloud" ] && [ -f "$torture" ] && [ -f "$develop" ] || die "there are no packages for amd64; ./dev package makes them"
for deb in "$packages"/*.deb; do check "lintian has no error: ${deb##*/}" lintian --allow-root --fail-on error --suppress-tags no-manual-page "$deb"; done
needs=$(for deb in "$agent" "$cloud" "$torture" "$develop"; do dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/(.*//; s/ //g'; done | grep -v '^spillway-' | sort -u | paste -sd,)
say "Making a fresh root"
debian_sources deb | mmdebstrap --quiet --variant=minbase --include="$needs,g++,cmake,make,pkg-config" '' "$root" - 2>/dev/null
mount -t proc proc "$root/proc" || die "cannot mount /proc in the fresh root"
cp "$agent" "$cloud" "$torture" "$develop" "$root/"
check "install" inside sh -c 'dpkg -i /spillway-agent_*.deb /spillway-cloud_*.deb /spillway-torture_*.deb /libspillway-dev_*.deb'
check "the agent's user exists" inside getent passwd spillway
mkdir -p "$root/var/lib/spillway"
inside chown spillway:spillway /var/lib/spillway
check "the configuration is right" inside spillway-agent --check --config /etc/spillway/agent.toml
check "the units are right" inside test -f /lib/systemd/system/spillway-agent.service
check "spwctl answers" inside sh -c 'spwctl --version && spwctl --help'
check "spillway-fleetsim answers" inside sh -c 'spillway-fleetsim --version && spillway-fleetsim --help'
check "spillway-fleetsim has a manual page" inside test -s /usr/share/man/man1/spillway-fleetsim.1.gz
check "spwctl has a manual page" inside test -s /usr/share/man/man1/spwctl.1.gz
check "spwctl's commands are completed" inside bash -c '. /usr/share/bash-completion/completions/spwctl && complete -p spwctl'
check "a task runs" runs_a_task
check "the store is there" keeps_store
echo '# mine' >>"$root/etc/spillway/agent.toml"
check "doctor --torture cuts the power under stores" inside spillway doctor --torture 0.1
check "a newer version can be made" newer next
check "upgrade" inside dpkg -i /next.deb
check "the upgrade keeps the store" keeps_store
check "the upgrade keeps the configuration" grep -q '# mine' "$root/etc/spillway/agent.toml"
check "a task runs after the upgrade" runs_a_task
older=/$(basename "$agent")
check "a version one migration ahead can be made" newer further "$next"
check "tasks are accepted" accepts_tasks before
check "every task goes to a version one migration ahead" goes_to further.deb ahead
check "its store is one migration ahead" schema_is 9001
check "every task comes back to the older version" goes_to "$older" back
check "which leaves the store as it found it" schema_is 9001
check "and goes there again" goes_to further.deb again
check "and comes back again" goes_to "$older" last
check "a program is built with find_package(Spillway)" consumer_builds
check "remove" inside dpkg -r spillway-torture spillway-agent
check "removing keeps the store" keeps_store
check "purge" inside dpkg -P spillway-torture spillway-agent spillway-cloud libspillway-dev
check "purging deletes the store" test ! -e "$root/var/lib/spillway"
check "purging deletes the configuration" test ! -e "$root/etc/spillway/agent.toml"
check "purging deletes the user" sh -c "! chroot '$root' getent passwd spillway"
[ "$failed" = 0 ] || die "$failed checks failed"
