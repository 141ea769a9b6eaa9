#!/usr/bin/env bash
# tests/firmware/boot_smoke.sh BUILD: starts the image's own scripts from a RAM disk, with BUILD's agent, in an emulated PC: an
# image of a board would first need a cross build. The device makes its identity, enrols, connects to a broker and a cloud on
# this machine, runs a task here and one there, loses a CPU while tasks run and gets it back, and powers off. Slots and updates are not in it. The serial log stays in
# BUILD/boot. Debian's kernel is downloaded once, into build/image/ram.
set -uo pipefail
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
build=$(readlink -f "${1:?usage: boot_smoke.sh BUILD}")
here=$top/firmware
. "$top/toolchains/debian.sh"
. "$here/machine.sh"
. "$top/tests/firmware/checks.sh"
lab=$build/boot kernel=$top/build/image/ram
trap stop_all EXIT
trap 'exit 130' INT TERM

fetch_kernel() {
  [ ! -e "$kernel/.whole" ] || return 0
  rm -rf "$kernel"
  mkdir -p "$kernel"
  local package
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" { print $2; exit }')
  (cd "$kernel" && apt-get -qq download "${package:?apt knows no linux-image-cloud-amd64; run apt-get update}" &&
    dpkg-deb -x ./*.deb . && rm ./*.deb && depmod -b . "$(ls lib/modules)") && touch "$kernel/.whole"
}

copy_program() {  # FILE: with the libraries it asks this machine for
  local file
  objcopy --strip-debug "$1" "$lab/root/usr/bin/${1##*/}"
  for file in $(ldd "$1" | grep -o '/[^ ]*'); do
    [ -e "$lab/root$file" ] || install -D -m 755 "$file" "$lab/root$file"
  done
}

copy_modules() {
  local release file name
  release=$(ls "$kernel/lib/modules")
  for name in "$@"; do
    modprobe -d "$kernel" -S "$release" --show-depends "$name" 2>/dev/null | sed -n "s#^insmod $kernel##p" | tr -d ' '
  done | sort -u | while read -r file; do install -D -m 644 "$kernel/$file" "$lab/root/usr/$file"; done
  cp "$kernel/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$lab/root/usr/lib/modules/$release/"
  depmod -b "$lab/root/usr" "$release"
}

make_ram_disk() {
  local root=$lab/root applet program modules="virtio_pci virtio_net virtio_rng virtio_blk vfat nls_ascii nls_cp437 qemu_fw_cfg softdog"
  rm -rf "$root"
  mkdir -p "$root"/{usr/bin,usr/lib,usr/lib64,etc/spillway,etc/ssl,usr/lib/ssl,dev,proc,sys,run,tmp,data,boot}
  ln -s usr/bin "$root/bin"; ln -s usr/bin "$root/sbin"; ln -s usr/lib "$root/lib"; ln -s usr/lib64 "$root/lib64"
  cp "$(command -v busybox)" "$root/usr/bin/"
  for applet in $(busybox --list); do ln -s busybox "$root/usr/bin/$applet"; done
  rm -f "$root/usr/bin/openssl" "$root/usr/bin/curl"
  for program in "$build"/bin/spillway-agent "$build/bin/spillway" "$(command -v openssl)" "$(command -v curl)"; do
    copy_program "$program" || return
  done
  cp /etc/ssl/openssl.cnf "$root/etc/ssl/" && ln -s /etc/ssl/openssl.cnf "$root/usr/lib/ssl/openssl.cnf"
  cp -r "$here/image/root/." "$root/"
  # Without slots there is nothing to update.
  sed -i '/dbus-daemon\|run-rauc\|run-ota/d' "$root/etc/inittab"
  ln -s /run/resolv.conf "$root/etc/resolv.conf"
  printf 'board=ram\ndisk=/dev/vda\n' >"$root/etc/spillway/board"
  cp "$here/boards/qemu-aarch64/agent.toml" "$root/etc/spillway/agent.toml" || return
  cp "$here/image/initrd-init" "$root/init"
  echo 'exec /sbin/init' >"$root/init-ram"
  echo "$modules" >"$root/modules"
  copy_modules $modules
  (cd "$root" && find . -mindepth 1 -printf '%P\n' | cpio --quiet -o -H newc -R 0:0) >"$lab/initrd.cpio"
}

