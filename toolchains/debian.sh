# Sourced. The Debian archive as this machine knows it, for fetching packages of other architectures
# without telling its package database about them.

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# debian_sources TYPE: one-line sources (deb or deb-src) of the Debian suites that apt here is set up for.
debian_sources() {
  local lines
  lines=$(list_sources "$1")
  # The Release files say which archive is Debian's; a fresh machine has not fetched them yet.
  if [ -z "$lines" ]; then
    if [ "$(id -u)" = 0 ]; then apt-get -qq update >&2; else sudo apt-get -qq update >&2; fi
    lines=$(list_sources "$1")
  fi
  [ -n "$lines" ] || die "apt knows no Debian archive; look at /etc/apt/sources.list.d"
  printf '%s\n' "$lines"
}

list_sources() {
  apt-get indextargets --format "$1 \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' 'Origin: Debian' |
    sort -u
}

# name_target ARCH: sets $debian (Debian's name) and $triple of a target.
name_target() {
  case $1 in
    aarch64) debian=arm64 triple=aarch64-linux-gnu emulator=qemu-aarch64-static ;;
    armhf) debian=armhf triple=arm-linux-gnueabihf emulator=qemu-arm-static ;;
    amd64) debian=amd64 triple=x86_64-linux-gnu emulator= ;;
    *) die "'$1' is none of aarch64, armhf, amd64" ;;
  esac
}

# extract_packages ARCHITECTURE DIRECTORY PACKAGE…: unpacks packages and what they need, running none of their
# scripts. How to fetch (a proxy, for instance) is taken from this machine's apt, and so are its checks: an index
# that does not match its signature is not used. When that leaves out the security suite, it is said here and in
# DIRECTORY/.without-security, and whoever ships what comes out has to decide about it. What came from which package is
# kept in DIRECTORY/.packages (name, version, source and its version, architecture) and .libraries (file, package).
extract_packages() {
  local architecture=$1 directory=$2 sources
  shift 2
  sources=$(debian_sources deb)
  if unpack "$architecture" "$directory" "$sources" "$@"; then return; fi
  say "  once more, without the security suite: it may be the one that cannot be read for $architecture"
  rm -rf "$directory"
  unpack "$architecture" "$directory" "$(grep -v -- '-security ' <<<"$sources")" "$@" ||
    die "could not fetch and unpack the packages for $architecture"
  touch "$directory/.without-security"
  say "WARNING: the security updates for $architecture could not be fetched (why: above); they are missing here"
}

record_packages='cd "$1" && for deb in var/cache/apt/archives/*.deb; do
  dpkg-deb -W --showformat "\${Package}\t\${Version}\t\${source:Package}\t\${source:Version}\t\${Architecture}\n" "$deb" >>.packages
  name=$(dpkg-deb -f "$deb" Package)
  dpkg-deb -c "$deb" | sed -n "s#.* \./\(.*/[^/]*\.so[^ /]*\).*#\1#p" | sed "s#.*/##; s#\$#\t$name#" >>.libraries
done'

unpack() {
  local architecture=$1 directory=$2 sources=$3 settings log status=0
  shift 3
  settings=$(mktemp) log=$(mktemp)
  apt-config dump Acquire >"$settings"
  mmdebstrap --variant=extract --architectures="$architecture" --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --aptopt="$settings" --extract-hook="$record_packages" --include="$(IFS=,; printf '%s' "$*")" '' "$directory" - <<<"$sources" >"$log" 2>&1 || status=$?
  [ "$status" = 0 ] || grep -E '^(E|Err|W):|^  ' "$log" | tail -n 8 >&2
  rm -f "$settings" "$log"
  return "$status"
}

# fetch_source PACKAGE: unpacks a source package here, with a package list of its own.
fetch_source() {
  local state=$PWD/.apt
  mkdir -p "$state/lists/partial"
  debian_sources deb-src >"$state/sources.list"
  local get=(apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root
    -o Dir::State::lists="$state/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
  "${get[@]}" update >&2 && "${get[@]}" source "$1" >&2
}
