#!/bin/sh
# Installs what the tests need from Debian and pip cannot bring: a browser for the pages that Offhook makes, SIPp and
# baresip as callers of its SIP legs, espeak-ng as a voice. Does nothing where they are there already. Needs root (or sudo) and apt.
set -eu

packages=
command -v chromium >/dev/null || packages="chromium fonts-dejavu-core"
command -v sipp >/dev/null || packages="$packages sip-tester"
command -v baresip >/dev/null || packages="$packages baresip-core"
command -v espeak-ng >/dev/null || packages="$packages espeak-ng"
[ -n "$packages" ] || exit 0

command -v apt-get >/dev/null || {
    echo "test packages: there is no apt-get to install them with: install $packages, then go on" >&2
    exit 1
}
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "test packages: as root, run: apt-get install $packages" >&2
        exit 1
    }
    as_root=sudo
fi
echo "Installing for the tests (once): $packages"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086  # they are several words
$as_root apt-get install -y -qq --no-install-recommends $packages >/dev/null