# What it is provisioned from: the first partition of a card.
make_card() {
  truncate -s 16M "$lab/card.img" && echo '2048,,c' | sfdisk -q "$lab/card.img" && mkfs.vfat --offset 2048 "$lab/card.img" 15360 &&
    mcopy -i "$lab/card.img@@1M" "$lab/provision.conf" ::spillway.conf
}
card_has() { mtype -i "$lab/card.img@@1M" ::spillway.conf | grep "$1"; }

# An enrolment that first answers three times with what is not this device's: another's name, key, and authority.
answer_wrongly_at_first() {
  local cgi=$lab/www/cgi-bin
  mv "$cgi/enrol" "$cgi/right" && cat >"$cgi/enrol" <<CGI && chmod +x "$cgi/enrol"
#!/bin/sh
cd "$lab/pki"
asked=\$(cat asked 2>/dev/null || echo 0)
echo \$((asked + 1)) >asked
[ \$asked -lt 3 ] || exec "$cgi/right"
sed 1d >request
name=\$(openssl req -in request -noout -subject -nameopt multiline | sed -n 's/^ *commonName *= //p')
new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key"
printf 'Content-Type: application/x-pem-file\r\n\r\n'
case \$asked in
  0) openssl x509 -req -in request -subj /CN=another -CA ca.pem -CAkey ca.key -days 30 ;;
  1) \$new -subj "/CN=\$name" | openssl x509 -req -CA ca.pem -CAkey ca.key -days 30 ;;
  2) \$new -x509 -subj "/CN=\$name" -days 30 ;;
esac 2>/dev/null
CGI
}

boot() {
  cat >"$lab/test.sh" <<'TEST'
until [ -s /data/identity/device.pem ] && ! ps | grep -q '[/]spillway/enrol$'; do sleep 0.2; done
echo "TOKENS left: $(grep -c enrol_token /data/identity/provision.conf)"
# As a power cut between the certificate and the end of the token leaves it, at first with a card that cannot be read.
token=enrol_token=left-over
echo $token >>/data/identity/provision.conf
mount -t vfat /dev/vda1 /boot && echo $token >>/boot/spillway.conf && umount /boot
mknod /dev/bad1 b $((0x$(stat -c %t /dev/vda))) 0
sed -i s/vda/bad/ /etc/spillway/board
/usr/lib/spillway/enrol
echo "TOKENS beside a broken card: $(grep -c enrol_token /data/identity/provision.conf)"
sed -i s/bad/vda/ /etc/spillway/board
/usr/lib/spillway/enrol
echo "TOKENS after a power cut: $(grep -c enrol_token /data/identity/provision.conf)"
echo 'only root' >/etc/victim && chmod 600 /etc/victim
su -s /bin/sh spillway -c '
  for place in /run /run/spillway /data /data/spillway /data/identity /data/ota /data/ota/inbox; do
    for name in agent.toml device device.new device.key key.new ca.pem ca.new device.pem device.pem.new provision.conf provision.conf.new \
      enrol.answer status test grown request progress bundle bundle.from; do
      rm -f $place/$name; ln -s /etc/victim $place/$name; ln /etc/victim $place/hard.$name
    done
  done' 2>/dev/null
/usr/lib/spillway/provision
kill $(pidof spillway-agent)
until spillway status >/dev/null 2>&1; do sleep 0.2; done
mv /data/identity/device.pem /run/kept.pem
cp -p /data/identity/provision.conf /run/kept.conf
sed -i s/https:/http:/ /data/identity/provision.conf
timeout 5 /usr/lib/spillway/enrol
mv /run/kept.conf /data/identity/provision.conf
mv /run/kept.pem /data/identity/device.pem
echo "VICTIM: $(stat -c '%U %a' /etc/victim) $(cat /etc/victim)"
echo "IDENTITY: $(stat -c '%U %a' /data/identity /data/identity/device.key | tr '\n' ' ')"
until spillway status --json | grep -q '"link_up":true'; do sleep 1; done
echo hello >/tmp/in
echo "TASK local: $(spillway submit echo --prefer local --input /tmp/in --wait --wait-timeout 60s)"
echo "TASK cloud: $(spillway submit hash.sha256 --prefer cloud --input /tmp/in --wait --wait-timeout 60s)"
cpu=/sys/devices/system/cpu/cpu1/online
workers() { spillway places --json | grep -o '"workers":[0-9]*' | sed 's/.*://; q'; }
follows() { for i in $(seq 100); do [ "$(workers)" != "$1" ] || { echo "CPUS online: $1, workers: $1"; return; }; sleep 0.2; done; }
follows 2
for i in $(seq 40); do spillway submit spin --prefer local --arg iterations=20000000 >/dev/null; done
echo 0 >$cpu
follows 1
echo 1 >$cpu
follows 2
until spillway status --json | grep -q '"done_local":41,'; do sleep 0.2; done
echo "CPUS came and went: 41 tasks done"
TEST
  echo "$await_drain" >>"$lab/test.sh"
  # The device's clock is behind that of whoever signs its certificate.
  timeout 270 qemu-system-x86_64 -rtc base="$(date -u -d '-10 seconds' +%FT%T)" -M pc -cpu max -smp 2 -m 1024 -nodefaults -display none -no-reboot -kernel "$kernel"/boot/vmlinuz-* \
    -initrd "$lab/initrd.cpio" -append "console=ttyS0 panic=-1 quiet" -serial "file:$lab/serial.log" \
    -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= -device virtio-rng-pci \
    -drive "if=virtio,file=$lab/card.img,format=raw" -fw_cfg name=opt/spillway/test,file="$lab/test.sh" &
  local machine_pid=$!
  send_task "$lab" "$build/bin" "$machine_pid"
  wait "$machine_pid"
}

