################################################################################
#
# spillway
#
################################################################################

SPILLWAY_VERSION = 0.1.0
SPILLWAY_SITE = $(BR2_EXTERNAL_SPILLWAY_PATH)/../..
SPILLWAY_SITE_METHOD = local
SPILLWAY_LICENSE = Apache-2.0
SPILLWAY_LICENSE_FILES = LICENSE
SPILLWAY_DEPENDENCIES = asio cli11 eigen flatbuffers host-flatbuffers openssl \
	paho-mqtt-c paho-mqtt-cpp sqlite tomlplusplus
SPILLWAY_CONF_OPTS = -DSPILLWAY_CLOUD=OFF -DSPILLWAY_TESTS=OFF \
	-DCMAKE_INSTALL_SYSCONFDIR=/etc \
	-DSPILLWAY_UNITDIR=$(if $(BR2_INIT_SYSTEMD),lib/systemd/system) \
	-DFLATC=$(HOST_DIR)/bin/flatc

# Without headers, archive and schemas, which a target does not need.
define SPILLWAY_INSTALL_TARGET_CMDS
	DESTDIR=$(TARGET_DIR) $(BR2_CMAKE) --install $(@D) --component agent
endef

define SPILLWAY_USERS
	spillway -1 spillway -1 * /var/lib/spillway - - Spillway agent
endef

$(eval $(cmake-package))
