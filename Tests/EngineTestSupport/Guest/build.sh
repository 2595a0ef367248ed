#!/bin/sh
# Makes the initramfs and the disk of the engine tests' guest: build.sh DIRECTORY
set -eu
out=$1
here=$(dirname "$0")
modules=$(find /lib/modules -maxdepth 1 -name "*-cloud-amd64" | sort -V | tail -n 1)
release=$(basename "$modules")
mkdir -p "$out/root/bin" "$out/root/modules"
cp /bin/busybox "$out/root/bin/busybox"
cp "$here/init.sh" "$out/root/init"
chmod 755 "$out/root/init"
: >"$out/root/modules/order"
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk virtio_console \
    failover net_failover virtio_net virtio-rng pvpanic pvpanic-pci; do
    file=$(find "$modules" -name "$module.ko" | head -n 1)
    if [ -n "$file" ]; then
        cp "$file" "$out/root/modules/"
        echo "$module.ko" >>"$out/root/modules/order"
    fi
done
(cd "$out/root" && find . | cpio --quiet -o -H newc | gzip -1) >"$out/initramfs"
cp "/boot/vmlinuz-$release" "$out/kernel"
truncate -s 256M "$out/root.raw"
mke2fs -q -F -t ext4 "$out/root.raw"
rm -rf "$out/root"
