# Sourced, at the top of the tree. What the recipes of Yocto and Buildroot say of how the agent is built.
yocto=$(echo firmware/yocto/spillway_*.bb) buildroot=firmware/buildroot/package/spillway/spillway.mk

# recipe_says RECIPE NAME: the value of a variable, with tools and units where Debian has them. Buildroot's is a makefile.
recipe_says() {
  case $1 in
    *.bb) sed -n "s/^$2 = \"\(.*\)\"\$/\1/p" "$1" | sed 's#${STAGING_BINDIR_NATIVE}#/usr/bin#; s#${systemd_system_unitdir}#/usr/lib/systemd/system#' ;;
    *) make -s -f <(printf 'inner =\ncmake-package =\n'; cat "$1"; printf '\nsay:;@echo $(%s)\n' "$2") say HOST_DIR=/usr BR2_INIT_SYSTEMD=y ;;
  esac
}
recipe_options() { case $1 in *.bb) recipe_says "$1" EXTRA_OECMAKE ;; *) recipe_says "$1" SPILLWAY_CONF_OPTS ;; esac; }

# recipe_packages RECIPE: what it depends on, as packages of Debian, a line each.
recipe_packages() {
  local names name package
  case $1 in *.bb) names=$(recipe_says "$1" DEPENDS) ;; *) names=$(recipe_says "$1" SPILLWAY_DEPENDENCIES) ;; esac
  for name in $names; do
    package=$(awk -v name="$name" '$1 == name || $2 == name { print $3 }' <<<"$names_of_packages")
    [ -n "$package" ] || { echo "$1 names $name, of which tests/firmware/recipes.sh does not know what Debian calls it" >&2; return 1; }
    printf '%s\n' "$package"
  done | sort
}

# What Yocto, Buildroot and Debian call each package.
names_of_packages='
asio               asio             libasio-dev
cli11              cli11            libcli11-dev
flatbuffers        flatbuffers      libflatbuffers-dev
flatbuffers-native host-flatbuffers flatbuffers-compiler
libeigen           eigen            libeigen3-dev
openssl            openssl          libssl-dev
paho-mqtt-c        paho-mqtt-c      libpaho-mqtt-dev
paho-mqtt-cpp      paho-mqtt-cpp    libpaho-mqttpp-dev
sqlite3            sqlite           libsqlite3-dev
tomlplusplus       tomlplusplus     libtomlplusplus-dev'
