#!/usr/bin/env bash
# images/tiny/root.sh FILE: a busybox root for quick VMs and tests, as a sparse raw ext4 of 16 MiB in FILE.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=../lib.sh
source "$here/../lib.sh"

[[ $# -eq 1 ]] || fail "expected: root.sh FILE"
output=$(readlink -f "$1")
require mke2fs e2fsprogs tar tar dpkg-deb dpkg

scratch=$(mktemp --directory "${TMPDIR:-/tmp}/vers-image.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

root=$scratch/root
mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc/init.d,dev,proc,sys,run,tmp,var/log,var/tmp,root,home,mnt,lib,opt,srv}
chmod 1777 "$root/tmp" "$root/var/tmp"
chmod 0700 "$root/root"

download_package busybox-static "$scratch"
dpkg-deb --fsys-tarfile "$scratch"/busybox-static_*.deb | tar --extract --to-stdout ./bin/busybox >"$root/bin/busybox"
chmod 0755 "$root/bin/busybox"
"$root/bin/busybox" --list-full | while IFS= read -r applet; do
    if [[ $applet == */* && ! -e $root/$applet ]]; then
        ln -s /bin/busybox "$root/$applet"
    fi
done

cp -r "$here/files/." "$root"
chmod 0755 "$root/etc/init.d/rcS"
chmod 0640 "$root/etc/shadow"

tar --create --file "$scratch/root.tar" --directory "$root" --sort=name --numeric-owner --owner=0 --group=0 \
    --mtime="@$SOURCE_DATE_EPOCH" .
ext4_from_tar "$scratch/root.tar" "$output" 16 128 7665727a-0000-4000-8000-000074696e79
