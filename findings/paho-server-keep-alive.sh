#!/usr/bin/env bash
# Paho C and the Server Keep Alive of MQTT 5.
#
# What one would guess: a client library that speaks MQTT 5 obeys the CONNACK's Server Keep Alive, for the standard
# says that it MUST use that value instead of the one it sent (MQTT 5.0, 3.2.2.3.14).
# What was seen: Paho C 1.3.12 hands the property to the application and goes on pinging by its own, longer keep alive.
# A broker that allows 10 s and waits half as much again then drops an idle client every 15 s, and the client learns of
# it as a lost connection. Who sets a keep alive above the broker's limit must look at the property and connect again.
#
# Needs Debian 12 with gcc, apt-get and dpkg-deb; downloads three pinned packages into a temporary folder and installs
# nothing. Takes under a minute. Ends with 0 when the behaviour is as described, with 1 when it has changed.
set -euo pipefail
mosquitto=2.0.11-1.2+deb12u2
paho=1.3.12-1
folder=$(mktemp -d)
broker=
cleanup() {
  [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"

apt-get -qq -o APT::Sandbox::User=root download "mosquitto=$mosquitto" "libpaho-mqtt1.3=$paho" "libpaho-mqtt-dev=$paho" \
  libmosquitto1 libcjson1 libdlt2 libwrap0 libwebsockets17 libev4 libuv1 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
libraries=$(find root -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')
export LD_LIBRARY_PATH="$folder/${libraries//:/:$folder/}"

cat >client.c <<'C'
#include <MQTTAsync.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static volatile int up, down;
static double lost_at;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static void lost(void* context, char* cause) {
  (void)context, (void)cause;
  lost_at = now();
  down = 1;
}
static int arrived(void* context, char* topic, int length, MQTTAsync_message* message) {
  (void)context, (void)length;
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}
static void connected(void* context, MQTTAsync_successData5* data) {
  (void)context;
  printf("server_keep_alive %d\n",
         MQTTProperties_getNumericValue(&data->properties, MQTTPROPERTY_CODE_SERVER_KEEP_ALIVE));
  up = 1;
}
static void refused(void* context, MQTTAsync_failureData5* data) {
  (void)context;
  printf("not connected: %d\n", data ? data->code : 0);
  down = 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  MQTTAsync client;
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
  if (MQTTAsync_createWithOptions(&client, argv[1], "idle", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create)) return 2;
  MQTTAsync_setCallbacks(client, NULL, lost, arrived, NULL);
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
  options.keepAliveInterval = 60;
  options.onSuccess5 = connected;
  options.onFailure5 = refused;
  if (MQTTAsync_connect(client, &options)) return 2;
  for (int i = 0; i < 100 && !up && !down; ++i) usleep(50000);
  if (!up) return 2;
  const double start = now();
  for (int i = 0; i < 300 && !down; ++i) usleep(100000);
  if (down) printf("lost_after %.0f\n", lost_at - start);
  else printf("lost_after never\n");
  return 0;
}
C
gcc -Iroot/usr/include client.c -o client -Wl,--allow-shlib-undefined \
  "$(find root -name 'libpaho-mqtt3as.so.1' | head -n 1)"

port=$((20000 + RANDOM % 20000))
printf 'listener %d 127.0.0.1\nallow_anonymous true\nmax_keepalive 10\nuser %s\n' "$port" "$(id -un)" >broker.conf
root/usr/sbin/mosquitto -c broker.conf >broker.log 2>&1 &
broker=$!
for _ in $(seq 50); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done

timeout 50 ./client "tcp://127.0.0.1:$port" | tee client.out
echo "mosquitto $mosquitto with max_keepalive 10, Paho C $paho with a keep alive of 60 s"
grep 'exceeded timeout' broker.log || true

after=$(sed -n 's/^lost_after //p' client.out)
if grep -qx 'server_keep_alive 10' client.out && [ "$after" != never ] && [ "$after" -ge 13 ] && [ "$after" -le 20 ]; then
  echo "as described: told of 10 s, the client stayed silent and was dropped after $after s"
else
  echo "changed: the client was told '$(sed -n 's/^server_keep_alive //p' client.out)' and lost its connection after: $after"
  exit 1
fi
