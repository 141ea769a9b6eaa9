#!/usr/bin/env bash
# firmware/packages/build.sh ARCH BUILD [PART…]: makes spillway-agent, spillway-cloud, spillway-torture and libspillway-dev (or
# those of the parts agent, cloud, torture and development that are named) for aarch64, armhf or amd64 out of the programs in
# BUILD, into build/packages or $SPILLWAY_PACKAGES, each with an SPDX list of what it stands on.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$here/../..
. "$top/toolchains/debian.sh"
arch=${1:?usage: build.sh aarch64|armhf|amd64 BUILD}
build=$(readlink -f "${2:?usage: build.sh ARCH BUILD [PART…]}")
shift 2
[ $# -gt 0 ] || set -- agent cloud torture development
name_target "$arch"
version=$(sed -n 's/^project(spillway VERSION \([^ ]*\).*/\1/p' "$top/CMakeLists.txt")
export SOURCE_DATE_EPOCH
[ -n "${SOURCE_DATE_EPOCH:-}" ] || SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct 2>/dev/null || echo 1700000000)
out=${SPILLWAY_PACKAGES:-$top/build/packages}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$out"
chmod 755 "$work"
umask 022
sysroot='' facts=$work/facts
if [ "$arch" = amd64 ]; then
  dpkg-query -W -f='${Package}\t${Version}\t${source:Package}\t${source:Version}\t${Architecture}\n' >"$facts"
else
  sysroot=$top/build/sysroot/$arch
  cp "$sysroot/.packages" "$facts"
fi
strip=$triple-strip
command -v "$strip" >/dev/null || strip=strip

# library_packages FILE…: the packages of the shared libraries these programs name, with the versions that are here.
# dpkg-shlibdeps cannot look into a sysroot whose packages were never installed; the package lists in it can be read.
library_packages() {
  local library package
  for library in $(readelf -d "$@" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u); do
    case $library in ld-linux*) continue ;; esac
    package=$(owner_of "$library")
    [ -n "$package" ] || die "$library belongs to no package known here"
    printf '%s (>= %s)\n' "$package" "$(version_of "$package" | sed 's/-[^-]*$//; s/+.*//')"
  done | sort -u | paste -sd, | sed 's/,/, /g'
}
# Of this machine's database, or of what the sysroot was unpacked from.
owner_of() {
  # A link is listed with what it leads to; a -dev package's links lead to libraries of others.
  if [ -n "$sysroot" ]; then
    awk -F'\t' -v file="$1" '($1 == file || index($1, file " ") == 1) && $2 !~ /-dev$/ { print $2; exit }' "$sysroot/.libraries"
  else dpkg-query -S "*/$triple/$1" | sed 's/[:,].*//' | head -n 1; fi
}
version_of() { awk -F'\t' -v name="$1" '$1 == name { print $2; exit }' "$facts"; }

# document PACKAGE: what every package carries.
document() {
  local doc=$work/$1/usr/share/doc/$1
  mkdir -p "$doc"
  {
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: spillway\n\n'
    printf 'Files: *\nCopyright: Spillway contributors\nLicense: Apache-2.0\n On Debian systems, see /usr/share/common-licenses/Apache-2.0.\n'
  } >"$doc/copyright"
  printf 'spillway (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md of this version.\n\n -- %s  %s\n' "$version" \
    "Spillway maintainers <spillway@packages.invalid>" "$(date -uRd "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.gz"
}

