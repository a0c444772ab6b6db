#!/bin/sh
# Fetches recorded human speech for the demo: Debian's prompts by Allison Smith (CC-BY-SA-3.0) and the list of their
# words, unpacked into a folder without being installed. Needs apt and the network, not root; the system is not changed.
#
#   scripts/fetch_recordings.sh [FOLDER]        (build/recordings if not given)
#   PACKAGES="..." scripts/fetch_recordings.sh FOLDER      other packages, such as other voices for benchmarks
set -eu

packages=${PACKAGES:-asterisk-core-sounds-en-wav asterisk-core-sounds-en}
folder=${1:-build/recordings}
marker=$folder/.complete

if [ -f "$marker" ]; then
    echo "recordings: already in $folder"
    exit 0
fi

fail() {
    echo "recordings: $1. Without them the demo plays those of the moonshine-voice wheel." >&2
    exit 1
}

if [ -e "$folder" ] && ! rmdir "$folder" 2>/dev/null; then
    fail "$folder holds other things: remove it first"
fi
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || fail "$tool is missing: this needs Debian or Ubuntu"
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch" ${unpacked:+"$unpacked"}' EXIT
trap 'exit 130' INT TERM
mkdir "$scratch/lists" "$scratch/cache"

apt() {
    # As root, apt would fetch as a user of its own, who may not write here.
    (cd "$scratch" && apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
        -o Acquire::https::Timeout=20 "$@") >>"$scratch/log" 2>&1
}

# The lists of this machine may be missing (containers) or stale; ours, fetched into the scratch folder, are neither.
# shellcheck disable=SC2086  # the names are to be split
apt download $packages || {
    set -- -o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch/cache"
    apt "$@" update && apt "$@" download $packages ||
        fail "apt cannot fetch $packages ($(grep -m 1 'Failed to fetch' "$scratch/log" || tail -n 1 "$scratch/log"))"
}

unpacked=$folder.part.$$
mkdir -p "$unpacked" 2>/dev/null || fail "cannot write beside $folder"
for package in $packages; do
    deb=$(echo "$scratch/${package}"_*.deb)
    [ "$(dpkg-deb --field "$deb" Package 2>/dev/null)" = "$package" ] && dpkg-deb --extract "$deb" "$unpacked" ||
        fail "the download of $package is damaged"
    dpkg-deb --field "$deb" Package Version >>"$unpacked/.complete"
done

mv "$unpacked" "$folder"
echo "recordings: $(find "$folder" -name '*.wav' | wc -l) in $folder"
