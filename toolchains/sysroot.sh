#!/usr/bin/env bash
# toolchains/sysroot.sh aarch64|armhf: makes build/sysroot/ARCH, what a cross build compiles and links against.
# Debian's packages for the target are unpacked, not installed: the package database of this machine does not
# hear of a second architecture, which would break its apt-get update.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
. "$here/debian.sh"
arch=${1:?usage: sysroot.sh aarch64|armhf}
name_target "$arch"
[ "$arch" != amd64 ] || die "this machine needs no sysroot for itself"
sysroot=$here/../build/sysroot/$arch

packages="libc6-dev libstdc++-12-dev libasio-dev libpaho-mqtt-dev libpaho-mqttpp-dev libflatbuffers-dev
  libsqlite3-dev libssl-dev libeigen3-dev libtomlplusplus-dev libcli11-dev libcpputest-dev libtbb-dev zlib1g-dev
  libboost1.81-dev prometheus-cpp-dev libzstd-dev"
stamp=$( { cat "$here/sysroot.sh" "$here/debian.sh"; } | sha256sum | cut -c1-16)
if [ "$(cat "$sysroot/.stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

work=$sysroot.partial
clean_up() { rm -rf "$work" "$work.paho"; }
trap clean_up EXIT
trap 'exit 130' INT TERM
clean_up
rm -rf "$sysroot"
mkdir -p "${sysroot%/*}"

# Links that begin at / lead out of the sysroot.
make_links_relative() {
  find "$work" -type l -lname '/*' -printf '%p %l\n' | while read -r link to; do
    ln -sfnr "$work$to" "$link"
  done
}

# Debian has Paho's C++ library only as a shared object; the static agent needs an archive of the same source.
build_paho_archive() {
  local source=$work.paho
  mkdir -p "$source"
  say "  building Paho C++ as an archive, from Debian's source package"
  (cd "$source" && fetch_source paho.mqtt.cpp && cd paho*/ &&
    "$triple-g++" --sysroot="$work" -std=c++17 -Os -fPIC -ffunction-sections -fdata-sections -DOPENSSL -Isrc -I. \
      "-ffile-prefix-map=$PWD=paho" -w -c src/*.cpp &&
    "$triple-ar" rcsD libpaho-mqttpp3.a ./*.o &&
    install -m 644 libpaho-mqttpp3.a "$work/usr/lib/$triple/") || die "Paho C++ could not be built"
}

say "Making the sysroot for $arch: Debian's libraries and headers for $debian, unpacked into build/sysroot/$arch"
extract_packages "$debian" "$work" $packages
make_links_relative
rm -rf "$work"/usr/share/doc "$work"/usr/share/man "$work"/usr/share/locale
build_paho_archive
printf '%s\n' "$stamp" >"$work/.stamp"
mv "$work" "$sysroot"
say "  done: $(du -sh "$sysroot" | cut -f1)"
