#!/usr/bin/env bash
# tests/firmware/agent_alone.sh [built]: the agent is configured as the recipes say, by a CMake that finds nothing of this machine's
# but the packages that they depend on; and not without any one of these. With `built` it is built, installed and started in a
# fresh root of Debian with them, a compiler and the tools that a recipe's classes bring. Ends with 77, skipped, on other systems
# than Debian, and where nobody may make a root.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. tests/firmware/checks.sh
. tests/firmware/recipes.sh
. toolchains/debian.sh
command -v dpkg-query >/dev/null || { echo "skipped: what Debian's packages hold is not known here"; exit 77; }
lab=$(mktemp -d)
trap 'rm -rf "$lab"' EXIT
trap 'exit 130' INT TERM

# What each package holds, as links in a folder of its own.
link_packages() {
  local package
  for package in $(recipe_packages "$yocto"); do
    mkdir -p "$lab/seen/$package"
    dpkg-query -L "$package" | while read -r file; do [ ! -f "$file" ] || echo "$file"; done |
      xargs -d '\n' cp -s --parents -t "$lab/seen/$package" || return
  done
}
configures() {  # RECIPE [PACKAGE]: which sees what it depends on, but not that package
  local seen package
  seen=$(for package in $(recipe_packages "$1" | grep -vxF "${2:-}"); do printf '%s;' "$lab/seen/$package"; done)
  rm -f "$lab/build/CMakeCache.txt"
  PKG_CONFIG_LIBDIR=$(find ${seen//;/ } -name pkgconfig -printf '%p:') cmake -S . -B "$lab/build" -G Ninja \
    $(recipe_options "$1") "-DCMAKE_FIND_ROOT_PATH=$seen" -DCMAKE_FIND_ROOT_PATH_MODE_{INCLUDE,LIBRARY,PACKAGE}=ONLY 2>&1
}
misses() {  # PACKAGE
  ! configures "$yocto" "$1" >"$lab/said" && grep -iE 'not find|not found' "$lab/said" || { tail "$lab/said"; return 1; }
}
builds_no_more() { ! grep -E 'build [^ ]*(cloud|tests)/' "$lab/build/build.ninja"; }
same_packages() {
  recipe_packages "$yocto" >"$lab/yocto" && recipe_packages "$buildroot" >"$lab/buildroot" && diff "$lab/yocto" "$lab/buildroot"
}
# What Buildroot is to build first has to be chosen, too.
selected() {
  diff <(recipe_says "$buildroot" SPILLWAY_DEPENDENCIES | tr ' ' '\n' | grep -v ^host- | tr a-z- A-Z_ | sort) \
    <(sed -n 's/^\tselect BR2_PACKAGE_//p' "${buildroot%/*}/Config.in" | sort)
}
documented() {
  local package
  for package in $(recipe_packages "$yocto"); do grep -qw -- "$package" CONTRIBUTING.md || { echo "$package is not there"; return 1; }; done
}
cloud_configures() {
  rm -rf "$lab/build"
  cmake -S . -B "$lab/build" -G Ninja -DSPILLWAY_AGENT=OFF && ! grep -E 'build [^ ]*(agent|tests)/' "$lab/build/build.ninja"
}

make_root() {
  debian_sources deb | mmdebstrap --quiet --variant=minbase \
    --include="$(recipe_packages "$yocto" | paste -sd,),g++,cmake,ninja-build,pkg-config" '' "$lab/root" - &&
    mkdir "$lab/root/src" && tar -c --exclude=./build --exclude=./.git . | tar -x -C "$lab/root/src"
}
inside() { chroot "$lab/root" env -i PATH=/usr/bin:/bin "$@"; }
has_nothing_more() {
  local file
  for file in include/{boost,prometheus,CppUTest,tbb} bin/{node,npm}; do
    [ ! -e "$lab/root/usr/$file" ] || { echo "/usr/$file is there"; return 1; }
  done
}
builds() {  # RECIPE
  inside cmake -S /src -B /build -G Ninja -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_SYSCONFDIR=/etc -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O0 \
    $(recipe_options "$1") && inside cmake --build /build -j "$(nproc)"
}
installs() {  # what the agent's package has
  rm -rf "$lab/root/installed"
  inside env DESTDIR=/installed cmake --install /build --component agent && diff - <(cd "$lab/root/installed" && find . -type f | sort) <<FILES
./etc/spillway/agent.toml
./usr/bin/spillway
./usr/bin/spillway-agent
./usr/bin/spillway-ota
./usr/lib/systemd/system/spillway-agent.service
./usr/lib/systemd/system/spillway-ota.service
./usr/lib/tmpfiles.d/spillway-agent.conf
./usr/share/bash-completion/completions/spillway
./usr/share/man/man1/spillway.1.gz
./usr/share/man/man8/spillway-agent.8.gz
./usr/share/man/man8/spillway-ota.8.gz
FILES
}

if [ "${1:-}" != built ]; then
  check recipes_depend_on_the_same same_packages
  check buildroot_selects_what_it_depends_on selected
  check contributing_names_what_it_depends_on documented
  check packages_of_the_recipes_are_here link_packages
  check agent_is_configured_as_buildroot_does configures "$buildroot"
  check agent_is_configured_as_yocto_does configures "$yocto"
  check agent_is_alone builds_no_more
  for package in $(recipe_packages "$yocto" | grep -vx flatbuffers-compiler); do  # which is told, not looked for
    check "agent_needs_${package//[^a-z0-9]/_}" misses "$package"
  done
  check cloud_is_configured_alone cloud_configures
  sum_up
  exit
fi

[ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null || { echo "skipped: a root is made by root, with mmdebstrap"; exit 77; }
check a_root_has_what_the_recipes_depend_on make_root
check it_has_nothing_of_the_clouds has_nothing_more
for recipe in "$buildroot" "$yocto"; do
  name=$(cut -d/ -f2 <<<"$recipe")
  check "agent_is_built_there_as_${name}_does" builds "$recipe"
  check "agent_is_installed_there_as_${name}_does" installs
done
check agent_reads_its_configuration_there inside /installed/usr/bin/spillway-agent --check --config /installed/etc/spillway/agent.toml
sum_up
