#!/bin/sh
# Puts Asterisk into build/asterisk for tests/connector/legs/test_pbx.py: Debian 12 has none, so it comes from Debian's
# testing branch, into a folder of its own (350 MB); nothing on the machine is touched. Needs root.
set -eu

to=${1:-build/asterisk}
[ -x "$to/usr/sbin/asterisk" ] && exit 0
[ "$(id -u)" = 0 ] || { echo "Asterisk: run it as root" >&2; exit 1; }
command -v mmdebstrap >/dev/null || apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
echo "Fetching Asterisk into $to (once; two minutes)"
rm -rf "$to.new"
mkdir -p "$(dirname "$to")"
# A mirror may lag behind: its list is then past its date.
mmdebstrap --quiet --variant=minbase --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=asterisk,asterisk-modules,ca-certificates forky "$to.new" "deb $mirror forky main"
echo "127.0.0.1 localhost $(hostname)" >>"$to.new/etc/hosts"
rm -rf "$to"
mv "$to.new" "$to"
