#!/bin/sh
# Installs what the tests need from Debian and pip cannot bring: a browser for the pages that Offhook makes, and espeak-ng.
# Does nothing where it is there already. Needs root (or sudo) and apt.
set -eu

command -v chromium >/dev/null && command -v espeak-ng >/dev/null && exit 0

command -v apt-get >/dev/null || {
    echo "test packages: chromium or espeak-ng is missing, and there is no apt-get to install it with: install it, then go on" >&2
    exit 1
}
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "test packages: as root, run: apt-get install chromium espeak-ng" >&2
        exit 1
    }
    as_root=sudo
fi
echo "Installing chromium and espeak-ng for the tests (once)"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends chromium espeak-ng fonts-dejavu-core >/dev/null
