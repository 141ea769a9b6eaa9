#!/usr/bin/env bash
# mosquitto's max_queued_messages 0 and refused messages.
#
# What one would guess: mosquitto.conf(5) says that max_queued_messages 0 is "no maximum"; a client whose QoS 1 message
# the access list refuses gets a PUBACK with the reason 0x87 (not authorized), whatever that option says.
# What was seen: with max_queued_messages 0 mosquitto 2.0.11 ends the connection of whoever publishes what it refuses,
# and logs "Bad socket read/write ... Unknown error"; with any other value the client gets its PUBACK and stays. The
# number of packets that wait for the client is compared with the option without a look at 0 meaning none, so that the
# refusal comes out as "quota exceeded".
#
# Needs Debian 12 with python3, apt-get and dpkg-deb; downloads pinned packages into a temporary folder and installs
# nothing. Takes some seconds. Ends with 0 when the behaviour is as described, with 1 when it has changed.
set -euo pipefail
mosquitto=2.0.11-1.2+deb12u2
folder=$(mktemp -d)
broker=
cleanup() {
  [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"

apt-get -qq -o APT::Sandbox::User=root download "mosquitto=$mosquitto" libmosquitto1 libcjson1 libdlt2 libwrap0 \
  libwebsockets17 libev4 libuv1 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
libraries=$(find root -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')
export LD_LIBRARY_PATH="$folder/${libraries//:/:$folder/}"

# One client that connects and publishes at QoS 1 where it must not: packets as in MQTT 5.0, 3.1 and 3.3.
cat >client.py <<'P'
import socket, sys
def field(text):
    return len(text).to_bytes(2, "big") + text
def packet(first, body):
    assert len(body) < 128
    return bytes([first, len(body)]) + body
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
link.settimeout(10)
link.sendall(packet(0x10, field(b"MQTT") + bytes([5, 2, 0, 60, 0]) + field(b"client")))
assert link.recv(100)[0] == 0x20
link.sendall(packet(0x32, field(b"closed") + bytes([0, 1, 0]) + b"x"))
answer = link.recv(100)
if answer[:1] == b"\x40":
    print("puback", hex(answer[4]) if answer[1] > 2 else "0x0", end=" ")
    link.sendall(bytes([0xC0, 0]))
    answer = link.recv(100)
print("stays" if answer[:1] == b"\xd0" else "closed")
P

try() {  # LIMIT
  local port=$((20000 + RANDOM % 20000))
  echo 'topic write open' >list
  printf 'listener %d 127.0.0.1\nallow_anonymous true\nacl_file %s/list\nuser %s\nmax_queued_messages %s\n' "$port" "$folder" \
    "$(id -un)" "$1" >broker.conf
  root/usr/sbin/mosquitto -c broker.conf >broker.log 2>&1 &
  broker=$!
  for _ in $(seq 50); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
  timeout 30 python3 client.py "$port"
  kill "$broker"
  wait "$broker" 2>/dev/null || true
  broker=
}

limited=$(try 1000)
unlimited=$(try 0)
echo "mosquitto $mosquitto, a refused message with max_queued_messages 1000: $limited; with 0: $unlimited"
grep 'Bad socket' broker.log || true
if [ "$limited" = "puback 0x87 stays" ] && [[ $unlimited == *closed ]]; then
  echo "as described: without a limit the refused client is thrown out"
else
  echo "changed"
  exit 1
fi
