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
SPILLWAY_CONF_OPTS = -DSPILLWAY_TESTS=OFF -DFLATC=$(HOST_DIR)/bin/flatc

define SPILLWAY_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/bin/spillway-agent $(TARGET_DIR)/usr/bin/spillway-agent
	$(INSTALL) -D -m 0755 $(@D)/bin/spillway $(TARGET_DIR)/usr/bin/spillway
	$(INSTALL) -D -m 0755 $(@D)/bin/spillway-ota $(TARGET_DIR)/usr/bin/spillway-ota
	$(INSTALL) -D -m 0644 $(@D)/agent/config/agent.toml $(TARGET_DIR)/etc/spillway/agent.toml
endef

define SPILLWAY_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(@D)/firmware/systemd/spillway-agent.service \
		$(TARGET_DIR)/usr/lib/systemd/system/spillway-agent.service
endef

define SPILLWAY_USERS
	spillway -1 spillway -1 * /var/lib/spillway - - Spillway agent
endef

$(eval $(cmake-package))
