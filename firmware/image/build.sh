#!/usr/bin/env bash
# firmware/image/build.sh BOARD: makes build/image/BOARD/disk.img from Debian's kernel and packages, the cross-built
# agent, and the files beside this script. What ships in the root is named here; libraries follow from the programs.
# Options: --version TEXT, --break health|reach|boot (versions that fail on purpose, for tests), --agent PROGRAM (of those
# that were built, for tests), --root-only (no disk image), --without-security.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$here/../..
. "$top/toolchains/debian.sh"
version=$(sed -n 's/^project(spillway VERSION \([^ ]*\).*/\1/p' "$top/CMakeLists.txt")
broken='' agent=spillway-agent ships_without_security='' board='' root_only=''
while [ $# -gt 0 ]; do
  case $1 in
    --version) version=$2; shift ;;
    --break) broken=$2; shift ;;
    --agent) agent=$2; shift ;;
    --root-only) root_only=1 ;;
    --without-security) ships_without_security=1 ;;
    -*) die "there is no option '$1'" ;;
    *) board=$1 ;;
  esac
  shift
done
conf=$here/../boards/$board/board.conf
[ -n "$board" ] && [ -f "$conf" ] || die "boards: $(ls "$here/../boards" | tr '\n' ' ')"
. "$conf"
name_target "$arch"
out=$top/build/image/$board
binaries=$top/build/$arch/bin
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct 2>/dev/null || echo 1700000000)
work=$out/work$$
mkdir -p "$out" "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

root_packages="base-files busybox-static dbus rauc libubootenv-tool openssl e2fsprogs fdisk util-linux curl ca-certificates
  libssl3 libsqlite3-0 libpaho-mqtt1.3 libpaho-mqttpp3-1 libstdc++6"
programs="usr/bin/dbus-daemon usr/bin/rauc usr/bin/fw_setenv usr/bin/fw_printenv usr/bin/openssl usr/bin/curl
  usr/sbin/e2fsck usr/sbin/resize2fs usr/sbin/sfdisk usr/bin/partx"