# pack PACKAGE SECTION DEPENDS DESCRIPTION: control and scripts, then the archive; the same bytes every time.
pack() {
  local name=$1 root=$work/$1 file
  mkdir -p "$root/DEBIAN"
  document "$name"
  "$here/sbom.sh" "$name" "$version" "$debian" "$SOURCE_DATE_EPOCH" "$facts" "$3" >"$root/usr/share/doc/$name/$name.spdx.json"
  for file in preinst postinst prerm postrm; do
    [ ! -e "$here/$name.$file" ] || install -m 755 "$here/$name.$file" "$root/DEBIAN/$file"
  done
  if [ -d "$root/etc" ]; then (cd "$root" && find etc -type f -printf '/%p\n' | LC_ALL=C sort) >"$root/DEBIAN/conffiles"; fi
  cat >"$root/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $debian
Maintainer: Spillway maintainers <spillway@packages.invalid>
Section: $2
Priority: optional
Installed-Size: $(du -sk --apparent-size "$root" | cut -f1)
Depends: $3
${recommends:+Recommends: $recommends
}Description: $4
CONTROL
  (cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | LC_ALL=C sort | xargs md5sum) >"$root/DEBIAN/md5sums"
  find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${name}_${version}_$debian.deb" >/dev/null
  printf '%10d  %s\n' "$(stat -c %s "$out/${name}_${version}_$debian.deb")" "${name}_${version}_$debian.deb"
}

take() {  # PROGRAM ROOT
  mkdir -p "$2/usr/bin"
  "$strip" -o "$2/usr/bin/$1" --remove-section=.comment --remove-section=.note "$build/bin/$1"
  chmod 755 "$2/usr/bin/$1"
}
manual() {  # SECTION PROGRAM ROOT TITLE: its --help as a page, which says the same as the program does
  local runner=()
  [ -z "$emulator" ] || runner=("$emulator" -L "$sysroot")
  mkdir -p "$3/usr/share/man/man$1"
  {
    printf '.TH %s %s "%s" "Spillway %s"\n.SH NAME\n%s \\- %s\n.SH USAGE\n.nf\n' "${2^^}" "$1" \
      "$(date -ud "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)" "$version" "$2" "$4"
    "${runner[@]}" "$build/bin/$2" --help | sed 's/\\/\\\\/g; s/-/\\-/g; s/^[.'"'"']/\\\&&/'
    printf '.fi\n'
  } | gzip -9n >"$3/usr/share/man/man$1/$2.$1.gz"
}

completion() {  # PROGRAM ROOT: as it writes it itself
  local runner=()
  [ -z "$emulator" ] || runner=("$emulator" -L "$sysroot")
  mkdir -p "$2/usr/share/bash-completion/completions"
  "${runner[@]}" "$build/bin/$1" completion bash >"$2/usr/share/bash-completion/completions/$1"
}