says() { grep -aq -- "$1" "$lab/serial.log" || { tail -n 40 "$lab/serial.log" "$lab/cloud.log"; return 1; }; }

rm -rf "$lab"
mkdir -p "$lab"
for board in "$here"/boards/*/; do
  board=${board%/}
  check "board_${board##*/}_has_a_configuration_the_agent_takes" "$build/bin/spillway-agent" --check --config "$board/agent.toml"
done
start_backend "$lab" "$build/bin" >"$lab/backend.log" 2>&1 || { cat "$lab/backend.log"; exit 1; }
check boot_has_a_kernel fetch_kernel
check boot_has_a_ram_disk make_ram_disk
check boot_has_a_card make_card
check boot_has_an_enrolment_that_errs answer_wrongly_at_first
check boot_ends boot
check boot_makes_an_agent_that_answers says 'spillway: the agent answers'
check boot_takes_no_certificate_for_another_name says 'enrol: the answer is for another name than dev-'
check boot_takes_no_certificate_for_another_key says 'enrol: the answer is for another key'
check boot_takes_no_certificate_of_another_authority says "enrol: the answer is not signed by this device's authority"
check boot_enrols_the_device says 'enrol: this device is dev-'
check boot_forgets_the_token says 'TOKENS left: 0'
check boot_keeps_the_token_while_the_card_cannot_be_wiped says 'TOKENS beside a broken card: 1'
check boot_says_that_the_card_cannot_be_wiped says 'enrol: the token stays on /dev/bad1'
check boot_forgets_the_token_that_a_power_cut_left says 'TOKENS after a power cut: 0'
check boot_wipes_the_token_from_the_card eval 'card_has broker= && ! card_has enrol_token'
check boot_never_enrols_in_the_open says 'enrol: enrol_url must begin with https://'
check root_follows_no_name_that_the_agent_made says 'VICTIM: root 600 only root'
check the_agent_cannot_change_who_the_device_is says 'IDENTITY: root 750 root 640'
check boot_lets_a_task_run_on_the_device says 'TASK local: hello'
check boot_lets_a_task_run_in_the_cloud says 'TASK cloud: {"sha256":"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'
check boot_runs_a_task_that_the_cloud_sent task_came_back "$lab"
check boot_drains_when_an_operator_asks says 'ASKED by the cloud to drain'
check boot_follows_a_cpu_that_goes says 'CPUS online: 1, workers: 1'
check boot_loses_no_task_when_cpus_come_and_go says 'CPUS came and went: 41 tasks done'
check boot_ends_by_powering_off says 'reboot: Power down'
sum_up
