#!/bin/sh
# Installs what the tests need from Debian and pip cannot bring: a browser for the pages that Offhook makes.
# Does nothing where it is there already. Needs root (or sudo) and apt.
set -eu

command -v chromium >/dev/null && exit 0

command -v apt-get >/dev/null || {
    echo "test packages: chromium is missing, and there is no apt-get to install it with: install it, then go on" >&2
    exit 1
}
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "test packages: as root, run: apt-get install chromium" >&2
        exit 1
    }
    as_root=sudo
fi
echo "Installing chromium for the tests (once)"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