fetch() {  # NAME PACKAGE…: unpacked once, until the list or the recipe changes
  local name=$1 stamp
  shift
  stamp=$({ echo "$*"; cat "$top/toolchains/debian.sh"; } | sha256sum | cut -c1-16)
  [ "$(cat "$out/$name/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  say "Fetching for $board: $*"
  rm -rf "$out/$name"
  extract_packages "$debian" "$out/$name" "$@"
  echo "$stamp" >"$out/$name/.stamp"
}

# copy_with_libraries FILE…: into the root, with every shared library they need, found by reading them.
copy_with_libraries() {
  local queue=("$@") file name found
  while [ ${#queue[@]} -gt 0 ]; do
    file=${queue[0]}
    queue=("${queue[@]:1}")
    for name in $("$triple-readelf" -d "$file" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
      [ ! -e "$work/root/usr/lib/$triple/$name" ] || continue
      found=$(find "$out/packages/usr/lib/$triple" -name "$name" -print -quit)
      [ -n "$found" ] || die "$file needs $name, which is in no package named here"
      install -D -m 644 "$(readlink -f "$found")" "$work/root/usr/lib/$triple/$name"
      "$triple-strip" --strip-unneeded "$work/root/usr/lib/$triple/$name"
      queue+=("$found")
    done
  done
}

make_root() {
  local root=$work/root program built applet loader
  mkdir -p "$root"/{usr/bin,usr/lib/$triple,etc/spillway,etc/rauc,dev,proc,sys,run,tmp,data,boot,mnt,var/lib}
  ln -s usr/bin "$root/bin"; ln -s usr/lib "$root/lib"; ln -s usr/bin "$root/sbin"; ln -s bin "$root/usr/sbin"
  ln -s ../run "$root/var/run"; ln -s ../tmp "$root/var/tmp"
  install -m 755 "$out/packages/usr/bin/busybox" "$root/usr/bin/"
  for applet in $("$emulator" "$root/usr/bin/busybox" --list); do
    [ -e "$root/usr/bin/$applet" ] || ln -s busybox "$root/usr/bin/$applet"
  done
  for program in $programs; do
    rm -f "$root/usr/bin/${program##*/}"
    install -m 755 "$(readlink -f "$out/packages/$program")" "$root/usr/bin/${program##*/}"
  done
  for program in spillway-agent spillway spillway-ota; do
    built=$binaries/$program
    [ "$program" != spillway-agent ] || built=$binaries/$agent
    [ -e "$built" ] || continue
    "$triple-strip" -o "$root/usr/bin/$program" "$built"
    chmod 755 "$root/usr/bin/$program"
  done
  copy_with_libraries "$root"/usr/bin/{dbus-daemon,rauc,fw_setenv,openssl,curl,e2fsck,resize2fs,sfdisk,partx,spillway-agent,spillway,spillway-ota}
  loader=$(cd "$out/packages" && find usr/lib -maxdepth 1 -name 'ld-linux*.so*' -printf '%f\n' | head -n 1)
  [ -z "$loader" ] || { rm -f "$root/usr/lib/$loader"; cp -L "$out/packages/usr/lib/$triple/$loader" "$root/usr/lib/$loader"; }
  install -m 644 "$out/packages/etc/ssl/openssl.cnf" -D "$root/etc/ssl/openssl.cnf"
  mkdir -p "$root/usr/lib/ssl"
  ln -s /etc/ssl/openssl.cnf "$root/usr/lib/ssl/openssl.cnf"
  cp -r "$here/root/." "$root/"
  ln -s /data/ota "$root/var/lib/spillway-ota"
  install -m 644 "$here/../boards/$board/agent.toml" "$root/etc/spillway/agent.toml"
  printf 'board=%s\ndisk=%s\n' "$board" "$disk" >"$root/etc/spillway/board"
  echo "$version" >"$root/etc/spillway/version"
  printf 'root:*:1::::::\nspillway:*:1::::::\n' >"$root/etc/shadow"
  chmod 640 "$root/etc/shadow"
  ln -s /run/resolv.conf "$root/etc/resolv.conf"
  ln -s /run/machine-id "$root/etc/machine-id"
  ln -sf /proc/mounts "$root/etc/mtab"
  write_update_config "$root"
  copy_modules "$root" dm_verity loop vfat nls_ascii nls_cp437 virtio_net overlay
  case $broken in
    health) printf '#!/bin/sh\nexec sleep 2147483647\n' >"$root/usr/lib/spillway/run-agent" ;;
    reach) sed -i 's#/agent.sock#/nowhere.sock#' "$root/usr/lib/spillway/run-agent" ;;
    boot) printf '#!/bin/sh\necho "hanging on purpose" >/dev/console\nsleep 2147483647\n' >"$root/etc/init.d/rcS" ;;
  esac
}

write_update_config() {
  local device slot
  device() { case $disk in *[0-9]) echo "${disk}p$1" ;; *) echo "$disk$1" ;; esac; }
  printf '%s 0x0 0x4000\n%s 0x10000 0x4000\n' "$(device 2)" "$(device 2)" >"$1/etc/fw_env.config"
  install -m 644 "$keyring" "$1/etc/rauc/keyring.pem"
  cat >"$1/etc/rauc/system.conf" <<CONF
[system]
compatible=spillway-$board
bootloader=uboot
mountprefix=/run/rauc/mnt
statusfile=/data/rauc/status
max-bundle-download-size=134217728
bundle-formats=-plain

[keyring]
path=/etc/rauc/keyring.pem

[slot.rootfs.0]
device=$(device 4)
type=raw
bootname=A

[slot.kernel.0]
device=$(device 3)
type=raw
parent=rootfs.0

[slot.rootfs.1]
device=$(device 6)
type=raw
bootname=B

[slot.kernel.1]
device=$(device 5)
type=raw
parent=rootfs.1
CONF
}

