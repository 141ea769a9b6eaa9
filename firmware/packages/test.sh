#!/usr/bin/env bash
# firmware/packages/test.sh: installs this machine's packages in a fresh Debian root, upgrades, removes and purges them there,
# builds a program against libspillway-dev, and lets lintian read them. Prints a line a check; ends with how many failed.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$here/../..
. "$top/toolchains/debian.sh"
packages=$top/build/packages
root=$(mktemp -d)
chmod 755 "$root"
trap 'rm -rf "$root"' EXIT
trap 'exit 130' INT TERM
failed=0
check() {
  local name=$1
  shift
  if "$@" >"$root.log" 2>&1; then echo "ok      $name"; else echo "FAILED  $name"; tail -n 12 "$root.log" >&2; failed=$((failed + 1)); fi
  rm -f "$root.log"
}
inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
newer() {  # the agent's package once more, as a later version
  local tree=$root/newer
  dpkg-deb -R "$agent" "$tree"
  sed -i 's/^Version: .*/&+next/' "$tree/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$tree" "$root/next.deb"
  rm -rf "$tree"
}
runs_a_task() {
  inside setpriv --reuid=spillway --regid=spillway --clear-groups sh -c '
    mkdir -p /tmp/run && printf "[agent]\ndevice = \"pkg-test\"\nstate_dir = \"/var/lib/spillway\"\nsocket = \"/tmp/run/agent.sock\"\n" >/tmp/run/agent.toml
    spillway-agent --config /tmp/run/agent.toml 2>/tmp/run/log & agent=$!
    for _ in $(seq 50); do spillway --socket /tmp/run/agent.sock status >/dev/null 2>&1 && break; sleep 0.2; done
    echo hello >/tmp/run/in
    said=$(spillway --socket /tmp/run/agent.sock submit echo --input /tmp/run/in --wait)
    kill -TERM $agent; wait $agent; [ "$said" = hello ]'
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
cp "$agent" "$cloud" "$torture" "$develop" "$root/"
check "install" inside sh -c 'dpkg -i /spillway-agent_*.deb /spillway-cloud_*.deb /spillway-torture_*.deb /libspillway-dev_*.deb'
check "the agent's user exists" inside getent passwd spillway
mkdir -p "$root/var/lib/spillway"
inside chown spillway:spillway /var/lib/spillway
check "the configuration is right" inside spillway-agent --check --config /etc/spillway/agent.toml
check "the units are right" inside test -f /lib/systemd/system/spillway-agent.service
check "a task runs" runs_a_task
check "the store is there" keeps_store
echo '# mine' >>"$root/etc/spillway/agent.toml"
check "doctor --torture cuts the power under stores" inside spillway doctor --torture 0.1
check "a newer version can be made" newer
check "upgrade" inside dpkg -i /next.deb
check "the upgrade keeps the store" keeps_store
check "the upgrade keeps the configuration" grep -q '# mine' "$root/etc/spillway/agent.toml"
check "a task runs after the upgrade" runs_a_task
check "a program is built with find_package(Spillway)" consumer_builds
check "remove" inside dpkg -r spillway-torture spillway-agent
check "removing keeps the store" keeps_store
check "purge" inside dpkg -P spillway-torture spillway-agent spillway-cloud libspillway-dev
check "purging deletes the store" test ! -e "$root/var/lib/spillway"
check "purging deletes the configuration" test ! -e "$root/etc/spillway/agent.toml"
check "purging deletes the user" sh -c "! chroot '$root' getent passwd spillway"
[ "$failed" = 0 ] || die "$failed checks failed"
