# Not built here: there is no Yocto on the machines that test this. tests/firmware checks its syntax and its hashes, and builds
# the agent by its options in a root of Debian that has nothing but what DEPENDS names.
SUMMARY = "Edge-to-cloud execution agent"
DESCRIPTION = "Runs tasks on this device, offloads what would finish sooner elsewhere over MQTT, and keeps every accepted task on disk."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

# SPILLWAY_SOURCE is a clone of the project; SRCREV pins what is built.
SPILLWAY_SOURCE ?= "git://${TOPDIR}/../spillway;protocol=file"
SRC_URI = "${SPILLWAY_SOURCE};branch=main"
SRCREV ?= "${AUTOREV}"
PV = "0.1.0"
S = "${WORKDIR}/git"

DEPENDS = "asio cli11 flatbuffers flatbuffers-native libeigen openssl paho-mqtt-c paho-mqtt-cpp sqlite3 tomlplusplus"
RRECOMMENDS:${PN} = "rauc curl"

inherit cmake pkgconfig systemd useradd

# The agent alone; what the class installs of it goes here, into -dev and into -staticdev.
EXTRA_OECMAKE = "-DSPILLWAY_CLOUD=OFF -DSPILLWAY_TESTS=OFF -DSPILLWAY_UNITDIR=${systemd_system_unitdir} -DFLATC=${STAGING_BINDIR_NATIVE}/flatc"
CONFFILES:${PN} = "${sysconfdir}/spillway/agent.toml"
FILES:${PN} += "${nonarch_libdir}/tmpfiles.d ${datadir}/bash-completion"
FILES:${PN}-dev += "${datadir}/spillway/schemas"

USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --no-create-home --home-dir /var/lib/spillway --user-group spillway"
SYSTEMD_SERVICE:${PN} = "spillway-agent.service spillway-ota.service"
