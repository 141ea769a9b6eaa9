#!/usr/bin/env bash
# firmware/packages/build.sh ARCH BUILD [PART…]: makes spillway-agent, spillway-cloud, spillway-torture and libspillway-dev (or
# those of the parts agent, cloud, torture and dev that are named) for aarch64, armhf or amd64 out of what BUILD installs as a
# component of that name, into build/packages or $SPILLWAY_PACKAGES, each with an SPDX list of what it stands on.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$here/../..
. "$top/toolchains/debian.sh"
arch=${1:?usage: build.sh aarch64|armhf|amd64 BUILD}
build=$(readlink -f "${2:?usage: build.sh ARCH BUILD [PART…]}")
shift 2
[ $# -gt 0 ] || set -- agent cloud torture dev
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
# The package that a file is of, by this machine's database or by what the sysroot was unpacked from.
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

# lay PACKAGE COMPONENT: into the package's root what the build installs, placed as Debian has it, and stripped.
lay() {
  local root=$work/$1
  cmake --install "$build" --component "$2" --prefix "$root/usr" >/dev/null
  [ ! -d "$root/usr/etc" ] || mv "$root/usr/etc" "$root/etc"
  if [ -d "$root/usr/lib/systemd" ]; then mkdir "$root/lib" && mv "$root/usr/lib/systemd" "$root/lib/"; fi
  find "$root" -type d -empty -delete
  find "$root/usr" -type f \( -path '*/bin/*' -o -path '*/lib/spillway/*' \) -print0 |
    xargs -0r "$strip" --remove-section=.comment --remove-section=.note
}

agent() {
  lay spillway-agent agent
  local needs
  needs=$(library_packages "$work"/spillway-agent/usr/bin/*)
  recommends="rauc, curl" pack spillway-agent net "$needs, adduser" \
    "edge-to-cloud execution agent
 Runs tasks on this device, offloads what would finish sooner elsewhere over
 MQTT to a cloud aggregator, and keeps every accepted task on disk."
}

cloud() {
  lay spillway-cloud cloud
  local needs
  needs=$(library_packages "$work"/spillway-cloud/usr/bin/*)
  recommends="mosquitto" pack spillway-cloud net "$needs, adduser" \
    "edge-to-cloud execution aggregator
 Runs what the agents of a fleet of devices offer, and keeps a durable record of
 what it accepted and answered. spwctl watches and operates the fleet, and
 spillway-fleetsim plays one, to size a server with."
}

torture() {
  lay spillway-torture torture
  local needs
  needs=$(library_packages "$work/spillway-torture/usr/lib/spillway/spillway-torture")
  recommends="spillway-cloud, mosquitto, nftables, e2fsprogs" pack spillway-torture net "$needs, spillway-agent (>= $version)" \
    "edge-to-cloud execution agent, tormented
 What spillway doctor --torture runs: cuts the power under stores on this disk,
 and kills, starves and cuts off a fleet of its own, to see what it promises."
}

dev() {
  lay libspillway-dev dev
  "$strip" --strip-debug -D "$work/libspillway-dev/usr/lib/$triple/libspillway.a"
  recommends="" pack libspillway-dev libdevel "libpaho-mqttpp-dev, libpaho-mqtt-dev, libsqlite3-dev, libssl-dev" \
    "edge-to-cloud execution agent, as a library
 Headers, archive and CMake package (find_package(Spillway)) to have the agent
 inside a program, the interface for plugins, and the schemas of the wire."
}

# Units name programs and configuration where the build was told that they will be.
grep -q '^CMAKE_INSTALL_PREFIX:.*=/usr$' "$build/CMakeCache.txt" || die "$build is not configured for /usr; ./dev package does that"
say "Packing Spillway $version for $debian"
for part in "$@"; do
  case $part in agent | cloud | torture | dev) "$part" ;; *) die "there is no part '$part'" ;; esac
done