# copy_modules ROOT MODULE…: those, and what they depend on.
copy_modules() {
  local root=$1 release file name
  shift
  release=$(ls "$out/kernel/lib/modules")
  mkdir -p "$root/usr/lib/modules/$release"
  [ -e "$out/kernel/lib/modules/$release/modules.dep" ] || depmod -b "$out/kernel" "$release"
  for name in "$@"; do
    # Built in, or not there: both print no file.
    { modprobe -d "$out/kernel" -S "$release" --show-depends "$name" 2>/dev/null || say "  this kernel has no module $name"; } | sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | sort -u | while read -r file; do
    install -D -m 644 "$file" "$root/usr/lib/modules/$release/${file##*/"$release/"}"
  done
  cp "$out/kernel/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$root/usr/lib/modules/$release/"
  depmod -b "$root" "$release"
}

make_initrd() {
  local tree=$work/initrd
  mkdir -p "$tree"/{bin,dev,proc,sys,new,usr/lib}
  ln -s usr/lib "$tree/lib"
  install -m 755 "$out/packages/usr/bin/busybox" "$tree/bin/busybox"
  for applet in sh cat modprobe mount usleep sleep switch_root reboot echo; do ln -s busybox "$tree/bin/$applet"; done
  ln -s bin "$tree/sbin"
  install -m 755 "$here/initrd-init" "$tree/init"
  echo "$kernel_modules" >"$tree/modules"
  copy_modules "$tree" $kernel_modules softdog
  pack_tree "$tree" >"$work/initrd.cpio.xz"
}

# pack_tree DIRECTORY: an initramfs on stdout, the same bytes for the same files.
pack_tree() {
  find "$1" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
  (cd "$1" && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) | xz --check=crc32 -6
}

make_kernel_slot() {
  mkdir -p "$work/slot"
  # ARMv7's kernel unpacks itself; ARMv8's is unpacked by U-Boot.
  if [ "$boot_command" = bootz ]; then cp "$out"/kernel/boot/vmlinuz-* "$work/slot/kernel"
  else gzip -9nc "$out"/kernel/boot/vmlinuz-* >"$work/slot/kernel.gz"; fi
  cp "$work/initrd.cpio.xz" "$work/slot/initrd"
  make_ext4 "$out/kernel.img" "$kernel_size" "$work/slot" kernel
}

make_ext4() {  # FILE MIB DIRECTORY LABEL: with fixed times and ids, so that it comes out the same again
  rm -f "$1"
  find "$3" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
  E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -L "$4" -U 5b1a7a9e-0000-4000-8000-0000000000a1 \
    -E hash_seed=5b1a7a9e-0000-4000-8000-0000000000a2,lazy_itable_init=0,root_owner=0:0 -O ^metadata_csum_seed -d "$3" "$1" "${2}M" >/dev/null
}

make_boot_partition() {
  local load='load ${disk}:${kernel_part} 0x@PACKED_AT@ kernel.gz \&\& unzip 0x@PACKED_AT@ 0x@KERNEL_AT@'
  [ "$boot_command" != bootz ] || load='load ${disk}:${kernel_part} 0x@KERNEL_AT@ kernel'
  sed -e "s|@LOAD_KERNEL@|$load|" -e "s|@UBOOT_DISK@|$uboot_disk|; s|@WORK_AT@|$work_at|; s|@DISK@|$disk$([[ $disk != *[0-9] ]] || echo p)|; s|@CONSOLE@|$console|" \
    -e "s|@PACKED_AT@|$packed_at|g; s|@KERNEL_AT@|$kernel_at|g; s|@INITRD_AT@|$initrd_at|g; s|@FDT_AT@|$fdt_at|g" \
    -e "s|@READ@|${uboot_disk%% *} read|; s|@WRITE@|${uboot_disk%% *} write|; s|@BOOT_COMMAND@|$boot_command|; s|@APPEND@|${append:-}|" \
    "$here/boot.cmd" >"$work/boot.cmd"
  mkimage -A arm -T script -C none -n Spillway -d "$work/boot.cmd" "$work/boot.scr" >/dev/null
  rm -f "$out/boot.img"
  truncate -s "${boot_size}M" "$out/boot.img"
  mkfs.vfat --invariant -n BOOT "$out/boot.img" >/dev/null
  touch -d "@$SOURCE_DATE_EPOCH" "$work/boot.scr"
  TZ=UTC mcopy -m -i "$out/boot.img" "$work/boot.scr" ::boot.scr
}

