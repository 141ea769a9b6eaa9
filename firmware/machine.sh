# Sourced. A board as a virtual machine, and what it speaks to on this machine's loopback.
processes=()

load_board() {
  conf=$here/boards/$1/board.conf
  [ -f "$conf" ] || die "boards: $(ls "$here/boards" | tr '\n' ' ')"
  . "$conf"
  [ -n "${uboot:-}" ] || die "$1 is not a board of QEMU; its image is made, but not booted, here"
}

stop_all() {
  local pid
  for pid in "${processes[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  processes=()
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

wait_for_port() {
  local port=$1 tries
  for tries in $(seq 100); do
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    sleep 0.1
  done
  die "nothing listens on port $port"
}

# start_backend DIRECTORY PROGRAMS: CA, broker, cloud, and an enrolment that signs what comes with the right token.
start_backend() {
  local dir=$1 programs=$2
  rm -rf "$dir/cloud"
  mkdir -p "$dir/pki" "$dir/www/cgi-bin" "$dir/cloud"
  [ -f "$dir/pki/cloud.pem" ] || make_pki "$dir/pki"
  # A device that enrolled in an earlier run knows these.
  if [ -f "$dir/known" ]; then
    . "$dir/known"
  else
    mqtt_port=$(free_port)
    http_port=$(free_port)
    api_port=$(free_port)
    token=$(openssl rand -hex 16)
    printf 'mqtt_port=%s http_port=%s api_port=%s token=%s\n' "$mqtt_port" "$http_port" "$api_port" "$token" >"$dir/known"
  fi
  # The configuration that the packages bring; only places and the port are others.
  sed -e "s#^listener 8883#listener $mqtt_port 127.0.0.1#" -e "s#/etc/spillway-cloud/broker/access.acl#$top/cloud/config/broker/access.acl#" \
    -e "s#/etc/spillway-cloud/broker#$dir/pki#" "$top/cloud/config/broker/mosquitto.conf" >"$dir/mosquitto.conf"
  [ "$(id -u)" != 0 ] || echo 'user root' >>"$dir/mosquitto.conf"
  mosquitto -c "$dir/mosquitto.conf" >"$dir/mosquitto.log" 2>&1 &
  processes+=($!)
  wait_for_port "$mqtt_port"
  cat >"$dir/cloud.toml" <<CONF
[cloud]
state_dir = "$dir/cloud"
[http]
listen = "127.0.0.1:$api_port"
[broker]
uri = "mqtts://127.0.0.1:$mqtt_port"
ca = "$dir/pki/ca.pem"
cert = "$dir/pki/cloud.pem"
key = "$dir/pki/cloud.key"
CONF
  "$programs/spillway-cloud" --config "$dir/cloud.toml" >"$dir/cloud.log" 2>&1 &
  processes+=($!)
  cat >"$dir/www/cgi-bin/enrol" <<CGI
#!/bin/sh
request=\$(mktemp)
cat >"\$request"
if [ "\$(head -n 1 "\$request")" = "$token" ]; then
  printf 'Content-Type: application/x-pem-file\r\n\r\n'
  sed 1d "\$request" | openssl x509 -req -CA "$dir/pki/ca.pem" -CAkey "$dir/pki/ca.key" -days 30 \
    -extfile "$dir/pki/client.cnf" -extensions ext 2>>"$dir/enrol.log"
else
  printf 'Status: 403 Forbidden\r\n\r\n'
fi
rm -f "\$request"
CGI
  chmod +x "$dir/www/cgi-bin/enrol"
  socat "openssl-listen:$http_port,bind=127.0.0.1,reuseaddr,fork,backlog=16,cert=$dir/pki/server.pem,key=$dir/pki/server.key,verify=0" \
    exec:"busybox httpd -i -h $dir/www" >"$dir/httpd.log" 2>&1 &
  processes+=($!)
  wait_for_port "$http_port"
  cat >"$dir/provision.conf" <<CONF
broker=mqtts://10.0.2.2:$mqtt_port
ca=$(base64 -w0 "$dir/pki/ca.pem")
enrol_url=https://10.0.2.2:$http_port/cgi-bin/enrol
enrol_token=$token
CONF
}

# operate DIRECTORY PROGRAMS PID: sets $operator, the command line of whoever watches the fleet, and waits until the device is
# there; fails when PID has ended before.
operate() {
  local dir=$1 programs=$2 pid=$3 token=$1/cloud/operator.token
  operator=("$programs/spwctl" --url "http://127.0.0.1:$api_port" --token-file "$token")
  wait_for_port "$api_port"
  [ -s "$token" ] || (umask 077; "$programs/spwctl" login --name lab <"$dir/cloud/link.txt" >"$token" 2>/dev/null)
  until [ "$("${operator[@]}" device list --online -o csv | wc -l)" -gt 1 ]; do
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 1
  done
}

# send_task DIRECTORY PROGRAMS PID: has the device run a task, and drain once its script waits for that; nothing, if it ends
# before.
send_task() {
  local dir=$1 pid=$3
  operate "$@" || return 0
  echo 'hello from the cloud' >"$dir/greeting"
  "${operator[@]}" task submit echo --online --input "$dir/greeting" >>"$dir/operator.log"
  until "${operator[@]}" task dispatched --state succeeded -o csv >"$dir/dispatched.csv" && task_came_back "$dir" >/dev/null &&
    grep -aq '^WAITING' "$dir/serial.log"; do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 1
  done
  # The device may be on its way back from a restart.
  until "${operator[@]}" device drain "$("${operator[@]}" device list -o csv | sed -n '2s/,.*//p')" >>"$dir/operator.log" 2>&1; do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 1
  done
}
task_came_back() { grep -s ,echo,succeeded, "$1/dispatched.csv"; }  # DIRECTORY

# What a device's script ends with.
await_drain='
echo "WAITING to be asked to drain"
i=0
until spillway status --json | grep -q "\"draining\":true" || [ $((i += 1)) -gt 120 ]; do sleep 1; done
[ $i -gt 120 ] || echo "ASKED by the cloud to drain"
poweroff
'

make_pki() {
  local dir=$1 name ext
  printf '[ext]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n' >"$dir/client.cnf"
  printf '[ext]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1,IP:10.0.2.2\n' >"$dir/server.cnf"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=throw-away' \
    -addext keyUsage=critical,keyCertSign -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
  for name in server cloud; do
    ext=client
    [ "$name" = cloud ] || ext=server
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout "$dir/$name.key" 2>/dev/null |
      openssl x509 -req -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days 30 -extfile "$dir/$ext.cnf" -extensions ext \
        -out "$dir/$name.pem" 2>/dev/null
  done
}

# make_disk_of BOARD FILE MIB: a copy of the image on a larger disk.
make_disk_of() {
  local image=$top/build/image/$1/disk.img
  [ -f "$image" ] || die "there is no image of $1; ./dev image $1 makes it"
  cp --sparse=always "$image" "$2"
  truncate -s "$3M" "$2"
}

# start_machine DIRECTORY OPTION…: sets $machine_pid; the serial line goes to DIRECTORY/serial.log.
start_machine() {
  local dir=$1 emulator=qemu-system-aarch64
  shift
  [ "$arch" = aarch64 ] || emulator=qemu-system-arm
  "$emulator" -M "$machine" -cpu "$cpu" -m "$memory" -smp "${cpus:-1}" -nodefaults -display none \
    -bios "/usr/lib/u-boot/$uboot/u-boot.bin" -chardev file,id=serial,path="$dir/serial.log",append=on -serial chardev:serial \
    -drive if=none,id=disk,file="$dir/disk.img",format=raw,cache=writethrough -device virtio-blk-device,drive=disk \
    -netdev user,id=net -device virtio-net-device,netdev=net -device virtio-rng-device "$@" >"$dir/qemu.log" 2>&1 &
  machine_pid=$!
  processes+=($machine_pid)
}

wait_for_machine() {  # SECONDS
  local left=$1
  while kill -0 "$machine_pid" 2>/dev/null; do
    [ "$left" -gt 0 ] || { tail -n 30 "$lab/serial.log" >&2; die "the machine did not end in $1 s"; }
    left=$((left - 1))
    sleep 1
  done
}