agent() {
  local root=$work/spillway-agent
  mkdir -p "$root/etc/spillway" "$root/usr/lib/systemd/system" "$root/usr/lib/tmpfiles.d"
  take spillway-agent "$root"; take spillway "$root"; take spillway-ota "$root"
  install -m 644 "$top/agent/config/agent.toml" "$root/etc/spillway/agent.toml"
  mkdir -p "$root/lib/systemd"
  rmdir "$root/usr/lib/systemd/system" "$root/usr/lib/systemd"
  mkdir -p "$root/lib/systemd/system"
  install -m 644 "$here/../systemd/spillway-agent.service" "$here/../systemd/spillway-ota.service" "$root/lib/systemd/system/"
  printf 'd /run/spillway 0755 spillway spillway -\nd /var/lib/spillway-ota 0755 root root -\nd /var/lib/spillway-ota/inbox 0750 spillway spillway -\n' \
    >"$root/usr/lib/tmpfiles.d/spillway-agent.conf"
  completion spillway "$root"
  manual 8 spillway-agent "$root" 'accepts tasks on this device, runs them here or in the cloud'
  manual 8 spillway-ota "$root" 'installs firmware, and marks it good when it is'
  manual 1 spillway "$root" 'speaks to the agent on this device'
  local needs
  needs=$(library_packages "$root"/usr/bin/*)
  recommends="rauc, curl" pack spillway-agent net "$needs, adduser" \
    "edge-to-cloud execution agent
 Runs tasks on this device, spills what would finish sooner elsewhere over MQTT
 to a cloud aggregator, and keeps every accepted task on disk."
}

cloud() {
  local root=$work/spillway-cloud
  mkdir -p "$root/etc/spillway-cloud" "$root/lib/systemd/system"
  take spillway-cloud "$root"; take spwctl "$root"
  install -m 644 "$top/cloud/config/cloud.toml" "$root/etc/spillway-cloud/cloud.toml"
  install -D -m 644 -t "$root/etc/spillway-cloud/broker" "$top"/cloud/config/broker/{mosquitto.conf,access.acl,ejabberd.yml}
  install -m 644 "$here/../systemd/spillway-cloud.service" "$root/lib/systemd/system/"
  completion spwctl "$root"
  manual 8 spillway-cloud "$root" 'takes what devices offer, runs it, and answers until they have it'
  manual 1 spwctl "$root" 'watches and operates a fleet'
  local needs
  needs=$(library_packages "$root"/usr/bin/*)
  recommends="mosquitto" pack spillway-cloud net "$needs, adduser" \
    "edge-to-cloud execution aggregator
 Runs what the agents of a fleet of devices offer, and keeps a durable record of
 what it accepted and answered. spwctl watches and operates the fleet."
}

torture() {
  local root=$work/spillway-torture lib=$work/spillway-torture/usr/lib/spillway file
  mkdir -p "$lib"
  for file in spillway-torture libspillway-faults.so; do
    "$strip" -o "$lib/$file" --remove-section=.comment --remove-section=.note "$build/bin/$file"
  done
  chmod 755 "$lib/spillway-torture"
  chmod 644 "$lib/libspillway-faults.so"
  local needs
  needs=$(library_packages "$lib/spillway-torture")
  recommends="spillway-cloud, mosquitto, nftables, e2fsprogs" pack spillway-torture net "$needs, spillway-agent (>= $version)" \
    "edge-to-cloud execution agent, tormented
 What spillway doctor --torture runs: cuts the power under stores on this disk,
 and kills, starves and cuts off a fleet of its own, to see what it promises."
}

development() {
  local root=$work/libspillway-dev lib=$work/libspillway-dev/usr/lib/$triple
  mkdir -p "$root/usr/include" "$root/usr/share/spillway/schemas" "$lib/cmake/Spillway"
  cp -r "$top/common/include/spillway" "$root/usr/include/"
  cp -r "$top/agent/include/spillway/." "$root/usr/include/spillway/"
  install -m 644 "$top"/common/wire/*.fbs "$root/usr/share/spillway/schemas/"
  # One archive of the agent's parts, in the order of no importance that an index allows.
  { echo "create $lib/libspillway.a"
    find "$build/agent" "$build/common" -name 'libspillway_*.a' ! -name 'libspillway_cli.a' ! -name 'libspillway_ota.a' | LC_ALL=C sort | sed 's/^/addlib /'
    printf 'save\nend\n'; } | "${triple}-ar" -M
  "${strip}" --strip-debug -D "$lib/libspillway.a"
  sed "s/@VERSION@/$version/" "$here/SpillwayConfig.cmake.in" >"$lib/cmake/Spillway/SpillwayConfig.cmake"
  printf 'set(PACKAGE_VERSION %s)\nif(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)\n  set(PACKAGE_VERSION_COMPATIBLE FALSE)\nelse()\n  set(PACKAGE_VERSION_COMPATIBLE TRUE)\nendif()\n' \
    "$version" >"$lib/cmake/Spillway/SpillwayConfigVersion.cmake"
  find "$root" -type f -exec chmod 644 {} +
  recommends="" pack libspillway-dev libdevel "libpaho-mqttpp-dev, libpaho-mqtt-dev, libsqlite3-dev, libssl-dev" \
    "edge-to-cloud execution agent, as a library
 Headers, archive and CMake package (find_package(Spillway)) to have the agent
 inside a program, the interface for plugins, and the schemas of the wire."
}

say "Packing Spillway $version for $debian"
for part in "$@"; do
  case $part in agent | cloud | torture | development) "$part" ;; *) die "there is no part '$part'" ;; esac
done
