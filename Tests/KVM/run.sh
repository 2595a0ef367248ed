#!/bin/sh
# Proves the engine under KVM on a host that has none: an emulated machine with an AMD processor offers SVM, and the engine's
# own check runs in it. Needs qemu-system-x86, a cloud kernel, busybox-static, e2fsprogs, cpio, and engine-check, which
# `swift build --product engine-check` makes. Takes a minute or two.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
check=${ENGINE_CHECK:-$here/../../.build/debug/engine-check}
work=$(mktemp -d "${TMPDIR:-/tmp}/vers-kvm.XXXXXX")
trap 'rm -rf "$work"' EXIT
modules=$(find /lib/modules -maxdepth 1 -name "*-cloud-amd64" | sort -V | tail -n 1)
disk=$work/root
start=$work/start

# Copies programs with the libraries that they load, to the same places.
copy_with_libraries() {
    for program in "$@"; do
        ldd "$program" | awk '/=> \// { print $3 } /^\t\// { print $1 }'
    done | sort -u | while read -r library; do
        mkdir -p "$disk$(dirname "$library")"
        cp -Lu "$library" "$disk$library"
    done
}

# Puts a module into a directory, if it is none that is built in.
copy_module() {
    file=$(find "$modules" -name "$2.ko" | head -n 1)
    if [ -n "$file" ]; then cp "$file" "$1/"; fi
}

mkdir -p "$disk/bin" "$disk/proc" "$disk/sys" "$disk/dev" "$disk/tmp" "$disk/kvm" "$disk/usr/bin" "$disk/usr/share" \
    "$start/bin" "$start/modules"
"$check" prepare --root "$disk/engine"
cp "$check" "$disk/engine-check"
cp /usr/bin/qemu-system-x86_64 "$disk/usr/bin/"
cp -L -r /usr/share/qemu "$disk/usr/share/"
cp -L -r /usr/share/seabios "$disk/usr/share/"
copy_with_libraries "$check" /usr/bin/qemu-system-x86_64
for module in irqbypass kvm kvm-amd; do copy_module "$disk/kvm" "$module"; done
cp /bin/busybox "$disk/bin/busybox"
cp "$here/guest-check.sh" "$disk/check.sh"
truncate -s 2G "$work/disk.raw"
mke2fs -q -F -t ext4 -d "$disk" "$work/disk.raw"

for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
    copy_module "$start/modules" "$module"
    if [ -e "$start/modules/$module.ko" ]; then echo "$module.ko" >>"$start/modules/order"; fi
done
cp /bin/busybox "$start/bin/busybox"
cp "$here/guest-init.sh" "$start/init"
(cd "$start" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initramfs"

timeout 600 qemu-system-x86_64 -machine q35,hpet=off -accel tcg,thread=multi -cpu max -smp 2 -m 1536 \
    -nodefaults -no-user-config -display none -no-reboot -serial "file:$work/log" \
    -drive "if=virtio,format=raw,file=$work/disk.raw,cache=unsafe" \
    -kernel "/boot/vmlinuz-$(basename "$modules")" -initrd "$work/initramfs" -append "console=ttyS0 panic=-1 quiet"
cat "$work/log"
grep -q "engine check passed" "$work/log"