make_disk() {
  mkdir -p "$work/data"
  make_ext4 "$out/data.img" "$data_size" "$work/data" data
  # Two copies as libubootenv writes them: CRC, generation, data.
  printf 'BOOT_ORDER=A B\nBOOT_A_LEFT=3\nBOOT_B_LEFT=3\n' >"$work/env.txt"
  mkenvimage -r -s 0x4000 -o "$work/env.part" "$work/env.txt"
  truncate -s 256K "$out/env.img"
  dd if="$work/env.part" of="$out/env.img" conv=notrunc status=none
  dd if="$work/env.part" of="$out/env.img" conv=notrunc bs=64K seek=1 status=none
  cat >"$work/genimage.cfg" <<CFG
image disk.img {
  hdimage { partition-table-type = "gpt" disk-uuid = "5b1a7a9e-0000-4000-8000-000000000001" }
  partition boot { image = "boot.img" bootable = true partition-type-uuid = "F" partition-uuid = "5b1a7a9e-0000-4000-8000-000000000011" }
  partition env { image = "env.img" partition-uuid = "5b1a7a9e-0000-4000-8000-000000000012" }
  partition kernel_a { image = "kernel.img" size = ${kernel_size}M partition-uuid = "5b1a7a9e-0000-4000-8000-000000000013" }
  partition root_a { image = "root.img" size = ${root_size}M partition-uuid = "5b1a7a9e-0000-4000-8000-000000000014" }
  partition kernel_b { image = "kernel.img" size = ${kernel_size}M partition-uuid = "5b1a7a9e-0000-4000-8000-000000000015" }
  partition root_b { image = "root.img" size = ${root_size}M partition-uuid = "5b1a7a9e-0000-4000-8000-000000000016" }
  partition data { image = "data.img" partition-uuid = "5b1a7a9e-0000-4000-8000-000000000017" }
}
CFG
  mkdir -p "$work/empty"
  genimage --loglevel 0 --config "$work/genimage.cfg" --rootpath "$work/empty" --tmppath "$work/genimage" \
    --inputpath "$out" --outputpath "$out"
}

# packages_in_root: those that a file of the root came from, and the kernel.
packages_in_root() {
  local file
  for file in "$work/root/usr/lib/$triple"/*.so*; do
    awk -F'\t' -v file="${file##*/}" '$1 == file { print $2; exit }' "$out/packages/.libraries"
  done | sort -u | tr '\n' ','
  printf 'busybox-static,dbus-daemon,rauc,libubootenv-tool,openssl,e2fsprogs,fdisk,util-linux,curl'
}

keyring=${SPILLWAY_KEYRING:-$top/build/image/pki/ca.pem}
[ -f "$keyring" ] || "$here/../ota/pki.sh"
fetch packages $root_packages
fetch kernel "$kernel_package"
for from in packages kernel; do
  [ ! -e "$out/$from/.without-security" ] || [ -n "$ships_without_security" ] ||
    die "the security updates for $debian are missing (see above); --without-security makes an image all the same"
done
say "Making the image for $board, version $version"
make_root
mksquashfs "$work/root" "$work/root.img" -noappend -quiet -no-progress -all-root -comp xz \
  -reproducible >/dev/null
[ "$(stat -c %s "$work/root.img")" -le $((root_size << 20)) ] || die "the root is larger than root_size=$root_size MiB"
mv "$work/root.img" "$out/root.img"
echo "$version" >"$out/version"
"$here/../packages/sbom.sh" "spillway-image-$board" "$version" "$debian" "$SOURCE_DATE_EPOCH" "$out/packages/.packages" \
  "$(packages_in_root)" >"$out/image.spdx.json"
[ -z "$root_only" ] || { printf '%10d  %s\n' "$(stat -c %s "$out/root.img")" root.img; exit 0; }
make_initrd
make_kernel_slot
make_boot_partition
make_disk
for file in root.img kernel.img disk.img; do printf '%10d  %s\n' "$(stat -c %s "$out/$file")" "$file"; done
