# Not built here: there is no Yocto on the machines that test this. tests/firmware checks its syntax and its hashes.
SUMMARY = "Edge-to-cloud execution agent"
DESCRIPTION = "Runs tasks on this device, spills what would finish sooner elsewhere over MQTT, and keeps every accepted task on disk."
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

EXTRA_OECMAKE = "-DSPILLWAY_TESTS=OFF -DFLATC=${STAGING_BINDIR_NATIVE}/flatc"
OECMAKE_TARGET_COMPILE = "spillway-agent spillway spillway-ota"

USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --no-create-home --home-dir /var/lib/spillway --user-group spillway"
SYSTEMD_SERVICE:${PN} = "spillway-agent.service spillway-ota.service"

do_install() {
    install -d ${D}${bindir} ${D}${sysconfdir}/spillway ${D}${systemd_system_unitdir}
    install -m 0755 ${B}/bin/spillway-agent ${B}/bin/spillway ${B}/bin/spillway-ota ${D}${bindir}/
    install -m 0644 ${S}/agent/config/agent.toml ${D}${sysconfdir}/spillway/agent.toml
    install -m 0644 ${S}/firmware/systemd/spillway-agent.service ${D}${systemd_system_unitdir}/
    install -m 0644 ${S}/firmware/systemd/spillway-ota.service ${D}${systemd_system_unitdir}/
}
