#!/usr/bin/env bash
# Paho C and a broker's DISCONNECT.
#
# What one would guess: connectionLost is called whenever the connection ends without the application's asking; the
# disconnected callback of MQTT 5 comes before it and says why.
# What was seen: when an MQTT 5 broker says DISCONNECT and closes the socket, Paho C 1.3.12 calls the disconnected
# callback alone. An application that reconnects in connectionLost never does, and MQTTAsync_isConnected says 0 without
# anything having been called that is named for it. (mosquitto 2.0.11 closes the socket without a DISCONNECT when it
# shuts down, so a test against it does not show this.)
#
# Needs Debian 12 with gcc, python3, apt-get and dpkg-deb; downloads two pinned packages into a temporary folder and
# installs nothing. Takes some seconds. Ends with 0 when the behaviour is as described, with 1 when it has changed.
set -euo pipefail
paho=1.3.12-1
folder=$(mktemp -d)
broker=
cleanup() {
  [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"

apt-get -qq -o APT::Sandbox::User=root download "libpaho-mqtt1.3=$paho" "libpaho-mqtt-dev=$paho" >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done

# Accepts one client, says after a second that it shuts down, and closes: packets as in MQTT 5.0, 3.2 and 3.14.
cat >broker.py <<'P'
import socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(20)
print(listener.getsockname()[1], flush=True)
client, _ = listener.accept()
client.recv(4096)
client.sendall(bytes([0x20, 3, 0, 0, 0]))
time.sleep(1)
client.sendall(bytes([0xE0, 2, 0x8B, 0]))
client.close()
P
cat >client.c <<'C'
#include <MQTTAsync.h>
#include <stdio.h>
#include <unistd.h>

static volatile int up, said, lost;

static void on_lost(void* context, char* cause) {
  (void)context, (void)cause;
  lost = 1;
}
static void on_disconnected(void* context, MQTTProperties* properties, enum MQTTReasonCodes reason) {
  (void)context, (void)properties;
  said = (int)reason;
}
static int on_message(void* context, char* topic, int length, MQTTAsync_message* message) {
  (void)context, (void)length;
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}
static void on_connected(void* context, MQTTAsync_successData5* data) {
  (void)context, (void)data;
  up = 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  MQTTAsync client;
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
  if (MQTTAsync_createWithOptions(&client, argv[1], "one", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create)) return 2;
  MQTTAsync_setCallbacks(client, NULL, on_lost, on_message, NULL);
  MQTTAsync_setDisconnected(client, NULL, on_disconnected);
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
  options.onSuccess5 = on_connected;
  if (MQTTAsync_connect(client, &options)) return 2;
  for (int i = 0; i < 100 && !up; ++i) usleep(50000);
  if (!up) return 2;
  sleep(8);
  printf("disconnected_called_with 0x%02x\nconnection_lost_called %d\nis_connected %d\n", (unsigned)said, lost,
         MQTTAsync_isConnected(client));
  return 0;
}
C
gcc -Iroot/usr/include client.c -o client -Wl,--allow-shlib-undefined \
  "$(find root -name 'libpaho-mqtt3as.so.1' | head -n 1)"

mkfifo port
timeout 30 python3 broker.py >port &
broker=$!
read -r port_number <port
LD_LIBRARY_PATH="$folder/$(dirname "$(find root -name 'libpaho-mqtt3as.so.1' | head -n 1)")" \
  timeout 30 ./client "tcp://127.0.0.1:$port_number" | tee client.out
echo "Paho C $paho"

if printf 'disconnected_called_with 0x8b\nconnection_lost_called 0\nis_connected 0\n' | cmp -s - client.out; then
  echo "as described: told of the broker's shutdown, and never that the connection was lost"
else
  echo "changed"
  exit 1
fi
