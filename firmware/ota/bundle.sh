#!/usr/bin/env bash
# firmware/ota/bundle.sh BOARD FILE: a signed RAUC bundle of what firmware/image/build.sh BOARD last made. Options for
# tests: --compatible TEXT, --signer stranger. Products name their key in SPILLWAY_SIGNING_CERT and SPILLWAY_SIGNING_KEY.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$here/../..
. "$top/toolchains/debian.sh"
who='' compatible='' names=()
while [ $# -gt 0 ]; do
  case $1 in
    --compatible) compatible=$2; shift ;;
    --signer) who=$2-; shift ;;
    -*) die "there is no option '$1'" ;;
    *) names+=("$1") ;;
  esac
  shift
done
[ ${#names[@]} -eq 2 ] || die "usage: bundle.sh BOARD FILE"
board=${names[0]} file=$(readlink -m "${names[1]}")
images=$top/build/image/$board
pki=$top/build/image/pki
[ -f "$images/root.img" ] || die "there is no image of $board; ./dev image $board makes it"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/content"
cp --sparse=always "$images/root.img" "$work/content/root.img"
cp --sparse=always "$images/kernel.img" "$work/content/kernel.img"
cat >"$work/content/manifest.raucm" <<CONF
[update]
compatible=${compatible:-spillway-$board}
version=$(cat "$images/version")

[bundle]
format=verity

[image.rootfs]
filename=root.img

[image.kernel]
filename=kernel.img
CONF
rm -f "$file"
rauc --cert="${SPILLWAY_SIGNING_CERT:-$pki/${who}sign.pem}" --key="${SPILLWAY_SIGNING_KEY:-$pki/${who}sign.key}" \
  bundle "$work/content" "$file" >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; die "rauc could not make the bundle"; }
printf '%10d  %s\n' "$(stat -c %s "$file")" "${file##*/}"
