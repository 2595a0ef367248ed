#!/bin/sh
# Proves the engine under KVM on a host that has none: an emulated machine with an AMD processor offers SVM, and the engine's
# own check runs in it. Needs qemu-system-x86, a cloud kernel, busybox-static, e2fsprogs, cpio, and engine-check, which
# `swift build --product engine-check` makes. Takes a minute or two.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
check=${ENGINE_CHECK:-$here/../../.build/debug/engine-check}
work=$(mktemp -d "${TMPDIR:-/tmp}/vers-kvm.XXXXXX")
trap 'rm -rf "$work"' EXIT
kvm=$here
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$kvm/machine.sh"
disk=$work/root

# Copies programs with the libraries that they load, to the same places.
copy_with_libraries() {
    for program in "$@"; do
        ldd "$program" | awk '/=> \// { print $3 } /^\t\// { print $1 }'
    done | sort -u | while read -r library; do
        mkdir -p "$disk$(dirname "$library")"
        cp -Lu "$library" "$disk$library"
    done
}

mkdir -p "$disk/bin" "$disk/proc" "$disk/sys" "$disk/dev" "$disk/tmp"
copy_qemu "$disk"
"$check" prepare --root "$disk/engine"
cp "$check" "$disk/engine-check"
cp /usr/bin/qemu-system-x86_64 "$disk/usr/bin/"
copy_with_libraries "$check" /usr/bin/qemu-system-x86_64
cp /bin/busybox "$disk/bin/busybox"
cp "$here/guest-check.sh" "$disk/check.sh"
truncate -s 2G "$work/disk.raw"
mke2fs -q -F -t ext4 -d "$disk" "$work/disk.raw"

run_machine "$work/disk.raw" 600 1536 /check.sh
grep -q "engine check passed" "$work/log"
