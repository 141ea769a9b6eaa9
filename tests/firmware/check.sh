#!/usr/bin/env bash
# tests/firmware/check.sh: what can be told of firmware/ and toolchains/ without building an image.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. tests/firmware/checks.sh
license_of_yocto() { grep -q "md5=$(md5sum LICENSE | cut -d' ' -f1)\"" firmware/yocto/*.bb; }
license_of_buildroot() { (echo "$(awk '$3 == "LICENSE" { print $2 }' firmware/buildroot/package/spillway/spillway.hash)  LICENSE" | sha256sum -c); }
version_everywhere() {
  local version
  version=$(sed -n 's/^project(spillway VERSION \([^ ]*\).*/\1/p' CMakeLists.txt)
  [ -f "firmware/yocto/spillway_$version.bb" ] && grep -q "^SPILLWAY_VERSION = $version$" firmware/buildroot/package/spillway/spillway.mk
}
# Buildroot's makefile is one of make; the macro it ends with belongs to Buildroot.
buildroot_parses() {
  make -npf <(printf 'inner =\ncmake-package =\n'; cat firmware/buildroot/package/spillway/spillway.mk; printf '\nall:;@:\n') all >/dev/null
}
# A recipe's statements: assignments, inherit, functions, comments; nothing else begins a line.
yocto_parses() {
  awk '/\{$/ { inside = 1 } inside { if (/^\}/) inside = 0; next } /^ *$/ || /^#/ { next }
    /^[A-Za-z_][A-Za-z0-9_:${}-]* *[?:+.]*= *".*"$/ || /^inherit / { next } { print FILENAME ": " $0; bad = 1 } END { exit bad || inside }' firmware/yocto/*.bb
}
exposure_at_most_2() {
  local exposure
  exposure=$(systemd-analyze security --offline=true --no-pager "$1" | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')
  awk -v exposure="$exposure" 'BEGIN { exit !(exposure != "" && exposure <= 2.0) }' || { echo "exposure $exposure"; return 1; }
}
# Units named with these words would hold up the start, where there is no network or time server for good.
waits_for_nobody() { ! grep -E '^(Wants|Requires|Requisite|BindsTo|After|Condition[A-Za-z]*|Assert[A-Za-z]*)=' "$1"; }
# The image's first script is waited for: what needs the network goes on beside it.
image_waits_for_no_network() { awk '/udhcpc/ && !/^#/ && !/&$/ { bad = 1 } END { exit bad }' firmware/image/root/etc/init.d/rcS; }
board_is_whole() {
  ( set -u; . "$1"; : "$arch $kernel_package $kernel_modules $boot_command $console $disk $boot_size $kernel_size $root_size $data_size" \
      "$uboot_disk $packed_at $kernel_at $initrd_at $work_at $fdt_at" ) && [ -f "${1%/*}/agent.toml" ]
}
no_secrets() { ! grep -rIlE 'PRIVATE KEY' firmware toolchains; }

for script in toolchains/*.sh firmware/*.sh firmware/*/*.sh firmware/image/root/usr/lib/spillway/* firmware/image/root/etc/init.d/* \
  firmware/image/initrd-init firmware/packages/*.p*; do
  name=${script//[^a-z0-9]/_}
  case $(head -n 1 "$script") in *bash* | '# Sourced.'*) check "${name}_is_a_script" bash -n "$script" ;; *) check "${name}_is_a_script" sh -n "$script" ;; esac
done
for script in toolchains/*.sh firmware/*/*.sh firmware/boot.sh; do
  case $script in toolchains/debian.sh) continue ;; esac
  check "${script//[^a-z0-9]/_}_stops_at_errors" grep -q '^set -euo pipefail$' "$script"
done
for board in firmware/boards/*/board.conf; do check "board_${board//[^a-z0-9]/_}_is_whole" board_is_whole "$board"; done
check units_agent_is_hardened exposure_at_most_2 firmware/systemd/spillway-agent.service
check units_cloud_is_hardened exposure_at_most_2 firmware/systemd/spillway-cloud.service
check units_agent_waits_for_nobody waits_for_nobody firmware/systemd/spillway-agent.service
check units_cloud_waits_for_nobody waits_for_nobody firmware/systemd/spillway-cloud.service
check image_waits_for_no_network image_waits_for_no_network
check yocto_names_this_license license_of_yocto
check yocto_is_a_recipe yocto_parses
check buildroot_names_this_license license_of_buildroot
check buildroot_is_a_makefile buildroot_parses
check recipes_are_of_this_version version_everywhere
check nothing_secret_is_in_the_tree no_secrets
sum_up
